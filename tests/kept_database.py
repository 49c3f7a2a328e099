"""The migrated database on SQLite, kept for the next run: few tests take as long as migrating."""

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import connection

CACHE = settings.BASE_DIR / ".pytest_cache" / "migrated"
# What tables, their first rows and permissions come from; requirements say the versions of packages
SOURCES = (
    "*/models.py",
    "*/models/*.py",
    "*/migrations/*.py",
    "config/settings.py",
    "requirements*.txt",
)


def kept_database() -> Path:
    """Where that of today's migrations is or will be; any change of the sources is another one."""
    digest = hashlib.sha256()
    for pattern in SOURCES:
        for path in sorted(settings.BASE_DIR.glob(pattern)):
            digest.update(path.name.encode() + path.read_bytes())
    return Path(CACHE, f"{digest.hexdigest()}.sqlite3")


def take(place: Path) -> None:
    """A copy to work on, if there is one."""
    with suppress(FileNotFoundError):
        shutil.copy(kept_database(), place)


def keep() -> None:
    """Keep the connected database, new as it is, instead of those before."""
    kept = kept_database()
    if kept.exists():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    for older in CACHE.glob("*.sqlite3"):
        older.unlink(missing_ok=True)  # another run may do the same
    half = kept.with_suffix(f".{os.getpid()}")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(half)])
    half.replace(kept)
