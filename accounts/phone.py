import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.typed import GAP, without_invisible

SEPARATORS = re.compile(rf"[(){GAP}]")
CONTACT = re.compile(r"\+?(7[0-9]{10})")


def normalise_phone(text: str) -> str:
    """Return `+7` and ten ASCII digits for what a person typed on the portal.

    Spaces, brackets, dashes, what is invisible and a leading 8 are forgiven; anything else raises
    ValidationError.
    """
    phone = SEPARATORS.sub("", without_invisible(text))
    if re.fullmatch(r"8[0-9]{10}", phone):
        phone = "+7" + phone[1:]
    if not re.fullmatch(r"\+7[0-9]{10}", phone):
        raise ValidationError(
            _("Введите номер в формате +7XXXXXXXXXX: «+7» и ещё десять цифр."), code="phone"
        )
    return phone


def contact_phone(text: str) -> str | None:
    """Return the phone of a contact card (`79…` or `+79…`), None for any other spelling."""
    match = CONTACT.fullmatch(text)
    return "+" + match[1] if match else None


def mask_phone(phone: str) -> str:
    return f"+7 ··· ··· {phone[-4:-2]} {phone[-2:]}"


def mask_email(email: str) -> str:
    name, _at, domain = email.partition("@")
    return f"{name[:2] if len(name) > 2 else name[:1]}***@{domain}"
