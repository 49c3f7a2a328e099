"""A disk that is full, nearly full or broken: text is kept, nothing is left half written."""

import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage
from django.core.files.uploadedfile import TemporaryUploadedFile

from tests.factories import TicketFactory, open_ticket
from tests.files import PDF, pdf
from tickets.attachments import NewFile, check_file, store_file
from tickets.comments import add_comment, say_once
from tickets.forms import Sending
from tickets.models import Attachment, Comment
from tickets.refusals import FileRefused

pytestmark = pytest.mark.django_db
MB = 1024**2
BIG = PDF + b"0" * 300_000  # several chunks


def on_disk(settings) -> set[str]:
    root = Path(settings.MEDIA_ROOT)
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def rows() -> set[str]:
    return set(Attachment.objects.exclude(file="").values_list("file", flat=True))


class SmallDisk:
    """`os` of a machine on whose disk only so many bytes more can be written."""

    left = 10**9

    def __getattr__(self, name):
        return getattr(os, name)

    def write(self, fd, data):
        written = os.write(fd, bytes(data)[: self.left])
        self.left -= written
        if written < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        return written

    def fdopen(self, fd, _mode):
        file = os.fdopen(fd, "wb")
        return SimpleNamespace(write=lambda data: self.write(fd, data), close=file.close)

    def rename(self, *_args):
        raise OSError(errno.EXDEV, "Invalid cross-device link")


@pytest.fixture
def disk(monkeypatch):
    disk = SmallDisk()
    monkeypatch.setattr("django.core.files.storage.filesystem.os", disk)
    monkeypatch.setattr("django.core.files.move.os", disk)
    return disk


def chunked(content: bytes) -> ContentFile:
    file = ContentFile(content)
    file.DEFAULT_CHUNK_SIZE = 64 * 1024
    return file


def new(name: str) -> NewFile:
    return NewFile(name, len(BIG), content=chunked(BIG))


# Full while it is written


@pytest.mark.parametrize("room", [0, 1, 64 * 1024, 200_000, 300_000 + len(PDF) + 100_000])
def test_part_of_a_file_is_deleted(disk, settings, by_anna, anna, room):
    ticket = open_ticket(anna, files=[new("a.pdf")])
    disk.left = room
    with pytest.raises(OSError, match="No space"):
        add_comment(ticket=ticket, actor=by_anna, body="x", files=[new("b.pdf")] * 2)
    assert on_disk(settings) == rows()
    assert len(rows()) == 1
    assert not Comment.objects.exists()


def test_words_are_kept_without_the_file(disk, settings, by_anna, anna):
    ticket = open_ticket(anna)
    disk.left = 100_000
    sending = Sending(anna, "comment", uuid4(), "x", ticket, files=[new("a.pdf")])
    done = say_once(sending=sending, ticket=ticket, actor=by_anna, body="Важно")
    assert not done.made["files_kept"]
    assert Comment.objects.get().body == "Важно"
    assert on_disk(settings) == rows() == set()


def test_upload_moved_from_another_disk_leaves_no_part(disk, settings, by_anna, anna):
    """A large upload lies in a temporary file; where it cannot be renamed, it is copied."""
    ticket = open_ticket(anna)
    disk.left = 100_000
    with TemporaryUploadedFile("a.pdf", "", len(BIG), None) as upload:
        upload.file.write(BIG)
        upload.seek(0)
        file = NewFile("a.pdf", len(BIG), content=upload)
        with pytest.raises(OSError, match="No space"):
            add_comment(ticket=ticket, actor=by_anna, body="x", files=[file])
        upload.close()
    assert on_disk(settings) == rows() == set()


def test_fetched_file_is_refused_with_words(disk, settings):
    announced = Attachment.objects.create(ticket=TicketFactory(), name="a.pdf", state="pending")
    disk.left = 100_000
    with pytest.raises(FileRefused, match="Файл «a.pdf» сейчас принять нельзя: на сервере мало"):
        store_file(attachment=announced, content=chunked(BIG))
    announced.refresh_from_db()
    assert (announced.state, announced.file.name) == ("pending", "")
    assert on_disk(settings) == set()


def test_broken_disk_is_no_full_one(settings, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    settings.MEDIA_ROOT = tmp_path / "file"
    announced = Attachment.objects.create(ticket=TicketFactory(), name="a.pdf", state="pending")
    with pytest.raises(OSError, match="file"):
        store_file(attachment=announced, content=chunked(BIG))


def test_part_that_cannot_be_deleted_hides_no_error(disk, monkeypatch, anna, by_anna):
    def fail(*_args):
        raise OSError(errno.EROFS, "Read-only file system")

    ticket = open_ticket(anna)
    monkeypatch.setattr(FileSystemStorage, "delete", fail)
    disk.left = 10
    with pytest.raises(OSError, match="No space"):
        add_comment(ticket=ticket, actor=by_anna, body="x", files=[new("a.pdf")])


# Nearly full


@pytest.fixture
def free(monkeypatch, settings):
    """`free(n)`: so many bytes are free on the disk; 200 MB are wanted."""
    settings.MIN_FREE_DISK_MB = 200

    def free(size):
        usage = SimpleNamespace(total=10**12, used=0, free=size)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)

    return free


def test_file_is_refused_while_little_is_free(free):
    free(200 * MB - 1)
    with pytest.raises(FileRefused, match="Файл «a.pdf» сейчас принять нельзя: на сервере мало"):
        check_file(name="a.pdf", size=0)


def test_file_may_fill_the_disk_up_to_what_is_wanted(free):
    free(230 * MB)
    check_file(name="a.pdf", size=30 * MB)
    with pytest.raises(FileRefused, match="мало места"):
        check_file(name="a.pdf", size=31 * MB)


def test_wrong_kind_is_told_first(free):
    free(0)
    with pytest.raises(FileRefused, match="такой тип"):
        check_file(name="a.exe", size=1)


def test_text_is_taken_while_little_is_free(free, anna, by_anna, settings):
    free(0)
    ticket = open_ticket(anna)
    with pytest.raises(FileRefused):
        add_comment(ticket=ticket, actor=by_anna, body="x", files=[pdf()])
    add_comment(ticket=ticket, actor=by_anna, body="Без файла")
    assert Comment.objects.get().body == "Без файла"
    assert on_disk(settings) == set()


def test_announced_file_is_refused_when_it_arrives(free):
    announced = Attachment.objects.create(ticket=TicketFactory(), name="a.pdf", state="pending")
    free(0)
    with pytest.raises(FileRefused, match="мало места"):
        store_file(attachment=announced, content=ContentFile(PDF))


def test_limit_of_nothing_is_no_limit(free, settings):
    free(0)
    settings.MIN_FREE_DISK_MB = 0
    check_file(name="a.pdf", size=1)


def test_only_disks_are_asked(free, settings):
    free(0)
    field = Attachment._meta.get_field("file")
    storage, field.storage = field.storage, InMemoryStorage()
    try:
        check_file(name="a.pdf", size=1)
    finally:
        field.storage = storage


def test_free_space_of_a_folder_to_be_made(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "not" / "yet"
    settings.MIN_FREE_DISK_MB = 1
    check_file(name="a.pdf", size=1)
    settings.MIN_FREE_DISK_MB = 10**9
    with pytest.raises(FileRefused):
        check_file(name="a.pdf", size=1)


def test_unknown_free_space_refuses_nothing(settings, monkeypatch):
    def fail(_path):
        raise OSError(errno.EIO, "Input/output error")

    settings.MIN_FREE_DISK_MB = 200
    monkeypatch.setattr(shutil, "disk_usage", fail)
    check_file(name="a.pdf", size=1)
