from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from tests.factories import TicketFactory
from tickets.attachments import (
    ALLOWED,
    check_file,
    check_signature,
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
        ("/", "файл"),
    ],
)
def test_clean_file_name(name, clean):
    assert clean_file_name(name) == clean


def test_long_file_name_is_cut_and_keeps_its_extension():
    name = clean_file_name("Ж" * 200 + ".pdf")
    assert name == "Ж" * 116 + ".pdf"
    assert len(clean_file_name("Ж" * 200 + "." + "x" * 50)) == 120


@pytest.mark.parametrize("name", ["a.pdf", "A.PDF", "архив.tar.gz", "main.tf", "видео.mp4"])
def test_allowed_extension(name):
    check_file(name=name, size=1)


@pytest.mark.parametrize(
    "name", ["a.exe", "a.svg", "a.html", "a.js", "a.pdf.exe", "a", "pdf", "a.pdf ", "a.bat", "a."]
)
def test_extension_not_on_the_list_is_refused(name):
    with pytest.raises(FileRefused, match="такой тип не поддерживается"):
        check_file(name=name, size=1)


def test_no_allowed_extension_runs_in_a_browser():
    assert not {".svg", ".html", ".htm", ".xhtml", ".js", ".mjs", ".swf"} & set(ALLOWED)


def test_size_limit():
    check_file(name="a.pdf", size=50 * MB)
    check_file(name="a.pdf", size=20 * MB, limit=20 * MB)
    with pytest.raises(FileRefused, match=r"50 МБ, можно до 50 МБ"):
        check_file(name="a.pdf", size=50 * MB + 1)
    with pytest.raises(FileRefused, match=r"21 МБ, можно до 20 МБ"):
        check_file(name="a.pdf", size=21 * MB, limit=20 * MB)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.pdf", PDF),
        ("a.JPG", b"\xff\xd8\xff\xe0"),
        ("a.png", b"\x89PNG\r\n\x1a\n"),
        ("a.mp4", b"\0\0\0\x20ftypisom"),
        ("a.mov", b"\0\0\0\x20moov"),
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8 "),
        ("a.avi", b"RIFF\0\0\0\0AVI LIST"),
        ("a.wav", b"RIFF\0\0\0\0WAVEfmt "),
        ("a.docx", b"PK\x03\x04"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("a.txt", "Привет".encode()),
        ("a.csv", "Привет".encode("cp1251")),
    ],
)
def test_matching_signature(name, head):
    check_signature(name=name, head=head)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.pdf", b"MZ\x90\0"),
        ("a.jpg", b"<html><script>"),
        ("a.png", b"\x89PN"),
        ("a.mp4", b"isomftyp"[:6]),
        ("a.txt", b"MZ\x90\0\x03"),
        ("a.docx", PDF),
        ("a.pdf", b"MZ\x90\0" + PDF),
        ("a.pdf", b" " + PDF),
        ("a.webp", b"RIFF\0\0\0\0AVI "),
        ("a.avi", b"RIFF\0\0\0\0WAVE"),
        ("a.wav", b"RIFF\0\0\0\0WEBP"),
        ("a.mp4", b"ftypisom"),
    ],
)
def test_content_unlike_its_extension_is_refused(name, head):
    with pytest.raises(FileRefused, match="не похоже на его тип"):
        check_signature(name=name, head=head)


def test_empty_file_is_refused():
    with pytest.raises(FileRefused, match="пустой"):
        check_signature(name="a.txt", head=b"")


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


def test_refuse_file_keeps_the_reason(announced):
    refuse_file(attachment=announced, reason="Файл больше 20 МБ." + "ж" * 400)
    announced.refresh_from_db()
    assert announced.state == Attachment.State.REFUSED
    assert announced.refusal.startswith("Файл больше 20 МБ.")
    assert len(announced.refusal) == 300
