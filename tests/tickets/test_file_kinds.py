"""Which files are taken, by their names and their first bytes."""

import codecs

import pytest

from tickets.attachments import check_file, check_signature
from tickets.file_kinds import TAKEN, extension
from tickets.refusals import FileRefused

PDF = b"%PDF-1.7\n"
PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff\xe0"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP = b"PK\x03\x04"
TAR = b"a.txt".ljust(257, b"\0") + b"ustar\x0000"
LOG = "Установка\r\nINFO done\r\n"

PROGRAMS = {
    "Windows": b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0",
    "Linux": b"\x7fELF\x02\x01\x01\0",
    "macOS": b"\xcf\xfa\xed\xfe\x07\0\0\x01",
    "macOS, universal": b"\xca\xfe\xba\xbe\0\0\0\x02",
    "shortcut": b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0",
    "WebAssembly": b"\0asm\x01\0\0\0",
}
ACTIVE = {
    "shell": b"#!/bin/sh\nrm -rf /\n",
    "page": b"<!DOCTYPE html><script>alert(1)</script>",
    "page after a BOM": codecs.BOM_UTF8 + b"\n<html><body>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "svg after XML": b'<?xml version="1.0"?>\n<!-- x -->\n<svg onload="alert(1)"/>',
    "PHP": b"<?php system($_GET[0]); ?>",
}


# Names


@pytest.mark.parametrize(
    "name",
    ["a.pdf", "A.PDF", "архив.tar.gz", "main.tf", "видео.mp4", "фото.jfif", "backup.tar",
     "error.log.1", "app.log.2026-11-20", "dump.sql.gz.1", "app.log-20261120",
     "app.log.2026-11-20.3", "nginx.conf.old", "my.cnf.txt.bak", "invite.ics", "контакт.vcf",
     "voice.amr", "call.aac"],
)  # fmt: skip
def test_name_is_taken(name):
    check_file(name=name, size=1)


@pytest.mark.parametrize(
    "name",
    ["a.exe", "a.svg", "a.html", "a.js", "a.pdf.exe", "a", "pdf", "a.pdf ", "a.bat", "a.", "a.1",
     "a.exe.1", "a.html.2026-11-20", "a.php.bak", "a.sh.old", "1.1.1", ".1", "syslog.1",
     "a.log.x1"],
)  # fmt: skip
def test_name_is_refused(name):
    with pytest.raises(FileRefused, match="такой тип не поддерживается") as refusal:
        check_file(name=name, size=1)
    assert f"«{name}»" in str(refusal.value)


def test_rotation_is_no_extension():
    assert extension("dump.sql.GZ.1") == ".gz"
    assert extension("report-2026-11-20.pdf") == ".pdf"


def test_nothing_that_runs_in_a_browser_is_taken():
    assert not {".svg", ".html", ".htm", ".xhtml", ".js", ".mjs", ".swf", ".php"} & TAKEN


# Contents


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.pdf", PDF, "application/pdf"),
        ("a.pdf", codecs.BOM_UTF8 + b"\r\n" + PDF, "application/pdf"),
        ("a.JPG", JPEG, "image/jpeg"),
        ("a.jfif", JPEG, "image/jpeg"),
        ("a.png", PNG, "image/png"),
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        ("a.bmp", b"BM\x36\x10\x0e\0\0\0\0\0\x36\0\0\0", "image/bmp"),
        ("a.heic", b"\0\0\0\x18ftypheic", "image/heic"),
        ("a.mp4", b"\0\0\0\x20ftypisom", "video/mp4"),
        ("a.mov", b"\0\0\0\x20moov", "video/quicktime"),
        ("a.avi", b"RIFF\0\0\0\0AVI LIST", "video/x-msvideo"),
        ("a.wav", b"RIFF\0\0\0\0WAVEfmt ", "audio/x-wav"),
        ("a.mp3", b"ID3\x03\0", "audio/mpeg"),
        ("a.amr", b"#!AMR\n<", "audio/amr"),
        ("a.aac", b"\xff\xf1\x50\x80", "audio/aac"),
        ("a.xls", OLE, "application/vnd.ms-excel"),
        ("a.zip", ZIP, "application/zip"),
        ("a.tar", TAR, "application/x-tar"),
        ("dump.sql.gz.1", b"\x1f\x8b\x08\0", "application/gzip"),
    ],
)
def test_kind_of_a_file_like_its_name(name, head, kind):
    assert check_signature(name=name, head=head) == kind


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        pytest.param("a.jpg", PNG, "image/png", id="renamed picture"),
        pytest.param("IMG_1.jpg", b"\0\0\0\x18ftypheic", "image/heic", id="picture of an iPhone"),
        pytest.param("a.txt", PDF + b"\0", "application/pdf", id="document as a text"),
        pytest.param("a.log", b"\x1f\x8b\x08\0", "application/gzip", id="packed log"),
        pytest.param("a.docx", PDF, "application/pdf", id="document as another"),
        pytest.param("a.doc", b"{\\rtf1", "application/rtf", id="RTF as .doc"),
        pytest.param("a.webp", b"RIFF\0\0\0\0AVI ", "video/x-msvideo", id="film as a picture"),
        pytest.param("a.pdf", ZIP, "application/zip", id="archive as a document"),
    ],
)
def test_file_of_another_kind_is_taken_as_what_it_is(name, head, kind):
    assert check_signature(name=name, head=head) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("a.pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ("a.doc", "application/msword"),
        ("a.ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ],
)
@pytest.mark.parametrize("head", [ZIP, OLE], ids=["plain", "with a password"])
def test_office_file_is_a_zip_or_an_ole_container(name, kind, head):
    assert check_signature(name=name, head=head) == kind


@pytest.mark.parametrize(
    "head",
    [
        LOG.encode(),
        LOG.encode("utf-8-sig"),
        LOG.encode("utf-16"),
        codecs.BOM_UTF16_BE + LOG.encode("utf-16-be"),
        LOG.encode("utf-32"),
        LOG.encode("utf-16-le"),
        LOG.encode("utf-16-be"),
        LOG.encode("cp1251"),
        LOG.encode("cp866"),
        b"\x1b[31merror\x1b[0m",
        b"MZ-5 is the name of a server",
        b"BM",
        *ACTIVE.values(),
    ],
)
@pytest.mark.parametrize("name", ["install.log", "a.txt", "a.csv", "error.log.1"])
def test_text_in_any_code(name, head):
    assert check_signature(name=name, head=head) == "text/plain"


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("length", [509, 510, 511, 512])
def test_text_is_known_wherever_its_head_is_cut(code, length):
    head = ("Ж🙂 " * 300).encode(code)[:length]
    assert check_signature(name="a.log", head=head) == "text/plain"


@pytest.mark.parametrize("head", [b"a;b\r\n1;2\r\n", LOG.encode("cp1251"), LOG.encode("utf-16")])
def test_table_of_text_is_taken_as_an_old_office_file(head):
    assert check_signature(name="отчёт.xls", head=head) == "text/plain"


@pytest.mark.parametrize("head", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("name", ["a.pdf", "a.jpg", "a.docx", "a.doc", "a.zip", "a.txt", "a.log.1"])
def test_program_is_refused_under_any_name(name, head):
    with pytest.raises(FileRefused, match="не похоже на его тип") as refusal:
        check_signature(name=name, head=head)
    assert f"«{name}»" in str(refusal.value)


@pytest.mark.parametrize("head", ACTIVE.values(), ids=ACTIVE)
@pytest.mark.parametrize("name", ["a.pdf", "a.jpg", "a.docx", "a.doc", "a.xls", "a.zip", "a.tar"])
def test_script_or_page_is_refused_unless_named_as_text(name, head):
    with pytest.raises(FileRefused, match="не похоже на его тип"):
        check_signature(name=name, head=head)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.png", b"\x89PN"),
        ("a.mp4", b"isomft"),
        ("a.mp4", b"ftypisom"),
        ("a.pdf", b"hello"),
        ("a.pdf", PROGRAMS["Windows"] + PDF),
        ("a.zip", b"\0" * 64),
        ("a.txt", b"a\x00b"),
        ("a.txt", b"\0\1"),
        ("a.txt", b"\0" * 512),
        ("a.txt", codecs.BOM_UTF16_LE + b"\x01\0\x02\0"),
        ("a.txt", codecs.BOM_UTF8 + b"\xff\xfe"),
        ("a.xls", b"\x01\x02\x03"),
        ("a.tar", b"MZ".ljust(257, b"\0") + b"ustar"),
    ],
)
def test_unknown_content_is_refused(name, head):
    with pytest.raises(FileRefused, match="не похоже на его тип"):
        check_signature(name=name, head=head)


def test_empty_file_is_refused():
    with pytest.raises(FileRefused, match="Файл «a.txt» пустой"):
        check_signature(name="a.txt", head=b"")
