"""Which files are taken, under which names, and how their contents are kept."""

from __future__ import annotations  # File[Any] is generic for the type checker only

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from django.core.files import File
from django.utils.translation import gettext as _

from tickets.models import (
    Attachment,
    attachment_path,
)
from tickets.refusals import FileRefused
from tickets.text import clean_line
from tickets.wording import file_size

MAX_FILES = 10  # a ticket or a comment
MAX_SIZE = 50 * 1024**2  # bytes, on the portal
NAME_LIMIT = 120

Signature = tuple[int, bytes]  # where in the file, what

_JPEG = ((0, b"\xff\xd8\xff"),)
_TIFF = ((0, b"II*\0"), (0, b"MM\0*"))
_MP4 = ((4, b"ftyp"),)
_MATROSKA = ((0, b"\x1aE\xdf\xa3"),)
_OGG = ((0, b"OggS"),)
_ZIP = ((0, b"PK\x03\x04"), (0, b"PK\x05\x06"))
_OLE = ((0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),)
_GZIP = ((0, b"\x1f\x8b"),)
_TEXT = ()

# extension → how such a file begins; text has no signature
ALLOWED: dict[str, tuple[Signature, ...]] = {
    ".jpg": _JPEG, ".jpeg": _JPEG, ".png": ((0, b"\x89PNG\r\n\x1a\n"),),
    ".gif": ((0, b"GIF87a"), (0, b"GIF89a")), ".webp": ((8, b"WEBP"),), ".bmp": ((0, b"BM"),),
    ".heic": _MP4, ".tif": _TIFF, ".tiff": _TIFF,
    ".mp4": _MP4, ".m4v": _MP4, ".mov": (*_MP4, (4, b"moov"), (4, b"wide"), (4, b"mdat")),
    ".webm": _MATROSKA, ".mkv": _MATROSKA, ".avi": ((8, b"AVI "),),
    ".mp3": ((0, b"ID3"), (0, b"\xff\xfb"), (0, b"\xff\xf3"), (0, b"\xff\xf2")),
    ".m4a": _MP4, ".ogg": _OGG, ".oga": _OGG, ".opus": _OGG, ".wav": ((8, b"WAVE"),),
    ".pdf": ((0, b"%PDF-"),), ".zip": _ZIP, ".docx": _ZIP, ".xlsx": _ZIP, ".pptx": _ZIP,
    ".odt": _ZIP, ".ods": _ZIP, ".odp": _ZIP, ".doc": _OLE, ".xls": _OLE, ".ppt": _OLE,
    ".msg": _OLE, ".rtf": ((0, b"{\\rtf"),), ".gz": _GZIP, ".tgz": _GZIP,
    ".bz2": ((0, b"BZh"),), ".xz": ((0, b"\xfd7zXZ\0"),), ".7z": ((0, b"7z\xbc\xaf\x27\x1c"),),
    ".rar": ((0, b"Rar!\x1a\x07"),), ".pcapng": ((0, b"\n\r\r\n"),),
    ".pcap": ((0, b"\xd4\xc3\xb2\xa1"), (0, b"\xa1\xb2\xc3\xd4")),
    ".txt": _TEXT, ".log": _TEXT, ".csv": _TEXT, ".tsv": _TEXT, ".json": _TEXT, ".xml": _TEXT,
    ".yaml": _TEXT, ".yml": _TEXT, ".ini": _TEXT, ".conf": _TEXT, ".cfg": _TEXT, ".md": _TEXT,
    ".sql": _TEXT, ".tf": _TEXT, ".eml": _TEXT, ".har": _TEXT, ".pem": _TEXT, ".crt": _TEXT,
    ".toml": _TEXT, ".diff": _TEXT, ".patch": _TEXT,
}  # fmt: skip


def clean_file_name(name: str) -> str:
    """A display name without folders and controls, cut so that its extension stays."""
    name = clean_line(name.replace("\\", "/").rsplit("/", 1)[-1]).lstrip(".") or _("файл")
    path = PurePosixPath(name)
    if len(name) > NAME_LIMIT and len(path.suffix) < 10:
        return path.stem[: NAME_LIMIT - len(path.suffix)] + path.suffix
    return name[:NAME_LIMIT]


def check_file(*, name: str, size: int, limit: int = MAX_SIZE) -> None:
    """Raise FileRefused for a kind or size that is not taken (in bytes, 0 = not known yet)."""
    if PurePosixPath(name).suffix.lower() not in ALLOWED:
        raise FileRefused(
            _("Файл «%(name)s» принять нельзя: такой тип не поддерживается.") % {"name": name}
        )
    if size > limit:
        raise FileRefused(
            _("Файл «%(name)s» слишком большой: %(size)s, можно до %(limit)s.")
            % {"name": name, "size": file_size(size), "limit": file_size(limit)}
        )


def check_signature(*, name: str, head: bytes) -> None:
    """Raise FileRefused when the file is empty or starts unlike its extension."""
    if not head:
        raise FileRefused(_("Файл «%(name)s» пустой.") % {"name": name})
    signatures = ALLOWED[PurePosixPath(name).suffix.lower()]
    starts = any(head.startswith(magic, offset) for offset, magic in signatures)
    is_text = b"\0" not in head
    if not (starts if signatures else is_text):
        raise FileRefused(
            _("Файл «%(name)s» принять нельзя: содержимое не похоже на его тип.") % {"name": name}
        )


@dataclass(frozen=True)
class NewFile:
    """A file to attach. Without content it is announced now and stored later by `store_file`."""

    name: str
    size: int  # bytes, 0 when not known yet
    content_type: str = ""
    content: File[Any] | None = None
    stored: str = ""  # the name of the content in the storage; set by `stored_contents`
    source: str = ""  # where a channel finds the content later: `<channel>:<its own reference>`


@contextmanager
def stored_contents(files: Sequence[NewFile]) -> Iterator[list[NewFile]]:
    """Check files and store their contents, before the transaction that attaches them begins.

    Contents that no attachment refers to at the end of the block are deleted. Raises FileRefused
    before anything is stored.
    """
    checked = [_checked(file) for file in files]
    storage = Attachment().file.storage
    stored: list[str] = []
    try:
        for place, file in enumerate(checked):
            if file.content is not None:
                name = attachment_path(Attachment(), file.name)
                stored.append(storage.save(name, file.content))
                checked[place] = replace(file, content=None, stored=stored[-1])
        yield checked
    finally:
        if stored:
            kept = Attachment.objects.filter(file__in=stored).values_list("file", flat=True)
            for name in set(stored).difference(kept):
                storage.delete(name)


def _checked(file: NewFile) -> NewFile:
    """The file under the name it will be shown by. Raises FileRefused."""
    name = clean_file_name(file.name)
    check_file(name=name, size=file.size)
    if file.content is not None:
        check_signature(name=name, head=file.content.read(512))
        file.content.seek(0)
    return replace(file, name=name)


def store_file(*, attachment: Attachment, content: File[Any]) -> None:
    """Keep the content of a file announced earlier. Raises FileRefused."""
    announced = NewFile(attachment.name, content.size, content=content)
    with stored_contents([announced]) as [file]:
        attachment.name, attachment.size = file.name, file.size
        attachment.file, attachment.state = file.stored, Attachment.State.READY
        attachment.save(update_fields=["file", "name", "size", "state"])


def refuse_file(*, attachment: Attachment, reason: str) -> None:
    attachment.state = Attachment.State.REFUSED
    attachment.refusal = reason[:300]
    attachment.save(update_fields=["state", "refusal"])
