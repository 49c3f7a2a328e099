"""Form fields for what tickets are made of: text and files, checked as the services will."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from tickets.attachments import MAX_FILES, NewFile, check_file, check_signature, clean_file_name
from tickets.file_kinds import HEAD
from tickets.models import TEXT_LIMIT
from tickets.refusals import FileRefused, TextTooLong
from tickets.text import clean_text


class BodyField(forms.CharField):
    """Text as the services will keep it: cleaned first, then measured."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        return clean_text(super().to_python(value) or "")

    def validate(self, value: str) -> None:
        super().validate(value)
        if len(value) > TEXT_LIMIT:
            raise ValidationError(str(TextTooLong(len(value), TEXT_LIMIT)))


class FilesInput(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    widget = FilesInput

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
            raise ValidationError(
                [*refusals, _("Выберите файлы заново: браузер их не запоминает.")]
            )
        return [
            NewFile(upload.name or "", upload.size or 0, upload.content_type or "", upload)
            for upload in uploads
        ]


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
