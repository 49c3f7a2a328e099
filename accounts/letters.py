from datetime import timedelta

from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMultiAlternatives
from django.db.models import Q
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.models import User
from config.backoff import is_due
from config.mail import build_letter

RESET_MAIL_EVERY = timedelta(seconds=60)  # to one account


def password_letter(name: str, user: User) -> EmailMultiAlternatives:
    """A letter with the link that sets a password: `invitation` or `password_reset`."""
    context = {
        "user": user,
        "uid": urlsafe_base64_encode(force_bytes(user.pk)),
        "token": default_token_generator.make_token(user),
    }
    return build_letter(name, to=user.email, context=context)


def claim_reset_letter(user: User) -> bool:
    """Whether a reset letter may go to this account now; one UPDATE decides for every process."""
    now = timezone.now()
    rested = Q(reset_mailed_at=None) | is_due(
        "reset_mailed_at", now - RESET_MAIL_EVERY, longest=RESET_MAIL_EVERY
    )
    return bool(User.objects.filter(rested, pk=user.pk).update(reset_mailed_at=now))


def release_reset_letter(user: User) -> None:
    """The letter did not leave: the person may ask again at once."""
    User.objects.filter(pk=user.pk).update(reset_mailed_at=None)
