"""The form that makes a token, whatever the face."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Scope
from accounts.tokens import (
    LIFETIME,
    LONGEST_LIFETIME,
    NAME_LIMIT,
    LifetimeRefused,
    ScopeRefused,
    TokenNameRefused,
    clean_name,
)

ANOTHER_DAY = "day"
LIFETIMES = [
    ("30", _("30 дней")),
    ("90", _("90 дней")),
    ("180", _("180 дней")),
    ("365", _("365 дней")),
    (ANOTHER_DAY, _("до выбранного дня")),
]
LAST_MOMENT = time(23, 59, 59)
FIELD_OF_REFUSAL: dict[type[Exception], str] = {
    TokenNameRefused: "name",
    ScopeRefused: "scopes",
    LifetimeRefused: "day",
}


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("Название"),
        help_text=_("По нему вы узнаете токен в списке, например «Мониторинг»."),
        max_length=NAME_LIMIT,
        error_messages={"required": _("Назовите токен.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label=_("Что разрешить"),
        error_messages={"required": _("Отметьте хотя бы одно.")},
        widget=forms.CheckboxSelectMultiple,
    )
    lifetime = forms.ChoiceField(
        label=_("Срок действия"), choices=LIFETIMES, initial=str(LIFETIME.days)
    )
    day = forms.DateField(
        label=_("Последний день"),
        help_text=_("Токен перестанет действовать в конце этого дня."),
        required=False,
        error_messages={"invalid": _("Укажите день, например 31.12.2027.")},
    )

    def __init__(self, *args: Any, scopes: Collection[Scope], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(scope.value, scope.label) for scope in Scope if scope in scopes]
        self.fields["scopes"].choices = choices  # type: ignore[attr-defined]
        today = timezone.localdate()
        last = today + LONGEST_LIFETIME - timedelta(days=1)
        limits = {"min": today + timedelta(days=1), "max": last}
        self.fields["day"].widget = DayInput(
            attrs={name: day.isoformat() for name, day in limits.items()}
        )

    def clean_name(self) -> str:
        try:
            return clean_name(self.cleaned_data["name"])
        except TokenNameRefused as refusal:
            raise ValidationError(str(refusal)) from refusal

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("lifetime") == ANOTHER_DAY and not data.get("day") and "day" not in self.errors:
            self.add_error("day", _("Укажите последний день."))
        return data

    def refuse(self, refusal: Exception) -> None:
        """Say it beside the field that it is about."""
        self.add_error(FIELD_OF_REFUSAL.get(type(refusal)), str(refusal))

    def wanted(self) -> dict[str, Any]:
        """What `make_token` is given."""
        data = self.cleaned_data
        scopes = [Scope(scope) for scope in data["scopes"]]
        if data["lifetime"] == ANOTHER_DAY:
            return {"name": data["name"], "scopes": scopes, "until": _end_of(data["day"])}
        lifetime = timedelta(days=int(data["lifetime"]))
        return {"name": data["name"], "scopes": scopes, "lifetime": lifetime}

    def typed(self) -> dict[str, Any]:
        """What tells one form from another that has the same key."""
        return {name: str(value) for name, value in self.cleaned_data.items()}


def _end_of(day: date) -> datetime:
    """In the time zone of whoever chose the day."""
    return timezone.make_aware(datetime.combine(day, LAST_MOMENT))
