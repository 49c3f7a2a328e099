from typing import Any

from django import forms
from django.contrib.auth import forms as auth_forms
from django.contrib.auth.forms import AuthenticationForm, PasswordResetForm, SetPasswordForm
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.phone import normalise_phone
from config.queue import enqueue

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
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _require(self, old_password=_("Введите текущий пароль."), **NEW_PASSWORD)


class PasswordResetRequestForm(PasswordResetForm):
    email = forms.EmailField(
        label=_("Почта"),
        help_text=_("Та, которую вы указали на портале."),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": _("Введите почту."),
            "invalid": _("Введите почту полностью, например anna@example.ru."),
        },
    )

    def save(self, *_args: Any, **_options: Any) -> None:
        """Queue the letter, also for an unknown e-mail, so that the time taken tells nothing."""
        email = self.cleaned_data["email"]
        user = User.objects.by_email(email).filter(is_active=True).first()
        enqueue("accounts.tasks.mail_password_reset", user.pk if user else 0)


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
