from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from tests.factories import TicketFactory, open_ticket
from tickets.attachments import (
    NewFile,
    check_file,
    clean_file_name,
    refuse_file,
    store_file,
)
from tickets.models import Attachment
from tickets.refusals import FileRefused

PDF = b"%PDF-1.7\n"
MB = 1024**2


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("Отчёт за март.pdf", "Отчёт за март.pdf"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\Анна\\счёт.pdf", "счёт.pdf"),
        ("фото\r\nSet-Cookie: a.jpg", "фото Set-Cookie: a.jpg"),
        ("gpj\u202e.exe", "gpj.exe"),
        (".htaccess.txt", "htaccess.txt"),
        ("a\0b.png", "ab.png"),
        ("..", "файл"),
        ("", "файл"),
        ("отчёт.pdf\u200b", "отчёт.pdf"),
        ("Scherm\u00adafbeelding.p\u200bng", "Schermafbeelding.png"),
        ("\u2068договор\u2069.pdf", "договор.pdf"),
        ("и\u0306.pdf", "й.pdf"),
        ("\u200b.\u200b", "файл"),
        ("/", "файл"),
    ],
)
def test_clean_file_name(name, clean):
    assert clean_file_name(name) == clean


def test_long_file_name_is_cut_and_keeps_its_extension():
    name = clean_file_name("Ж" * 200 + ".pdf")
    assert name == "Ж" * 116 + ".pdf"
    assert clean_file_name("Ж" * 200 + ".sql.GZ.2026-11-20").endswith("Ж.GZ.2026-11-20")
    assert len(clean_file_name("Ж" * 200 + "." + "x" * 50)) == 120


def test_size_limit():
    check_file(name="a.pdf", size=50 * MB)
    check_file(name="a.pdf", size=20 * MB, limit=20 * MB)
    with pytest.raises(FileRefused, match=r"50 МБ, можно до 50 МБ"):
        check_file(name="a.pdf", size=50 * MB + 1)
    with pytest.raises(FileRefused, match=r"21 МБ, можно до 20 МБ"):
        check_file(name="a.pdf", size=21 * MB, limit=20 * MB)


# Announced now, stored later


@pytest.fixture
def announced(db):
    return Attachment.objects.create(
        ticket=TicketFactory(), name="договор.pdf", state=Attachment.State.PENDING
    )


def test_store_file_keeps_it_under_its_own_path(announced, settings):
    store_file(attachment=announced, content=ContentFile(PDF, name="evil/../a.pdf"))
    announced.refresh_from_db()
    assert announced.state == Attachment.State.READY
    assert announced.size == len(PDF)
    assert Path(announced.file.path).read_bytes() == PDF
    folder, _slash, stored = announced.file.name.rpartition("/")
    assert folder.startswith("attachments/20")
    assert len(stored) == 32
    assert "договор" not in stored
    assert (settings.MEDIA_ROOT / announced.file.name).is_file()


@pytest.mark.parametrize("content", [b"", b"MZ\x90\0"])
def test_store_file_refuses_bad_content_and_stays_pending(announced, content, settings):
    with pytest.raises(FileRefused):
        store_file(attachment=announced, content=ContentFile(content))
    announced.refresh_from_db()
    assert announced.state == Attachment.State.PENDING
    assert not announced.file
    assert not settings.MEDIA_ROOT.exists()


def test_files_of_one_name_are_two_files(anna):
    files = [NewFile("скан.pdf", 9, content=ContentFile(PDF + part)) for part in (b"1", b"2")]
    attachments = open_ticket(anna, files=files).attachments.all()
    assert [file.name for file in attachments] == ["скан.pdf"] * 2
    assert [Path(file.file.path).read_bytes() for file in attachments] == [PDF + b"1", PDF + b"2"]


def test_refuse_file_keeps_the_reason(announced):
    refuse_file(attachment=announced, reason="Файл больше 20 МБ." + "ж" * 400)
    announced.refresh_from_db()
    assert announced.state == Attachment.State.REFUSED
    assert announced.refusal.startswith("Файл больше 20 МБ.")
    assert len(announced.refusal) == 300
