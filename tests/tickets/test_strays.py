"""Contents that nobody names are deleted when they are a day old."""

import os
import time
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from operations.tasks import EVERY_MINUTE
from tests.factories import open_ticket
from tests.files import pdf
from tickets import strays
from tickets.models import Attachment, CannedAnswer, CannedFile
from tickets.strays import delete_stray_files

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(settings) -> Path:
    return Path(settings.MEDIA_ROOT) / "attachments"


@pytest.fixture(autouse=True)
def kept(anna, root) -> Path:
    """A content that has its row, older than any stray."""
    file = open_ticket(anna, files=[pdf()]).attachments.get().file
    return aged(Path(file.path), days=400)


def aged(path: Path, *, days: float) -> Path:
    then = time.time() - days * 86400
    os.utime(path, (then, then))
    return path


def stray(folder: Path, *, days: float = 1.01, name: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name or uuid4().hex)
    path.write_bytes(b"%PDF-half")
    return aged(path, days=days)


def this_month(root: Path) -> Path:
    return root / f"{timezone.now():%Y/%m}"


def test_sweep_is_part_of_the_safety_net():
    assert delete_stray_files in EVERY_MINUTE


def test_stray_of_a_day_is_deleted(root, kept):
    old, new = stray(this_month(root)), stray(this_month(root), days=0.99)
    delete_stray_files()
    assert not old.exists()
    assert new.exists()
    assert kept.exists()


def test_second_name_of_the_storage_is_swept_too(root):
    path = stray(this_month(root), name=f"{uuid4().hex}_a1B2c3D")
    delete_stray_files()
    assert not path.exists()


@pytest.mark.parametrize("name", [".gitkeep", "счёт.pdf", "A" * 32, "lost+found"])
def test_what_is_not_ours_stays(root, name):
    path = stray(this_month(root), name=name)
    delete_stray_files()
    assert path.exists()


@pytest.mark.parametrize("folder", ["", "2020", "2020/1", "other/01", "2020/01/deep"])
def test_other_folders_are_not_walked(root, folder):
    path = stray(root / folder)
    delete_stray_files()
    assert path.exists()


def test_every_older_month_has_its_turn(root, clock):
    old = [stray(root / f"2020/{month:02}") for month in range(1, 6)]
    for _hour in range(4):  # the newest of them is always looked at
        delete_stray_files()
        clock.advance(hours=1, seconds=1)
    assert [path.exists() for path in old] == [False] * 5


def test_sweep_comes_once_an_hour(root, clock):
    delete_stray_files()
    path = stray(this_month(root))
    clock.advance(minutes=59)
    delete_stray_files()
    assert path.exists()
    clock.advance(minutes=2)
    delete_stray_files()
    assert not path.exists()


def test_between_sweeps_nothing_is_looked_at(root, django_assert_num_queries):
    delete_stray_files()
    with django_assert_num_queries(3):  # the lease only
        delete_stray_files()


@pytest.mark.parametrize("number", [1, 3, 7])
def test_names_are_looked_up_by_chunks(root, monkeypatch, django_assert_num_queries, number):
    monkeypatch.setattr(strays, "NAMES_A_QUERY", 3)
    for _ in range(number):
        stray(this_month(root))
    chunks = {1: 1, 3: 2, 7: 3}[number]  # the kept one is looked up, too
    with django_assert_num_queries(3 + 1 + 3 * chunks):  # of tickets, ready answers, answers to all
        delete_stray_files()
    assert len(list(this_month(root).iterdir())) == 1


def test_large_month_is_looked_at_by_parts(root, monkeypatch, clock):
    monkeypatch.setattr(strays, "NAMES_A_FOLDER", 2)
    for _ in range(7):
        stray(this_month(root))
    left = []
    for _hour in range(4):
        delete_stray_files()
        left.append(len(list(this_month(root).iterdir())))
        clock.advance(hours=1, seconds=1)
    assert left[0] >= 6
    assert left == sorted(left, reverse=True)
    for _hour in range(8):
        delete_stray_files()
        clock.advance(hours=1, seconds=1)
    assert len(list(this_month(root).iterdir())) == 1


def test_nothing_is_deleted_beside_an_empty_database(root, kept):
    Attachment.objects.all().delete()
    path = stray(this_month(root))
    delete_stray_files()
    assert path.exists()
    assert kept.exists()


def test_what_cannot_be_deleted_keeps_nobody_else(root, monkeypatch):
    paths = [stray(this_month(root)) for _ in range(3)]
    remove, failed = os.remove, []

    def fail_once(path):
        if not failed:
            failed.append(path)
            raise OSError(30, "Read-only file system")
        remove(path)

    monkeypatch.setattr("django.core.files.storage.filesystem.os.remove", fail_once)
    delete_stray_files()
    assert [path.exists() for path in paths].count(True) == 1


def test_folder_behind_a_link_is_swept(root, settings, tmp_path, clock):
    settings.MEDIA_ROOT.rename(tmp_path / "other disk")
    settings.MEDIA_ROOT.symlink_to(tmp_path / "other disk")
    path = stray(this_month(root))
    delete_stray_files()
    assert not path.exists()


def test_nothing_stored_yet(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "new"
    delete_stray_files()


def test_file_of_a_ready_answer_is_no_stray(root):
    answer = CannedAnswer.objects.create(title="Логи", body="Пришлите логи.")
    made = CannedFile.objects.create(answer=answer, name="a.txt", file=ContentFile(b"a", "a.txt"))
    path = aged(Path(made.file.path), days=400)
    delete_stray_files()
    assert path.exists()
