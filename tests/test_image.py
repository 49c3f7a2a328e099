"""What a production image holds: the product, and nothing that serves development only."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
DEVELOPMENT_ONLY = {
    "aiohappyeyeballs", "aiohttp", "aiosignal", "aiosmtpd", "atpublic", "attrs", "frozenlist",
    "multidict", "propcache", "yarl",
}  # fmt: skip
# An interpreter of an image: what only the sandbox needs is not installed there
WITHOUT_PACKAGES = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted({"aiohttp", "aiosmtpd", "yarl", "multidict"})!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
"""

Manage = Callable[..., str]


@pytest.fixture(scope="module")
def manage(tmp_path_factory: pytest.TempPathFactory) -> Manage:
    """`manage.py` of a copy that holds what .dockerignore lets into an image."""
    place = tmp_path_factory.mktemp("image")
    (place / "site").mkdir()
    (place / "site" / "sitecustomize.py").write_text(WITHOUT_PACKAGES)
    let_in = (ROOT / ".dockerignore").read_text().split()
    (place / "srv").mkdir()
    for name in (line[1:] for line in let_in if line.startswith("!")):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, place / "srv" / name)
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(place / "site"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DATABASE_URL": f"sqlite:///{place / 'image.sqlite3'}",
        "TELEGRAM_BOT_TOKEN": "",
    }

    def run(*argv: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", "manage.py", *argv],
            cwd=place / "srv", env=env, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return run


def test_image_starts_without_the_sandbox(manage: Manage) -> None:
    manage("check")
    assert "sandbox" not in manage("help")
    manage("migrate", "--verbosity=0")


def test_image_collects_its_static_files(manage: Manage) -> None:
    listed = manage("collectstatic", "--no-input", "--dry-run", "--verbosity=2")
    assert "portal/portal.css" in listed
    assert "shared/chips.css" in listed
    assert "composer.js" not in listed  # of the sandbox's page


@pytest.mark.parametrize("command", ["runbot", "qcluster", "seed_tickets", "demo"])
def test_command_of_the_image_is_found(manage: Manage, command: str) -> None:
    assert "usage:" in manage(command, "--help")


def test_demo_without_a_token_says_what_is_missing(manage: Manage) -> None:
    with pytest.raises(AssertionError, match="задайте TELEGRAM_BOT_TOKEN"):
        manage("demo", "--port=59999")


def test_requirements_of_the_image_leave_out_what_the_sandbox_needs() -> None:
    def packages(name: str) -> set[str]:
        return {
            line.partition("==")[0].partition("[")[0].lower()
            for line in (ROOT / name).read_text().splitlines()
            if line and not line.startswith("-r")
        }

    assert packages("requirements-sandbox.txt") == DEVELOPMENT_ONLY
    assert packages("requirements.txt") & DEVELOPMENT_ONLY == set()


def test_worker_loads_no_dialog() -> None:
    """What drains Telegram needs neither the screens nor the inbox."""
    script = (
        "import django, sys; django.setup()\n"
        "from django.utils.module_loading import import_string\n"
        "from django.conf import settings\n"
        "[import_string(name) for name in settings.NOTICE_CHANNELS]\n"
        "import tickets.tasks, accounts.tasks\n"
        "print([name for name in sys.modules if name.startswith('telegram_bot.')])"
    )
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    loaded = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for part in ("flows", "inbox", "application", "processing", "incoming", "direct_replies"):
        assert f"'telegram_bot.{part}" not in loaded, part
    assert "telegram_bot.channel" in loaded
