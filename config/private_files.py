"""Database, attachments, logs and secrets are their owner's alone.

`keep_private` makes what is written from now on so: the first act of manage.py and config/wsgi.py.
`close_to_others` mends what an earlier start, or another program, has left readable.
"""

import logging
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

logger = logging.getLogger(__name__)

OTHERS = stat.S_IRWXG | stat.S_IRWXO
SQLITE_ENDINGS = ("", "-wal", "-shm", "-journal")


def keep_private() -> None:
    os.umask(OTHERS)


def close_to_others() -> None:
    for path in (settings.BASE_DIR / ".env", *_database_files()):
        close_file(path)
    for folder in (Path(settings.MEDIA_ROOT), settings.BASE_DIR / "var"):
        _close_tree(folder)


def close_file(path: Path) -> None:
    """Take from a file or folder what group and others may do with it."""
    try:
        mode = path.lstat().st_mode
        if mode & OTHERS and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) & ~OTHERS)
    except FileNotFoundError:  # another process has cleaned up
        pass
    except OSError as error:
        logger.warning("Others may read %s, and its mode cannot be changed: %s", path, error)


def _close_tree(folder: Path) -> None:
    """Behind a closed folder nothing can be reached, so a large tree is walked through once."""
    if not folder.is_dir() or not folder.stat().st_mode & OTHERS:
        return
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            close_file(Path(parent, name))
    close_file(folder)


def _database_files() -> Iterable[Path]:
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return []
    return [Path(f"{database['NAME']}{ending}") for ending in SQLITE_ENDINGS]
