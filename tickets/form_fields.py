"""Form fields for what tickets are made of: text and files, checked as the services will."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.numerals import file_size
from tickets.attachments import (
    MAX_FILES,
    MAX_SIZE,
    NewFile,
    check_file,
    check_signature,
    clean_file_name,
)
from tickets.file_kinds import HEAD, TAKEN
from tickets.models import TEXT_LIMIT, TITLE_LIMIT
from tickets.refusals import FileRefused, TextTooLong, TitleTooLong
from tickets.text import clean_line, clean_text

KINDS = sorted(TAKEN)
FILES_LOST = gettext_lazy("Выберите файлы заново: браузер их не запоминает.")


class BodyField(forms.CharField):
    """Text as the services will keep it: cleaned first, then measured."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)  # `clean_text` knows what may go

    def to_python(self, value: Any) -> str:
        return clean_text(super().to_python(value) or "")

    def validate(self, value: str) -> None:
        super().validate(value)
        if len(value) > TEXT_LIMIT:
            raise ValidationError(str(TextTooLong(len(value), TEXT_LIMIT)))


class LineField(forms.CharField):
    """One line as it will be kept: cleaned first, then measured."""

    def to_python(self, value: Any) -> str:
        return clean_line(super().to_python(value) or "")


class TitleField(LineField):
    """The title as the services will keep it. What was typed stays in the form when refused."""

    def validate(self, value: str) -> None:
        super().validate(value)
        if len(value) > TITLE_LIMIT:
            raise ValidationError(str(TitleTooLong(len(value), TITLE_LIMIT)))


class FilesInput(forms.FileInput):
    """Carries the limits, so that a page can name unfit files before they are sent."""

    allow_multiple_selected = True

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        limits = {"data-limit": MAX_FILES, "data-size": MAX_SIZE, "data-kinds": " ".join(KINDS)}
        super().__init__({**limits, **(attrs or {})})


class FilesField(forms.FileField):
    widget = FilesInput
    are_lost = True  # by the page that comes back with an error; not where its script keeps them

    def __init__(self) -> None:
        limits = format_lazy(
            gettext_lazy(
                "До {number} файлов, каждый до {size}: "
                "изображения, видео, документы, архивы, журналы."
            ),
            number=MAX_FILES,
            size=lazy(file_size, str)(MAX_SIZE),
        )
        super().__init__(label=gettext_lazy("Файлы"), required=False, help_text=limits)

    def clean(self, data: Sequence[UploadedFile] | None, initial: Any = None) -> list[NewFile]:
        """The files in their order, every unfit one named in an error of its own."""
        uploads = list(data or ())
        if len(uploads) > MAX_FILES:
            raise ValidationError(
                _("Выбрано файлов: %(number)d, можно не больше %(limit)d."),
                params={"number": len(uploads), "limit": MAX_FILES},
            )
        refusals = [text for upload in uploads if (text := _refusal(upload))]
        if refusals:
            raise ValidationError([*refusals, *([str(FILES_LOST)] if self.are_lost else [])])
        return [
            NewFile(upload.name or "", upload.size or 0, upload.content_type or "", upload)
            for upload in uploads
        ]


def tell_lost_files(form: forms.BaseForm) -> None:
    """Say it of files that were fit, where nobody keeps them for the form that comes back."""
    field: Any = form.fields["attachments"]
    if form.files and field.are_lost and "attachments" not in form.errors:
        form.add_error("attachments", FILES_LOST)


def _refusal(upload: UploadedFile) -> str:
    name = clean_file_name(upload.name or "")
    try:
        check_file(name=name, size=upload.size or 0)
        check_signature(name=name, head=upload.read(HEAD))
    except FileRefused as refusal:
        return str(refusal)
    finally:
        upload.seek(0)
    return ""
