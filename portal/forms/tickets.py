from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tickets.form_fields import BodyField, FilesField


class CommentForm(forms.Form):
    """`keeps_files`: the page's script will have them still when the form comes back."""

    body = BodyField(
        label=gettext_lazy("Ваш комментарий"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    attachments = FilesField()

    def __init__(self, *args: Any, keeps_files: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(FilesField, self.fields["attachments"]).are_lost = not keeps_files

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


class CloseForm(forms.Form):
    """«Вопрос решён»: everything may be left out."""

    score = forms.TypedChoiceField(
        label=gettext_lazy("Оценка работы поддержки (необязательно)"),
        choices=RatingForm.SCORES,
        coerce=int,
        required=False,
        empty_value=None,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": gettext_lazy("Выберите оценку от 1 до 5.")},
    )
    comment = BodyField(
        label=gettext_lazy("Комментарий (необязательно)"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
