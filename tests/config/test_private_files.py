"""What the processes keep is for their owner only, also what an earlier start left open."""

import os
import stat
from pathlib import Path

import pytest

from config.private_files import close_to_others, keep_private


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def write(path: Path, mode: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    path.chmod(mode)
    return path


@pytest.fixture
def place(tmp_path: Path, settings, monkeypatch) -> Path:
    """A project whose files an earlier start has left readable."""
    settings.BASE_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db.sqlite3")}
    monkeypatch.setitem(settings.DATABASES, "default", database)
    return tmp_path


def test_files_of_an_earlier_start_are_closed(place: Path) -> None:
    names = (
        ".env", "db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm", "media/attachments/a/b.png",
        "var/log/web.log", "var/log/run.lock",
    )  # fmt: skip
    files = [write(place / name, 0o644) for name in names]
    folders = [place / name for name in ("media", "media/attachments/a", "var", "var/log")]
    for folder in folders:
        folder.chmod(0o755)

    close_to_others()

    assert {str(path): oct(mode_of(path)) for path in files if mode_of(path) != 0o600} == {}
    assert {str(path): oct(mode_of(path)) for path in folders if mode_of(path) != 0o700} == {}


def test_nothing_of_the_project_itself_is_touched(place: Path) -> None:
    program = write(place / "manage.py", 0o755)
    before = mode_of(place)

    close_to_others()

    assert mode_of(program) == 0o755
    assert mode_of(place) == before


def test_a_link_leads_to_no_file_of_others(place: Path) -> None:
    foreign = write(place / "foreign.txt", 0o644)
    write(place / "media/own.txt", 0o644)
    (place / "media/link").symlink_to(foreign)
    (place / "media").chmod(0o755)

    close_to_others()

    assert mode_of(foreign) == 0o644


def test_a_closed_tree_is_not_walked_through_again(place: Path) -> None:
    inside = write(place / "media/attachments/a.txt", 0o644)
    (place / "media").chmod(0o700)

    close_to_others()

    assert mode_of(inside) == 0o644  # nobody gets there


def test_an_empty_place_is_no_fault(place: Path) -> None:
    close_to_others()

    assert list(place.iterdir()) == []


def test_what_is_written_from_now_on_is_private(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        keep_private()
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder/file").write_text("x")
    finally:
        os.umask(before)

    assert mode_of(tmp_path / "folder") == 0o700
    assert mode_of(tmp_path / "folder/file") == 0o600
