"""Changes of what identifies a person: e-mail, password, phone, link.

Each is recorded, ends the person's other sessions, and is told by letter to the old address and
the new one. The only writer of an account's e-mail after it was created.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.mailboxes import check_mailbox
from accounts.models import EmailChange, Invitation, SecurityEvent, User
from accounts.names import check_name
from accounts.news import AccountNews, tell
from accounts.phone import mask_email
from accounts.quotas import count_change
from accounts.rights import CHANGE_EMAIL, CHANGE_PEOPLE, may_act, tell_of_rights
from accounts.security import Kind, Origin, record
from accounts.sessions import end_sessions, end_tokens
from config.backoff import CLOCK_SKEW

LETTER_EVERY = timedelta(seconds=60)  # with a link to a new e-mail
LETTERS_AN_HOUR = 3
LETTERS_A_DAY = 6
RIGHTS = {
    "is_staff": gettext_lazy("место специалиста"),
    "is_superuser": gettext_lazy("все права"),
}


class IdentityRefused(Exception):
    """A change that is not made; the code is for programs, the words are for people."""

    code = "refused"


class RightMissing(IdentityRefused, PermissionDenied):
    """Nothing this person may do to the accounts of others; uncaught it is a page with 403."""

    code = "right_missing"

    def __str__(self) -> str:
        return _("У вас нет на это права.")


class EmailUnchanged(IdentityRefused):
    code = "email_unchanged"

    def __str__(self) -> str:
        return _("Эта почта у вас уже указана.")


class EmailTaken(IdentityRefused):
    code = "email_taken"

    def __str__(self) -> str:
        return _("Эта почта уже указана у другого аккаунта.")


class EmailLinkVoid(IdentityRefused):
    code = "email_link_void"

    def __str__(self) -> str:
        return _("Ссылка уже использована, отменена, или её срок истёк.")


class TooManyLetters(IdentityRefused):
    code = "too_many_letters"

    def __init__(self, wait: timedelta) -> None:
        self.minutes = max(1, -(-int(wait.total_seconds()) // 60))

    def __str__(self) -> str:
        words = _("Письма уже отправлены. Следующее можно попросить через %(minutes)d мин.")
        return words % {"minutes": self.minutes}


def lock_user(**whose: int | str | None) -> User | None:
    """Lock the account before any row that belongs to it: one order for all, so no deadlock.

    `no_key`: rows that only refer to the account, such as tickets, can still be written.
    """
    users = User.objects.select_for_update(of=("self",), no_key=True)
    return users.filter(**whose).first()


def require_right(origin: Origin, *rights: str, over: User | None = None) -> None:
    """Whoever acts is staff with one of the rights, which reach over this person.

    Raises RightMissing; ask under the lock of the person.
    """
    if not may_act(origin.actor, *rights, over=over):
        raise RightMissing


def begin_change(user: User, right: str, *, origin: Origin) -> None:
    """Lock an account and count a change of it: its owner's, or of who has the right over it.

    Where nobody acts it is the owner's. Raises RightMissing and TooManyChanges.
    """
    owner = lock_user(pk=user.pk)
    if origin.actor not in (None, user):
        require_right(origin, right, over=owner)
    count_change(user, origin.actor)


def note_change(kind: SecurityEvent.Kind, news: AccountNews, *, user: User, origin: Origin) -> None:
    """What follows each change of a password, a phone or a link, in the caller's transaction."""
    record(kind, user=user, origin=origin)
    end_sessions(user, keep=origin.session_key)
    tell(news, user, user.email)


def note_new_password(*, user: User, origin: Origin, by_link: bool = False) -> None:
    """After a password was set. An e-mail that waits falls with the password it was asked under."""
    EmailChange.objects.filter(user=user, actor=user).delete()
    Invitation.objects.filter(user=user, accepted_at=None).update(accepted_at=timezone.now())
    kind = Kind.PASSWORD_RESET if by_link else Kind.PASSWORD_CHANGED
    note_change(kind, AccountNews.PASSWORD_CHANGED, user=user, origin=origin)


def note_rights(user: User, changed: Sequence[str], *, origin: Origin) -> None:
    """After an administrator changed fields of a person: what they may do now is recorded.

    Whoever may not come in any more is signed out, and no link sent before lets them in again;
    whoever is staff now logs in as staff does.
    """
    if "is_active" in changed:
        record(Kind.ACTIVATED if user.is_active else Kind.DEACTIVATED, user=user, origin=origin)
    if not user.is_active or (user.is_staff and "is_staff" in changed):
        end_sessions(user)
    if not user.is_active:
        end_tokens(user)
        _drop_invitation(user)
    tell_of_rights(user)
    if not {*RIGHTS, "groups"}.intersection(changed):
        return
    may = [str(words) for flag, words in RIGHTS.items() if getattr(user, flag)]
    may += user.groups.order_by("name").values_list("name", flat=True)
    details = ", ".join(may) or _("никаких особых прав")
    record(Kind.RIGHTS_CHANGED, user=user, origin=origin, details=details)
    if "email" not in changed:
        _drop_email_of_others(user, origin)


def _drop_email_of_others(user: User, origin: Origin) -> None:
    """Whoever asked for it, when the person had fewer rights, would get hold of the new ones."""
    gone, _models = EmailChange.objects.filter(user=user).exclude(actor=user).delete()
    if gone:
        record(Kind.EMAIL_CANCELLED, user=user, origin=origin)


def set_access(user: User, *, is_active: bool, origin: Origin) -> bool:
    """Open or close somebody else's way in; False when it was so already. Raises RightMissing."""
    with transaction.atomic():
        person = lock_user(pk=user.pk)
        if origin.actor == user:
            raise RightMissing
        require_right(origin, CHANGE_PEOPLE, over=person)
        user.refresh_from_db(fields=["is_active"])
        if user.is_active == is_active:
            return False
        user.is_active = is_active
        user.save(update_fields=["is_active"])
        note_rights(user, ["is_active"], origin=origin)
        return True


def change_profile(user: User, *, first_name: str, last_name: str, time_zone: str) -> None:
    """What a person may set without further ado. Raises ValidationError and TooManyChanges."""
    for name in (first_name, last_name):
        check_name(name)
    with transaction.atomic():
        lock_user(pk=user.pk)
        count_change(user)
        user.first_name, user.last_name, user.time_zone = first_name, last_name, time_zone
        user.save(update_fields=["first_name", "last_name", "time_zone"])


def request_email_change(*, user: User, email: str, origin: Origin) -> EmailChange:
    """Send a link to the new e-mail. Until it is used the old one, which is told, stays in force.

    Whether the new e-mail belongs to somebody else is answered to its owner only. Another request
    replaces the one before; the same one within a minute is the same one. Raises EmailUnchanged,
    TooManyLetters, RightMissing for somebody else's, and ValidationError for an e-mail that no
    letter can go to.
    """
    check_mailbox(email)
    with transaction.atomic():
        _lock_for_email(user, origin)
        user.refresh_from_db(fields=["email"])
        if email == user.email:
            raise EmailUnchanged
        now = timezone.now()
        waiting = EmailChange.objects.filter(user=user).first()
        if waiting and waiting.email == email and abs(now - waiting.asked_at) < LETTER_EVERY:
            return waiting
        _require_few_letters(user, origin, now)
        EmailChange.objects.filter(user=user).delete()
        _drop_invitation(user)
        change = EmailChange.objects.create(user=user, email=email, actor=origin.actor)
        record(Kind.EMAIL_ASKED, user=user, origin=origin)
        tell(AccountNews.EMAIL_CONFIRM, user, email, change=change.pk)
        tell(AccountNews.EMAIL_ASKED, user, user.email, email=mask_email(email))
        return change


def resend_email_change(*, user: User, origin: Origin) -> EmailChange:
    """Send the link once more; its time begins anew.

    Raises EmailLinkVoid, TooManyLetters or RightMissing.
    """
    with transaction.atomic():
        _lock_for_email(user, origin)
        now = timezone.now()
        change = EmailChange.objects.filter(user=user).first()
        if change is None:
            raise EmailLinkVoid
        _require_few_letters(user, origin, now)
        EmailChange.objects.filter(pk=change.pk).update(asked_at=now)
        record(Kind.EMAIL_ASKED, user=user, origin=origin)
        tell(AccountNews.EMAIL_CONFIRM, user, change.email, change=change.pk)
        return change


def cancel_email_change(*, user: User, origin: Origin) -> bool:
    """False when there was nothing to cancel: it was confirmed, cancelled or is too old.

    Raises RightMissing for somebody else's.
    """
    with transaction.atomic():
        _lock_for_email(user, origin)
        gone, _models = EmailChange.objects.filter(user=user).delete()
        if gone:
            record(Kind.EMAIL_CANCELLED, user=user, origin=origin)
        return bool(gone)


def _lock_for_email(user: User, origin: Origin) -> None:
    person = lock_user(pk=user.pk)
    if origin.actor != user:
        require_right(origin, CHANGE_EMAIL, over=person)


def confirm_email_change(change: EmailChange, *, origin: Origin) -> None:
    """Put the new e-mail in force: once. Raises EmailLinkVoid or EmailTaken."""
    with transaction.atomic():
        user = lock_user(pk=change.user_id, is_active=True)
        waiting = EmailChange.objects.filter(pk=change.pk).first()
        if user is None or waiting is None or waiting.has_expired(timezone.now()):
            raise EmailLinkVoid
        old, new = user.email, waiting.email
        _set_email(user, new)
        _drop_invitation(user)  # one that was sent to the old e-mail since
        waiting.delete()
        record(Kind.EMAIL_CONFIRMED, user=user, origin=origin)
        end_sessions(user, keep=origin.session_key)
        for address in (old, new):
            tell(AccountNews.EMAIL_CHANGED, user, address, email=mask_email(new))


def _drop_invitation(user: User) -> None:
    """Its link may lie with a stranger: in a mailbox that is not the person's, or known to more."""
    Invitation.objects.filter(user=user, accepted_at=None).delete()


def _require_few_letters(user: User, origin: Origin, now: datetime) -> None:
    """Nobody fills a stranger's mailbox; administrators may mend their typing errors at once."""
    if origin.actor != user:
        return
    asked = SecurityEvent.objects.filter(
        user=user, kind=Kind.EMAIL_ASKED, created_at__lte=now + CLOCK_SKEW
    )
    times = list(asked.order_by("-created_at").values_list("created_at", flat=True)[:LETTERS_A_DAY])
    limits = ((1, LETTER_EVERY), (LETTERS_AN_HOUR, timedelta(hours=1)))
    for number, span in (*limits, (LETTERS_A_DAY, timedelta(days=1))):
        if len(times) >= number and now < times[number - 1] + span:
            raise TooManyLetters(times[number - 1] + span - now)


def _set_email(user: User, email: str) -> None:
    """The e-mail, and the login where that is the old e-mail. Raises EmailTaken."""
    if User.objects.by_email(email).exclude(pk=user.pk).exists():
        raise EmailTaken
    if user.username.lower() == user.email.lower() and _is_free_login(email):
        user.username = email
    user.email = email
    try:
        with transaction.atomic():
            user.save(update_fields=["email", "username"])
    except IntegrityError:  # somebody took it at this moment
        raise EmailTaken from None


def _is_free_login(login: str) -> bool:
    longest = User._meta.get_field("username").max_length or 0
    return len(login) <= longest and not User.objects.filter(username=login).exists()
