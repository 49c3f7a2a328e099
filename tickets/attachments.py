"""Which files are taken, under which names, and how their contents are kept."""

from __future__ import annotations  # File[Any] is generic for the type checker only

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage
from django.utils.translation import gettext as _

from accounts.quotas import Quota
from accounts.typed import without_invisible
from config.disk import has_room
from config.numerals import file_size
from tickets.file_kinds import HEAD, PICTURES, TAKEN, ending, extension, media_type
from tickets.models import Attachment, CannedFile, IncidentFile, attachment_path
from tickets.refusals import FileRefused, TooManyBytes
from tickets.text import clean_line

logger = logging.getLogger(__name__)

MAX_FILES = 10  # a ticket or a comment
MAX_SIZE = 50 * 1024**2  # bytes, on the portal
BYTES_A_DAY = Quota("file bytes", 1024**3, timedelta(days=1), TooManyBytes)  # a person
NAME_LIMIT = 120
ENDING_LIMIT = 40
NAMING = (Attachment, CannedFile, IncidentFile)  # the tables whose rows name contents


def clean_file_name(name: str) -> str:
    """A display name without folders, controls and what is invisible; cut, it keeps its extension.

    Invisible characters would be part of the extension, too.
    """
    name = without_invisible(name.replace("\\", "/").rsplit("/", 1)[-1])
    name = clean_line(name).lstrip(". ") or _("файл")
    if len(name) <= NAME_LIMIT:
        return name
    end = ending(name)
    if len(end) > ENDING_LIMIT:
        return name[:NAME_LIMIT].rstrip()
    return name[: NAME_LIMIT - len(end)].rstrip() + end


def check_file(*, name: str, size: int, limit: int = MAX_SIZE) -> None:
    """Raise FileRefused for what is not taken: its kind, its size (in bytes, 0 = not known yet).

    Nothing is taken while the disk is nearly full.
    """
    if extension(name) not in TAKEN:
        raise FileRefused(
            _("Файл «%(name)s» принять нельзя: такой тип не поддерживается.") % {"name": name}
        )
    if size > limit:
        raise FileRefused(
            _("Файл «%(name)s» слишком большой: %(size)s, можно до %(limit)s.")
            % {"name": name, "size": file_size(size), "limit": file_size(limit)}
        )
    _check_free_space(name, size)


def _check_free_space(name: str, size: int) -> None:
    storage = attachment_storage()
    if isinstance(storage, FileSystemStorage) and not has_room(Path(storage.location), size):
        raise _no_room(name)


def _no_room(name: str) -> FileRefused:
    return FileRefused(
        _(
            "Файл «%(name)s» сейчас принять нельзя: на сервере мало места. "
            "Текст без файла отправить можно."
        )
        % {"name": name}
    )


def check_signature(*, name: str, head: bytes) -> str:
    """The media type of a file by its first HEAD bytes.

    Raises FileRefused when it is empty or of a kind that is not taken under this name.
    """
    if not head:
        raise FileRefused(_("Файл «%(name)s» пустой.") % {"name": name})
    kind = media_type(name, head)
    if kind is None:
        raise FileRefused(
            _("Файл «%(name)s» принять нельзя: содержимое не похоже на его тип.") % {"name": name}
        )
    return kind


@dataclass(frozen=True)
class NewFile:
    """A file to attach. Without content it is announced now and stored later by `store_file`."""

    name: str
    size: int  # bytes, 0 when not known yet
    content_type: str = ""
    content: File[Any] | None = None
    stored: str = ""  # the name of a content that has been checked and is in the storage
    is_shared: bool = False  # the content is another row's, too, and has been counted
    source: str = ""  # where a channel finds the content later: `<channel>:<its own reference>`


class StoredContent(File):
    """A content of the storage to be kept once more; open only while it is read."""

    def __init__(self, stored: str, size: int) -> None:
        super().__init__(None, stored)
        self.stored, self.size = stored, size

    def read(self, number: int = -1) -> bytes:
        """From the beginning, each time."""
        with attachment_storage().open(self.stored) as content:
            return bytes(content.read(number))

    def seek(self, *_where: int) -> int:
        return 0

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        with attachment_storage().open(self.stored) as content:
            yield from content.chunks(chunk_size)


@contextmanager
def stored_contents(files: Sequence[NewFile]) -> Iterator[list[NewFile]]:
    """Check files and store their contents, before the transaction that attaches them begins.

    Contents that no row names at the end of the block are deleted. Raises FileRefused
    before anything is stored.
    """
    checked = [_checked(file) for file in files]
    stored: list[str] = []
    try:
        for place, file in enumerate(checked):
            if file.content is not None:
                stored.append(attachment_path(Attachment(), file.name))  # first: a part is deleted
                stored[-1] = attachment_storage().save(stored[-1], file.content)
                checked[place] = replace(file, content=None, stored=stored[-1])
        yield checked
    finally:
        for name in unnamed(stored):
            delete_content(name)


def unnamed(names: Sequence[str], *, gone: Collection[int] = ()) -> set[str]:
    """Which of these contents no row names, without attachments that are to be deleted."""
    left = set(names)
    for model in NAMING if names else ():
        rows = model._default_manager.filter(file__in=names)
        if model is Attachment:
            rows = rows.exclude(pk__in=gone)
        left.difference_update(rows.values_list("file", flat=True))
    return left


def attachment_storage() -> Storage:
    return Attachment._meta.get_field("file").storage


def delete_content(name: str) -> bool:
    """Delete a stored content; what cannot be deleted now is left to `delete_stray_files`."""
    try:
        attachment_storage().delete(name)
    except OSError:
        logger.exception("a content without an attachment could not be deleted")
        return False
    return True


def _checked(file: NewFile) -> NewFile:
    """The file under the name it will be shown by. Raises FileRefused."""
    if file.stored:
        return file  # was checked before
    name = clean_file_name(file.name)
    check_file(name=name, size=file.size)
    if file.content is None:
        return replace(file, name=name, content_type=clean_line(file.content_type))
    kind = check_signature(name=name, head=file.content.read(HEAD))
    file.content.seek(0)
    return replace(file, name=name, content_type=kind)


def store_file(*, attachment: Attachment, content: File[Any]) -> None:
    """Keep the content of a file announced earlier. Raises FileRefused, also on a full disk."""
    announced = NewFile(attachment.name, content.size, content=content)
    try:
        with stored_contents([announced]) as [file]:
            attachment.name, attachment.size = file.name, file.size
            attachment.content_type = file.content_type
            attachment.file, attachment.state = file.stored, Attachment.State.READY
            attachment.save(update_fields=["file", "name", "size", "content_type", "state"])
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise _no_room(announced.name) from error
        raise


def open_content(attachment: Attachment) -> tuple[File[Any], str]:
    """The content and its media type, which is not the one its sender named.

    Raises FileNotFoundError.
    """
    try:
        content = attachment.file.open("rb")
    except FileNotFoundError:
        logger.error("the content of attachment %s is missing", attachment.pk)
        raise
    kind = media_type(attachment.name, content.read(HEAD))
    content.seek(0)
    return content, kind if kind in PICTURES else "application/octet-stream"


def refuse_file(*, attachment: Attachment, reason: str) -> None:
    attachment.state = Attachment.State.REFUSED
    attachment.refusal = reason[:300]
    attachment.save(update_fields=["state", "refusal"])
