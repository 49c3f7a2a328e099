from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from accounts.mailboxes import MailboxField
from accounts.models import User
from portal.forms.settings import first_name, last_name


class SignUpForm(forms.Form):
    email = MailboxField(
        label=_("Почта"),
        help_text=_("Рабочая, если у организации есть свой домен. Пришлём на неё ссылку."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"required": _("Введите почту.")},
    )


class AccountForm(forms.Form):
    first_name = first_name()
    last_name = last_name()
    password = forms.CharField(
        label=_("Пароль"),
        help_text=_("Не короче 10 символов, не из одних цифр."),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": _("Придумайте пароль.")},
    )
    again = forms.CharField(
        label=_("Пароль ещё раз"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": _("Введите пароль ещё раз.")},
    )
    consent = forms.BooleanField(
        label=_("Согласен(а) на обработку моих данных для работы с заявками"),
        error_messages={"required": _("Отметьте согласие: без него аккаунт не создать.")},
    )

    def __init__(self, email: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "password" in data and "again" in data and data["password"] != data["again"]:
            self.add_error("again", _("Пароли не совпадают."))
        elif "password" in data:
            self._judge(data)
        return data

    def _judge(self, data: dict[str, Any]) -> None:
        names = {name: data.get(name, "") for name in ("first_name", "last_name")}
        person = User(username=self.email, email=self.email, **names)
        try:
            validate_password(data["password"], person)
        except forms.ValidationError as refusal:
            self.add_error("password", refusal)
