"""Signing up by oneself: an e-mail, the link of a letter, then a name and a password.

The page answers everybody alike; whether there is an account the letter says, to its mailbox alone.
The password comes after the link, so that nobody prepares an account for a stranger's mailbox.
"""

from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.guessing import may_ask_to_sign_up
from accounts.identity import EmailTaken, IdentityRefused
from accounts.mailboxes import check_mailbox
from accounts.models import SignUp, User
from accounts.names import check_name
from accounts.news import AccountNews, tell
from accounts.organizations import NothingToJoin, ask_to_join
from accounts.security import Kind, Origin, record
from config.backoff import CLOCK_SKEW
from config.queue import enqueue

CONSENT_VERSION = "2026-11"
LETTERS = (  # to one e-mail at most; a link lives for a day, so the mailbox holds one that works
    (1, timedelta(seconds=60)),
    (3, timedelta(hours=1)),
    (6, timedelta(days=1)),
)


class SignUpVoid(IdentityRefused):
    code = "sign_up_void"

    def __str__(self) -> str:
        return _("Ссылка уже использована, или её срок истёк.")


def ask_to_sign_up(email: str, *, origin: Origin) -> None:
    """Queue the letter, whatever it will say: the time taken tells nothing either.

    Of an address that has asked for too many nothing is taken, and nobody told. Raises
    ValidationError for an e-mail that no letter can go to.
    """
    check_mailbox(email)
    if not may_ask_to_sign_up(origin):
        return
    with transaction.atomic():
        asked = SignUp.objects.create(email=email)
        record(Kind.SIGN_UP_ASKED, user=None, origin=origin)
        enqueue("accounts.tasks.mail_sign_up", asked.pk)


def tell_of_sign_up(number: int) -> None:
    """The letter: with the link, or that there is an account; none to who may not come in."""
    with transaction.atomic():
        asked = SignUp.objects.select_for_update().filter(pk=number, mailed_at=None).first()
        if asked is None or not _may_mail(asked):
            return
        asked.mailed_at = timezone.now()
        asked.save(update_fields=["mailed_at"])
        user = User.objects.by_email(asked.email).first()
        if user is None:
            tell(AccountNews.SIGN_UP, None, asked.email, sign_up=asked.pk)
        elif user.is_active:
            tell(AccountNews.SIGN_UP_KNOWN, user, user.email)


def _may_mail(asked: SignUp) -> bool:
    now = timezone.now()
    mailed = _of_email(asked.email).filter(mailed_at__lte=now + CLOCK_SKEW).order_by("-mailed_at")
    times = [row.mailed_at for row in mailed[: LETTERS[-1][0]] if row.mailed_at]
    return not any(
        len(times) >= number and now < times[number - 1] + span for number, span in LETTERS
    )


def sign_up(
    *, asked: SignUp, first_name: str, last_name: str, password: str, origin: Origin
) -> User:
    """Make the account, once, and ask its organization to take it in, where there is one.

    Raises SignUpVoid, EmailTaken, and ValidationError for a name nobody may have.
    """
    for name in (first_name, last_name):
        check_name(name)
    digest = make_password(password)  # takes a while: outside of the transaction
    with transaction.atomic():
        rows = {row.pk: row for row in _of_email(asked.email).select_for_update().order_by("pk")}
        row = rows.get(asked.pk)
        if row is None or row.has_expired(timezone.now()):
            raise SignUpVoid
        user = _create(row.email, digest, first_name, last_name)
        _of_email(row.email).delete()
        record(Kind.SIGNED_UP, user=user, origin=origin)
        with suppress(NothingToJoin):
            ask_to_join(user=user, origin=origin)
        return user


def _create(email: str, digest: str, first_name: str, last_name: str) -> User:
    if User.objects.by_email(email).exists():
        raise EmailTaken
    try:
        with transaction.atomic():
            return User.objects.create(
                username=login_for(email), email=email, password=digest, first_name=first_name,
                last_name=last_name, consent_version=CONSENT_VERSION, consented_at=timezone.now(),
            )  # fmt: skip
    except IntegrityError:  # somebody took it at this moment
        raise EmailTaken from None


def login_for(email: str) -> str:
    """The e-mail, unless it is too long or somebody's login."""
    longest = User._meta.get_field("username").max_length or 0
    taken = len(email) > longest or User.objects.filter(username__iexact=email).exists()
    return f"person-{uuid4().hex[:12]}" if taken else email


def _of_email(email: str) -> QuerySet[SignUp]:
    return SignUp.objects.alias(lower_email=Lower("email")).filter(lower_email=email.lower())
