from datetime import timedelta
from typing import Any

from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMultiAlternatives
from django.db.models import Q
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.models import SecurityEvent, User
from accounts.security import Kind, Origin, record
from accounts.time_zones import times_of
from config.backoff import CLOCK_SKEW, is_due
from config.letters import build_letter
from config.queue import enqueue

RESET_MAIL_EVERY = timedelta(seconds=60)  # to one account
# More a day are no harm, fewer would be: whoever asks in a stranger's name shuts nobody out, since
# a link lives for an hour and the stranger's mailbox holds the newest three.
RESET_MAILS_AN_HOUR = 3


def letter_to(user: User, name: str, **context: Any) -> EmailMultiAlternatives:
    """A letter of templates/mail, its times as the person wants them. Raises ImpossibleAddress."""
    with times_of(user):
        return build_letter(name, to=user.email, context={"user": user, **context})


def reset_letter(user: User) -> EmailMultiAlternatives:
    """The letter with the link that sets another password."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return letter_to(
        user, "password_reset", uid=uid, token=default_token_generator.make_token(user)
    )


def ask_for_reset(email: str, *, origin: Origin) -> None:
    """Queue the letter, also for an unknown e-mail, so that the time taken tells nothing."""
    user = User.objects.by_email(email).filter(is_active=True).first()
    record(Kind.RESET_ASKED, user=user, origin=origin)
    enqueue("accounts.tasks.mail_password_reset", user.pk if user else 0)


def claim_reset_letter(user: User) -> bool:
    """Whether a reset letter may go to this account now; one UPDATE decides for every process."""
    now = timezone.now()
    hour = SecurityEvent.objects.filter(
        user=user, kind=Kind.RESET_MAILED, created_at__gt=now - timedelta(hours=1),
        created_at__lte=now + CLOCK_SKEW,
    )  # fmt: skip
    if len(hour[:RESET_MAILS_AN_HOUR]) >= RESET_MAILS_AN_HOUR:
        return False
    rested = Q(reset_mailed_at=None) | is_due(
        "reset_mailed_at", now - RESET_MAIL_EVERY, longest=RESET_MAIL_EVERY
    )
    return bool(User.objects.filter(rested, pk=user.pk).update(reset_mailed_at=now))


def release_reset_letter(user: User) -> None:
    """The letter did not leave: the person may ask again at once."""
    User.objects.filter(pk=user.pk).update(reset_mailed_at=None)
