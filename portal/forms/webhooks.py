"""An address of a program, and what it hears."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from webhooks.addresses import UrlRefused, clean_url
from webhooks.models import URL_LIMIT, HookKind
from webhooks.services import NoKinds


class WebhookForm(forms.Form):
    url = forms.CharField(
        label=_("Адрес"),
        help_text=_("Начинается с https:// и доступен из интернета. На него придут события."),
        max_length=URL_LIMIT,
        error_messages={"required": _("Введите адрес.")},
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://"}),
    )
    kinds = forms.MultipleChoiceField(
        label=_("О чём сообщать"),
        choices=HookKind.choices,
        error_messages={"required": NoKinds.words},
        widget=forms.CheckboxSelectMultiple,
    )

    def clean_url(self) -> str:
        try:
            return clean_url(self.cleaned_data["url"])
        except UrlRefused as refusal:
            raise ValidationError(str(refusal), code=refusal.code) from refusal

    def wanted(self) -> dict[str, Any]:
        return {"url": self.cleaned_data["url"], "kinds": self.cleaned_data["kinds"]}
