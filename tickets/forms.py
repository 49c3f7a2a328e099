from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tickets.attachments import (
    MAX_FILES,
    FileRefused,
    NewFile,
    check_file,
    check_signature,
    clean_file_name,
)
from tickets.services import TEXT_LIMIT, TextTooLong
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
        check_signature(name=name, head=upload.read(512))
    except FileRefused as refusal:
        return str(refusal)
    finally:
        upload.seek(0)
    return ""


class CommentForm(forms.Form):
    body = BodyField(
        label=gettext_lazy("Ваш комментарий"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    attachments = FilesField(
        label=gettext_lazy("Файлы"),
        required=False,
        help_text=gettext_lazy(
            "До 10 файлов, каждый до 50 МБ: изображения, видео, документы, архивы, журналы."
        ),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not data["body"] and not data["attachments"]:
            self.add_error("body", _("Напишите комментарий или приложите файл."))
        return data


class ReturnForm(forms.Form):
    reason = BodyField(
        label=gettext_lazy("Что осталось нерешённым?"),
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": gettext_lazy("Напишите причину возврата.")},
    )


class RatingForm(forms.Form):
    SCORES = (
        (1, gettext_lazy("1 — очень плохо")),
        (2, gettext_lazy("2 — плохо")),
        (3, gettext_lazy("3 — нормально")),
        (4, gettext_lazy("4 — хорошо")),
        (5, gettext_lazy("5 — отлично")),
    )
    score = forms.TypedChoiceField(
        label=gettext_lazy("Оцените выполнение"),
        choices=SCORES,
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={
            "required": gettext_lazy("Выберите оценку от 1 до 5."),
            "invalid_choice": gettext_lazy("Выберите оценку от 1 до 5."),
        },
    )
    comment = BodyField(
        label=gettext_lazy("Комментарий к оценке (необязательно)"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
