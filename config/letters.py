"""How every letter of the product is built, and what a mail server means by its refusal."""

import re
from collections.abc import Mapping
from email.utils import parseaddr
from smtplib import (
    SMTPDataError,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import sanitize_address
from django.template.loader import render_to_string
from django.utils import timezone

LOOP_SAFE = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
CLOSING = 421  # a mail server, or what stands before it, ends the connection
PERMANENT = 500  # SMTP replies from here on say that trying again is of no use
SIZE_REPLIES = {552, 523, 534}
SIZE_WORDS = re.compile(r"too (large|big|long)|size (limit|exceed)|max\w* size|\b5\.(3\.4|2\.3)\b")


class ImpossibleAddress(ValueError):
    """No mail server can be asked to deliver to this address."""


def build_letter(
    name: str, *, to: str, context: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> EmailMultiAlternatives:
    """A letter of templates/mail: `<name>_subject.txt`, `<name>.txt` and `<name>.html`.

    Raises ImpossibleAddress.
    """
    check_address(to)
    context = {**context, "portal_url": settings.PORTAL_URL, "written_at": timezone.now()}
    subject = render_to_string(f"mail/{name}_subject.txt", context)
    letter = EmailMultiAlternatives(
        subject=" ".join(subject.split()),  # a line break would end the header
        body=render_to_string(f"mail/{name}.txt", context),
        to=[to],
        headers={**LOOP_SAFE, **(headers or {})},
    )
    letter.attach_alternative(render_to_string(f"mail/{name}.html", context), "text/html")
    return letter


def check_sender(sender: str) -> None:
    """Raises ImpossibleAddress when no letter can come from `sender`, a name with an address."""
    try:
        EmailMultiAlternatives(from_email=sender).message()
        sanitize_address(sender, "utf-8")  # as it is told to the mail server
    except ValueError as error:  # also BadHeaderError: a line break
        raise ImpossibleAddress(str(error)) from None
    check_address(parseaddr(sender)[1])


def check_address(address: str) -> None:
    """Raises ImpossibleAddress.

    Django drops an empty address quietly, and encodes a mailbox into what no server knows.
    """
    mailbox, at, domain = address.rpartition("@")
    if not (mailbox and at and domain and mailbox.isascii()):
        raise ImpossibleAddress("no mailbox of this name can be written to")
    try:
        sanitize_address(address, "utf-8")
    except ValueError as error:  # also UnicodeError: a name in the domain is empty or too long
        raise ImpossibleAddress(str(error)) from None


def is_final(error: Exception) -> bool:
    """Whether the address or the letter is refused for good.

    A server that refuses us altogether (login, greeting, sender) is our affair: it will be mended.
    """
    if isinstance(error, SMTPRecipientsRefused | SMTPDataError):
        return all(code >= PERMANENT for code, _text in _replies(error))
    return isinstance(error, ImpossibleAddress)


def is_answer_lost(error: Exception) -> bool:
    """Whether the connection ended before the server said what became of a letter."""
    if isinstance(error, SMTPDataError):
        return bool(error.smtp_code == CLOSING)
    return isinstance(error, SMTPServerDisconnected)


def is_too_large(error: Exception) -> bool:
    """Whether a server refuses the size of a letter: after MAIL, RCPT or DATA, by code or words."""
    return any(
        code in SIZE_REPLIES or SIZE_WORDS.search(text.lower()) for code, text in _replies(error)
    )


def describe_refusal(error: Exception) -> str:
    """The server's own words, for staff."""
    said = [f"SMTP {code} {text}".strip() for code, text in _replies(error)]
    return "; ".join(said) or str(error) or type(error).__name__


def _replies(error: Exception) -> list[tuple[int, str]]:
    replies: list[tuple[int, bytes | str]] = []
    if isinstance(error, SMTPRecipientsRefused):
        replies = list(error.recipients.values())
    elif isinstance(error, SMTPDataError | SMTPSenderRefused):
        replies = [(error.smtp_code, error.smtp_error)]
    return [
        (code, text.decode(errors="replace") if isinstance(text, bytes) else str(text))
        for code, text in replies
    ]
