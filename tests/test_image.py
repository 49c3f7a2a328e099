"""What a production image holds: the product, and nothing that serves development only."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
DEVELOPMENT_ONLY = {"aiosmtpd", "atpublic"}
# An interpreter of an image: what only the sandbox needs is not installed there
WITHOUT_PACKAGES = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(DEVELOPMENT_ONLY)!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
"""

Manage = Callable[..., str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("image")


@pytest.fixture(scope="module")
def manage(place: Path) -> Manage:
    """`manage.py` of a copy that holds what .dockerignore lets into an image."""
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


@pytest.fixture(scope="module")
def collected(manage: Manage) -> str:
    """What `collectstatic` says of its files."""
    return manage("collectstatic", "--no-input", "--verbosity=2")


def test_image_collects_its_static_files(collected: str) -> None:
    assert "portal/portal.css" in collected
    assert "shared/chips.css" in collected
    assert "composer.js" not in collected  # of the sandbox's page
    assert "swagger-ui/swagger-ui-bundle.js" in collected
    assert "redoc" not in collected


def test_collected_files_have_hashed_names_and_are_readable(
    place: Path, manage: Manage, collected: str
) -> None:
    name = manage(
        "shell", "--no-imports", "-c",
        "from django.templatetags.static import static; print(static('portal/portal.css'))",
    ).strip()  # fmt: skip
    assert re.fullmatch(r"/static/portal/portal\.[0-9a-f]{12}\.css", name)
    compressed = place / "srv" / "static_root" / f"{name.removeprefix('/static/')}.gz"
    assert compressed.stat().st_mode & 0o044 == 0o044


@pytest.mark.parametrize("command", ["runbot", "qcluster", "seed_tickets", "demo"])
def test_command_of_the_image_is_found(manage: Manage, command: str) -> None:
    assert "usage:" in manage(command, "--help")


def test_demo_without_a_token_says_what_is_missing(manage: Manage) -> None:
    with pytest.raises(AssertionError, match="задайте TELEGRAM_BOT_TOKEN"):
        manage("demo", "--port=59999")


def test_requirements_of_the_image_leave_out_what_the_sandbox_needs() -> None:
    server, sandbox = pins_of("requirements.txt"), pins_of("requirements-sandbox.txt")

    assert {pin.partition("==")[0] for pin in sandbox - server} == DEVELOPMENT_ONLY
    assert {pin.partition("==")[0] for pin in server} & DEVELOPMENT_ONLY == set()


def pins_of(name: str) -> set[str]:
    """`package==version` of every package of a requirements file."""
    lines = (ROOT / name).read_text().splitlines()
    return {line.split()[0] for line in lines if line[:1].isalnum()}


def test_each_requirements_file_holds_the_pins_of_the_one_before() -> None:
    names = ("requirements.txt", "requirements-sandbox.txt", "requirements-dev.txt")
    server, sandbox, development = map(pins_of, names)

    assert server < sandbox < development


@pytest.mark.parametrize("path", sorted(ROOT.glob("requirements*.txt")), ids=lambda path: path.name)
def test_every_package_is_pinned_with_its_hashes(path: Path) -> None:
    packages = path.read_text().replace("\\\n", "").splitlines()

    assert len(packages) > 10
    for package in packages:
        assert re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", package), package


@pytest.mark.parametrize("name", ["Dockerfile", "run", ".ci/run"])
def test_packages_are_installed_by_their_hashes_only(name: str) -> None:
    script = (ROOT / name).read_text().replace("\\\n", "")
    installs = [line for line in script.splitlines() if "pip install" in line]

    assert installs
    assert all("--require-hashes" in line for line in installs)


def modules_after(script: str, *argv: str) -> set[str]:
    """What an interpreter has loaded at the end of a script with Django set up."""
    printed = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import django, sys; django.setup()\n{script}\nprint(*sys.modules)",
            *argv,
        ],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return set(printed.split())


def test_worker_loads_no_dialog() -> None:
    """What drains Telegram needs neither the screens nor the inbox."""
    loaded = modules_after(
        "from django.utils.module_loading import import_string\n"
        "from django.conf import settings\n"
        "[import_string(name) for name in settings.NOTICE_CHANNELS]\n"
        "import tickets.tasks, accounts.tasks"
    )
    for part in ("flows", "inbox", "application", "processing", "incoming", "direct_replies"):
        assert f"telegram_bot.{part}" not in loaded, part
    assert "telegram_bot.channel" in loaded


def test_pages_load_no_library_of_telegram() -> None:
    """It would cost every process of the portal more than 7 MB."""
    loaded = modules_after("import config.urls")
    assert "portal.urls" in loaded
    assert "telegram" not in loaded


def test_bot_loads_no_pages() -> None:
    """Its screens and the addresses it leads to do without; with them it held 20 MiB more."""
    loaded = modules_after(
        "from django.urls import reverse, set_urlconf\n"
        "from telegram_bot.templating import render\n"
        "import telegram_bot.management.commands.runbot\n"
        "set_urlconf('telegram_bot.addresses')\n"
        "render('no_products')\n"
        "reverse('ticket_list'), reverse('admin:tickets_ticket_changelist')",
        "runbot",
    )
    assert loaded.isdisjoint({"portal.urls", "desk.admin", "api.urls", "rest_framework.views"})


def test_servers_hand_out_the_schema_without_what_makes_it() -> None:
    loaded = modules_after("import config.urls")
    assert "api.docs" in loaded
    assert loaded.isdisjoint({"api.schema", "drf_spectacular.openapi"})
