"""E-mails of people: which can be had, and the field they are typed into."""

from typing import Any

from django import forms
from django.contrib.auth.base_user import BaseUserManager
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext_lazy as _

from accounts.typed import without_invisible
from config.letters import ImpossibleAddress, check_address

INVALID_EMAIL = _("Введите почту полностью, например anna@example.ru.")
LONGEST = 254  # characters; RFC 5321, and the columns

_check_shape = EmailValidator(message=INVALID_EMAIL, allowlist=[])  # no localhost


def check_mailbox(email: str) -> None:
    """Raise ValidationError unless letters can go there, beyond the machine they are sent from."""
    _check_shape(email)
    is_machine = email.lower().endswith(("]", ".localhost"))
    if is_machine or len(email) > LONGEST or not _is_possible(email):
        raise ValidationError(INVALID_EMAIL, code="invalid")


def _is_possible(email: str) -> bool:
    try:
        check_address(email)
    except ImpossibleAddress:
        return False
    return True


class MailboxField(forms.EmailField):
    """An e-mail as it will be kept: what nobody sees is gone, the domain in small letters."""

    default_error_messages = {"invalid": INVALID_EMAIL}
    default_validators = [check_mailbox]

    def to_python(self, value: Any) -> str:
        return BaseUserManager.normalize_email(without_invisible(super().to_python(value) or ""))
