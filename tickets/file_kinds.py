"""What a file is, told from its first bytes; its name only says whether we take such files."""

import codecs
import re
from mimetypes import guess_type
from pathlib import PurePosixPath

HEAD = 512  # bytes that are enough to tell the kind; tar names itself at 257

TEXT_TYPE = "text/plain"
PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}  # what every browser shows

TEXTS = {
    ".txt", ".log", ".csv", ".tsv", ".json", ".xml", ".yaml", ".yml", ".ini", ".conf", ".cfg",
    ".md", ".sql", ".tf", ".eml", ".har", ".pem", ".crt", ".toml", ".diff", ".patch", ".ics",
    ".vcf",
}  # fmt: skip
# Reports that call themselves so are often a table of tabs or XML inside.
OLD_OFFICE = {".doc", ".xls"}
OFFICE = {".ppt", ".msg", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp"} | OLD_OFFICE
MEDIA = {
    ".jpg", ".jpeg", ".jfif", ".png", ".gif", ".webp", ".bmp", ".heic", ".heif", ".tif", ".tiff",
    ".mp4", ".m4v", ".mov", ".3gp", ".webm", ".mkv", ".avi",
    ".mp3", ".m4a", ".aac", ".amr", ".flac", ".ogg", ".oga", ".opus", ".wav",
}  # fmt: skip
OTHERS = {
    ".pdf", ".rtf", ".zip", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tar",
    ".pcap", ".pcapng",
}  # fmt: skip
TAKEN = TEXTS | OFFICE | MEDIA | OTHERS

# What log rotation adds: error.log.1, app.log.2026-11-20, dump.sql.gz.1, a.log-20261120, a.cfg.old
ROTATION = re.compile(r"(?:[._-](?:[0-9]+|old|bak))+\Z", re.IGNORECASE)

# Filled by office programs and others alike. An office file with a password is an OLE container.
ZIP_TYPE, OLE_TYPE = "application/zip", "application/x-ole-storage"

# media type → how such a file begins
SIGNATURES: tuple[tuple[str, re.Pattern[bytes]], ...] = tuple(
    (media_type, re.compile(start, re.DOTALL))
    for media_type, start in (
        ("image/jpeg", rb"\xff\xd8\xff"),
        ("image/png", rb"\x89PNG\r\n\x1a\n"),
        ("image/gif", rb"GIF8[79]a"),
        ("image/webp", rb"RIFF....WEBP"),
        ("image/bmp", rb"BM....\0\0\0\0"),
        ("image/tiff", rb"II\*\0|MM\0\*"),
        ("image/heic", rb"\0...ftyp(?:hei|hev|mif1|msf1)"),
        ("video/quicktime", rb"\0...(?:ftypqt|moov|wide)|....mdat"),
        ("video/3gpp", rb"\0...ftyp3g"),
        ("video/mp4", rb"\0...ftyp"),
        ("video/webm", rb"\x1aE\xdf\xa3"),
        ("video/x-msvideo", rb"RIFF....AVI "),
        ("audio/mpeg", rb"ID3[\x02-\x04]|\xff[\xfa\xfb\xf2\xf3\xe2\xe3]"),
        ("audio/aac", rb"\xff[\xf0\xf1\xf8\xf9]"),
        ("audio/amr", rb"#!AMR"),
        ("audio/flac", rb"fLaC"),
        ("audio/ogg", rb"OggS"),
        ("audio/x-wav", rb"RIFF....WAVE"),
        # Programs that write a BOM or an empty line before it are common; every reader forgives.
        ("application/pdf", rb"(?:\xef\xbb\xbf)?\s*%PDF-"),
        ("application/rtf", rb"\{\\rtf"),
        ("application/gzip", rb"\x1f\x8b"),
        ("application/x-bzip2", rb"BZh[1-9]1AY&SY"),
        ("application/x-xz", rb"\xfd7zXZ\0"),
        ("application/zstd", rb"\x28\xb5\x2f\xfd"),
        ("application/x-7z-compressed", rb"7z\xbc\xaf\x27\x1c"),
        ("application/vnd.rar", rb"Rar!\x1a\x07"),
        ("application/x-tar", rb".{257}ustar"),
        ("application/vnd.tcpdump.pcap", rb"[\xd4\x4d]\xc3\xb2\xa1|\xa1\xb2[\xc3\x3c][\xd4\x4d]"),
        ("application/x-pcapng", rb"\n\r\r\n"),
        (ZIP_TYPE, rb"PK(?:\x03\x04|\x05\x06)"),
        (OLE_TYPE, rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    )
)

# Programs, for the systems people have. None is among the signatures: this is for what could be
# several things at once.
PROGRAM = re.compile(
    rb"MZ|\x7fELF|[\xfe\xce\xcf]\xfa\xed\xfe|\xfe\xed\xfa[\xce\xcf]|\xca\xfe\xba\xbe"
    rb"|\0asm|dex\n|L\0\0\0\x01\x14\x02\0"
)
# Text that something else than a person runs or shows as a page.
ACTIVE_TEXT = re.compile(
    r"\s*#!|.*<(?:!doctype\s+html|html|head|body|script|svg|iframe|\?php|\?=)", re.I | re.DOTALL
)

# In the order of their bytes: UTF-32 begins like UTF-16.
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
USUAL_LETTER = re.compile(r"[\t\n\r -~\u0400-\u052f]")
CONTROL = re.compile(r"[\0-\x06\x0e-\x1a\x1c-\x1f\x7f]")


def extension(name: str) -> str:
    """What says the kind of a file, in small letters: `.gz` for `dump.sql.GZ.1`."""
    return PurePosixPath(ROTATION.sub("", name)).suffix.lower()


def ending(name: str) -> str:
    """The extension as it stands in the name, with what rotation added: `.GZ.1`."""
    kept = ROTATION.sub("", name)
    return name[len(kept) - len(PurePosixPath(kept).suffix) :]


def media_type(name: str, head: bytes) -> str | None:
    """What a file is by its first HEAD bytes; None for what is not taken under this name.

    A file of another kind than its name says is taken as what it is. Text has no signature and
    so proves nothing: it passes only under names that text usually has. There a script or a page
    is text like any other, as people send what their servers run and print, and it leaves us as
    a download that no browser opens.
    """
    if not PROGRAM.match(head):
        for kind, signature in SIGNATURES:
            if signature.match(head):
                return _named_office(name, kind) or kind
    text = as_text(head)
    if text is not None and (extension(name) in TEXTS or _is_plain_office(name, head, text)):
        return TEXT_TYPE
    return None


def _named_office(name: str, kind: str) -> str | None:
    """The type of an office document by its name, as the container does not tell."""
    if kind in (ZIP_TYPE, OLE_TYPE) and extension(name) in OFFICE:
        return guess_type(f"document{extension(name)}")[0]
    return None


def _is_plain_office(name: str, head: bytes, text: str) -> bool:
    is_bad = PROGRAM.match(head) or ACTIVE_TEXT.match(text) or CONTROL.search(text)
    return extension(name) in OLD_OFFICE and not is_bad


def as_text(head: bytes) -> str | None:
    """The beginning of a text in UTF-8, UTF-16, UTF-32 or any 8-bit code; None for other bytes."""
    for bom, encoding in BOMS:
        if head.startswith(bom):
            text = _decoded(head[len(bom) :], encoding)
            return None if text is None or CONTROL.search(text) else text
    if b"\0" not in head:
        return head.decode("latin-1")  # for its ASCII part; which 8-bit code is not our question
    return _wide_text_without_bom(head)


def _wide_text_without_bom(head: bytes) -> str | None:
    """UTF-16 as some programs write it: nearly every character is an ASCII or a Cyrillic one."""
    if len(head) % 2 or PROGRAM.match(head):
        return None
    for encoding in ("utf-16-le", "utf-16-be"):
        text = _decoded(head, encoding)
        if not text or CONTROL.search(text):
            continue
        if len(USUAL_LETTER.findall(text)) >= 0.9 * len(text):
            return text
    return None


def _decoded(head: bytes, encoding: str) -> str | None:
    """The text so far: the last character may be cut."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return None
