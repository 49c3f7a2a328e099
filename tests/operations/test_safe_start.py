"""Web, worker and bot as an operator starts them: refused in one line where others get in."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.management.base import CommandError

from accounts.models import User
from config.start import START, start_safely
from operations.demo_data import ADMIN, ANNA, create_demo_data
from tests import kept_database
from tests.config.test_start import SAFE

ROOT = Path(__file__).parents[2]
MANAGE = [sys.executable, "manage.py"]
BIND = ["--bind=127.0.0.1:0", "--no-control-socket"]
GUNICORN = [sys.executable, "-W", "ignore", "-m", "gunicorn", "config.wsgi"]
PUBLIC = {
    "PORTAL_URL": "https://support.example.com",
    "SECRET_KEY": "k",
    "TELEGRAM_BOT_TOKEN": "1:a",
}


def run(folder: Path, command: list[str], **env: str) -> subprocess.CompletedProcess[str]:
    database = {"DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}"}
    known = {name: value for name, value in os.environ.items() if not name.startswith("TELEGRAM_")}
    return subprocess.run(
        command, cwd=ROOT, env={**known, **database, "MEDIA_ROOT": str(folder / "media"), **env},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [
        [*MANAGE, "runserver"],
        [*MANAGE, "runserver", "--noreload"],
        [*MANAGE, "qcluster"],
        [*MANAGE, "runbot"],
        [*GUNICORN, *BIND, "--workers=2"],
    ],
    ids=lambda command: " ".join(command[-2:]),
)
def test_process_is_refused_in_one_line(tmp_path: Path, command: list[str]) -> None:
    done = run(tmp_path, command, **PUBLIC)

    assert done.returncode not in (0, None)
    assert "SECRET_KEY" in done.stderr
    assert "EMAIL_URL" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


@pytest.mark.parametrize(
    "command",
    [
        [*MANAGE, "runserver", "0:8000"],
        [*MANAGE, "runserver", "[::]:8000"],
        [*GUNICORN, "--bind=0.0.0.0:0", "--no-control-socket"],
    ],
    ids=lambda command: " ".join(command[-2:]),
)
def test_address_that_others_reach_counts_whatever_the_settings_say(
    tmp_path: Path, command: list[str]
) -> None:
    done = run(tmp_path, command, PORTAL_URL="http://127.0.0.1:8000", ALLOWED_HOSTS="127.0.0.1")

    assert done.returncode not in (0, None)
    assert "SECRET_KEY" in done.stderr
    assert "Traceback" not in done.stderr


def test_deployment_check_tells_the_same(tmp_path: Path) -> None:
    done = run(tmp_path, [*MANAGE, "check", "--deploy", "--tag=start"], **PUBLIC)

    assert done.returncode == 1
    for name in ("SECRET_KEY", "EMAIL_URL"):
        assert name in done.stderr


def test_what_repairs_the_state_still_runs(tmp_path: Path) -> None:
    made = {"DJANGO_SUPERUSER_PASSWORD": ADMIN.password, **PUBLIC}
    who = ["--no-input", "--username=admin", "--email=a@example.com"]

    for command in (["migrate", "-v0"], ["createsuperuser", *who], ["changepassword", "--help"]):
        done = run(tmp_path, [*MANAGE, *command], **made)
        assert done.returncode == 0, done.stderr


def test_demo_superuser_of_a_database_is_no_start(tmp_path: Path) -> None:
    sound = {name: str(value) for name, value in SAFE.items() if name.isupper()} | {
        "ALLOWED_HOSTS": "support.example.com", "EMAIL_URL": "smtp://smtp.example.com:25",
        "DEBUG": "0", "TELEGRAM_BOT_TOKEN": "1:a",
    }  # fmt: skip
    kept_database.take(tmp_path / "db.sqlite3")
    run(tmp_path, [*MANAGE, "migrate", "-v0"], **sound)
    who = ["createsuperuser", "--no-input", "--username=admin", "--email=a@example.com"]
    run(tmp_path, [*MANAGE, *who], **sound, DJANGO_SUPERUSER_PASSWORD=ADMIN.password)

    done = run(tmp_path, [*GUNICORN, *BIND], **sound)

    assert done.returncode not in (0, None)
    assert "admin" in done.stderr
    assert "changepassword" in done.stderr
    assert ADMIN.password not in done.stderr


def test_database_file_is_its_owners_only(tmp_path: Path) -> None:
    command = ["sh", "-c", f"umask 022; exec {sys.executable} manage.py migrate -v0"]

    done = run(tmp_path, command)

    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((tmp_path / "db.sqlite3").stat().st_mode) == 0o600


@pytest.fixture
def sound(settings, tmp_path):
    """The settings of a server that others reach, with nothing wrong."""
    settings.BASE_DIR = tmp_path
    for name, value in SAFE.items():
        setattr(settings, name, value)


@pytest.mark.django_db
def test_working_demo_passwords_name_their_accounts(sound) -> None:
    create_demo_data()

    with pytest.raises(CommandError, match="anna, boris, igor, admin") as refused:
        start_safely()

    assert "changepassword" in str(refused.value)
    assert "-2026" not in str(refused.value)


@pytest.mark.django_db
def test_changed_closed_and_other_accounts_start(sound) -> None:
    create_demo_data()
    User.objects.exclude(username="admin").update(is_active=False)
    admin = User.objects.get(username="admin")
    admin.set_password("chosen-by-the-owner")
    admin.save()
    User.objects.create_user("petr", "petr@example.com", "words-of-his-own")

    start_safely()


@pytest.mark.django_db
def test_renamed_demo_account_is_found_by_its_address(sound) -> None:
    User.objects.create_user("chief", ADMIN.email.upper(), ADMIN.password)

    with pytest.raises(CommandError, match="chief"):
        start_safely()


@pytest.mark.django_db
def test_password_is_looked_for_under_djangos_database_tag_only(sound) -> None:
    User.objects.create_user(ANNA.username, ANNA.email, ANNA.password)

    asked = run_checks(tags=[START], include_deployment_checks=True, databases=["default"])
    unasked = run_checks(tags=[START], include_deployment_checks=True)

    assert [error.id for error in asked] == ["start.E006"]
    assert unasked == []


@pytest.mark.django_db
def test_looking_for_passwords_reads_few_rows_and_writes_none(
    sound, django_assert_num_queries
) -> None:
    create_demo_data()

    with django_assert_num_queries(4), pytest.raises(CommandError):
        start_safely()
