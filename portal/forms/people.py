from typing import Any

from django import forms
from django.contrib.auth import forms as auth_forms
from django.contrib.auth.forms import AuthenticationForm, PasswordResetForm, SetPasswordForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.guessing import is_own_password
from accounts.mailboxes import MailboxField
from accounts.models import User
from accounts.phone import normalise_phone

WRONG_PASSWORD = _("Неверный пароль. Проверьте раскладку и Caps Lock.")
NEW_PASSWORD = {
    "new_password1": _("Введите новый пароль."),
    "new_password2": _("Введите новый пароль ещё раз."),
}


def _require(form: forms.BaseForm, **words: Any) -> None:
    """Say of each empty field what belongs there; the summary of errors names no fields."""
    for name, text in words.items():
        form.fields[name].error_messages["required"] = text


class LoginForm(AuthenticationForm):
    error_messages = {
        "invalid_login": _("Неверный логин или пароль. Проверьте раскладку и Caps Lock."),
        "inactive": _("Неверный логин или пароль. Проверьте раскладку и Caps Lock."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        login = self.fields["username"]
        login.label = _("Логин или почта")
        login.widget.attrs["maxlength"] = 254  # an e-mail may be longer than a username
        _require(self, username=_("Введите логин или почту."), password=_("Введите пароль."))


class NewPasswordForm(SetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _require(self, **NEW_PASSWORD)


class PasswordChangeForm(auth_forms.PasswordChangeForm):
    def __init__(self, request: HttpRequest, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.request = request
        _require(self, old_password=_("Введите текущий пароль."), **NEW_PASSWORD)

    def clean_old_password(self) -> str:
        password = self.cleaned_data["old_password"]
        if not is_own_password(self.request, password):
            raise ValidationError(WRONG_PASSWORD, code="password_incorrect")
        return str(password)


class OwnPasswordForm(forms.Form):
    """A change that asks for the password of whoever is signed in."""

    password = forms.CharField(
        label=_("Пароль портала"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Введите пароль, с которым вы входите на портал.")},
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_password(self) -> str:
        password = self.cleaned_data["password"]
        if password and not is_own_password(self.request, password):
            raise ValidationError(WRONG_PASSWORD, code="password_incorrect")
        return str(password)


class CodeForm(forms.Form):
    """A code of the second step; the page of an outage shows no field of this name again."""

    otp = forms.CharField(
        label=_("Код из приложения"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
        error_messages={
            "required": _("Введите шесть цифр, которые показывает приложение."),
            "max_length": _("Код не подошёл. Введите тот, который приложение показывает сейчас."),
        },
    )


class RecoveryCodeForm(CodeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["otp"]
        field.label = _("Одноразовый код")
        field.help_text = _("Один из десяти кодов, которые вы сохранили. Каждый подходит один раз.")
        field.widget.attrs = {"autocomplete": "off", "autocapitalize": "none"}
        field.error_messages["required"] = _("Введите один из сохранённых кодов.")


class EmailChangeForm(OwnPasswordForm):
    email = MailboxField(
        label=_("Новая почта"),
        help_text=_("Пришлём на неё ссылку. До подтверждения действует прежняя почта."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"required": _("Введите новую почту.")},
    )
    field_order = ("email", "password")


class ErasureForm(OwnPasswordForm):
    """One's own erasure: the password says who asks, the mark that it is meant."""

    is_sure = forms.BooleanField(
        label=_("Понимаю, что вернуть удалённое нельзя"),
        error_messages={"required": _("Отметьте, что понимаете: вернуть удалённое нельзя.")},
    )


class PasswordResetRequestForm(PasswordResetForm):
    email = MailboxField(
        label=_("Почта"),
        help_text=_("Та, которую вы указали на портале."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"required": _("Введите почту.")},
    )


class PhoneField(forms.CharField):
    widget = forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "tel"})

    def to_python(self, value: Any) -> str:
        text = super().to_python(value)
        return normalise_phone(text) if text else ""


class BotRegistrationForm(forms.Form):
    phone = PhoneField(
        label=_("Номер телефона"),
        help_text=_("Номер вашего аккаунта в Telegram в формате +7XXXXXXXXXX"),
        error_messages={"required": _("Введите номер телефона.")},
    )
    consent = forms.BooleanField(
        label=_("Согласен(а) использовать данные портала через Telegram-бот"),
        error_messages={"required": _("Отметьте согласие: без него бот не сможет вам отвечать.")},
    )

    def lacks_password(self) -> bool:
        """Whether a valid form needs a password that is not there; adds the error."""
        return False


class PhoneChangeForm(BotRegistrationForm, OwnPasswordForm):
    """Another phone in place of the one of before: asks for the password where it is another."""

    def __init__(self, request: HttpRequest, old: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.old = old
        self.fields["password"].required = False
        self.fields["password"].help_text = _("Нужен, чтобы сменить номер на другой.")

    def lacks_password(self) -> bool:
        is_another = self.cleaned_data["phone"] != self.old
        if is_another and not self.cleaned_data["password"]:
            self.add_error("password", self.fields["password"].error_messages["required"])
            return True
        return False
