"""Forms of a person at the desk."""

from typing import Any

from django import forms
from django.contrib.auth.forms import BaseUserCreationForm, UserChangeForm
from django.core.exceptions import ValidationError
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from accounts.models import User


class UniqueEmailMixin(forms.ModelForm):
    """Says beside the field what the database would say of the whole form."""

    def clean_email(self) -> str:
        email = self.cleaned_data["email"]
        if User.objects.by_email(email).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("Пользователь с такой почтой уже есть."))
        return email


class UserAddForm(UniqueEmailMixin, BaseUserCreationForm):
    """A new person; without a password they are invited to set their own."""

    class Meta:
        model = User
        fields = ("email", "first_name", "last_name", "organization", "username")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].required = False
        self.fields["username"].help_text = _("Если не указать, логином станет почта.")
        self.fields["password1"].required = self.fields["password2"].required = False
        self.fields["password1"].help_text = _(
            "Если не указать, человек получит письмо со ссылкой, чтобы задать пароль самому."
        )
        self.fields["password2"].help_text = ""

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or self.cleaned_data
        if not data.get("username") and "email" in data:
            data["username"] = data["email"]
        if bool(data.get("password1")) != bool(data.get("password2")):
            self.add_error("password2", self.error_messages["password_mismatch"])
        self.needs_invitation = not data.get("password1")
        if self.needs_invitation:
            # An unusable one would shut «Забыли пароль?» when the invitation has expired.
            data["password1"] = get_random_string(50)
        return data


class UserEditForm(UniqueEmailMixin, UserChangeForm):
    """A person as they are. Another e-mail is only asked for here: its owner confirms it."""
