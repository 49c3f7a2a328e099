"""The only writer of registrations, PINs and links between messengers and the portal."""

import re
import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.identity import begin_change, lock_user, note_change
from accounts.linking import PinNews, tell_of_pin
from accounts.models import PIN_LIFETIME, BotRegistration, LinkPin, MessengerAccount, User
from accounts.news import AccountNews
from accounts.quotas import count_change
from accounts.rights import END_CONSENTS, END_LINKS
from accounts.security import UNKNOWN, Kind, Origin, record
from accounts.typed import pin_in
from config.backoff import backoff, is_due
from config.queue import enqueue

CONSENT_VERSION = "2026-11"

PIN_TRIES = 5
PIN_TRIES_A_DAY = 30
PIN_LOCK = timedelta(minutes=15)  # after PIN_TRIES wrong ones
PIN_RESEND_AFTER = timedelta(seconds=60)
PINS_AN_HOUR = 3
PINS_A_DAY = 6
MAIL_ATTEMPTS = 12  # about eight minutes of a mail server that is down
MAIL_CLAIM = timedelta(seconds=60)
LONGEST_MAIL_WAIT = timedelta(seconds=60)


class LinkRefused(Exception):
    """A step of linking that cannot be done; subclasses name the reason."""


class AlreadyLinked(LinkRefused):
    """The account or the messenger's address has a link already; a link never moves silently."""


class RegistrationWithdrawn(LinkRefused):
    pass


class PinLimitReached(LinkRefused):
    def __init__(self, wait: timedelta) -> None:
        self.wait = wait


class PinTooSoon(PinLimitReached):
    """A new PIN may be asked for after `wait`: the last one has just been sent."""


class PinLocked(PinLimitReached):
    """Too many wrong tries; a new PIN may be asked for after `wait`."""


class PinNotSent(LinkRefused):
    """The mail with the code has not left yet."""


class PinExpired(LinkRefused):
    pass


class PinWrong(LinkRefused):
    def __init__(self, tries_left: int) -> None:
        self.tries_left = tries_left


def register_for_bot(
    *,
    user: User,
    channel: str,
    phone: str,
    ip: str | None,
    user_agent: str,
    session_key: str | None = None,
) -> BotRegistration:
    """Record the consent for a normalised phone. Another phone replaces the old registration.

    Raises TooManyChanges.
    """
    user_agent = user_agent[:300].replace("\0", "")
    with transaction.atomic():
        lock_user(pk=user.pk)
        current = user.registrations.filter(channel=channel, withdrawn_at=None).first()
        if current and current.phone == phone:
            return current
        count_change(user)
        if current:
            _withdraw(user, channel)
            origin = Origin(user, ip, user_agent, session_key)
            note_change(Kind.PHONE_CHANGED, AccountNews.PHONE_CHANGED, user=user, origin=origin)
        return BotRegistration.objects.create(
            user=user,
            channel=channel,
            phone=phone,
            consent_version=CONSENT_VERSION,
            consented_at=timezone.now(),
            ip=ip,
            user_agent=user_agent,
        )


def withdraw_registration(*, user: User, channel: str, origin: Origin = UNKNOWN) -> None:
    """End consent and link at once; the record of the consent stays.

    It counts for the person, or for the agent who does it. Raises RightMissing and TooManyChanges.
    """
    with transaction.atomic():
        begin_change(user, END_CONSENTS, origin=origin)
        if _withdraw(user, channel):
            news = AccountNews.CONSENT_WITHDRAWN
            note_change(Kind.CONSENT_WITHDRAWN, news, user=user, origin=origin)


def unlink_messenger(*, user: User, channel: str, origin: Origin = UNKNOWN) -> None:
    """End the link; consent and phone stay. Counts as `withdraw_registration` does."""
    with transaction.atomic():
        begin_change(user, END_LINKS, origin=origin)
        if _unlink(user, channel):
            note_change(Kind.UNLINKED, AccountNews.UNLINKED, user=user, origin=origin)


def _withdraw(user: User, channel: str) -> bool:
    """Whether there was a consent to end."""
    _unlink(user, channel)
    in_force = user.registrations.filter(channel=channel, withdrawn_at=None)
    return bool(in_force.update(withdrawn_at=timezone.now()))


def _unlink(user: User, channel: str) -> bool:
    """Whether there was a link to end; a PIN that is open ends with it."""
    gone, _models = MessengerAccount.objects.filter(user=user, channel=channel).delete()
    LinkPin.objects.filter(registration__user=user, channel=channel, closed_at=None).update(
        closed_at=timezone.now()
    )
    return bool(gone)


def registrations_of_phone(*, channel: str, phone: str) -> QuerySet[BotRegistration]:
    """Registrations in force for a phone, of people who may use the portal."""
    return (
        BotRegistration.objects.filter(
            channel=channel, phone=phone, withdrawn_at=None, user__is_active=True
        )
        .select_related("user")
        .order_by("pk")
    )


def note_unreachable(*, channel: str, address: str) -> None:
    """The messenger takes nothing for this person: they blocked the bot or are gone."""
    MessengerAccount.objects.filter(channel=channel, address=address).update(
        unreachable_at=timezone.now()
    )


def note_seen(account: MessengerAccount, *, username: str) -> None:
    """Who writes to the bot can be written to again; their name there may be another by now."""
    if account.unreachable_at or account.username != username:
        MessengerAccount.objects.filter(pk=account.pk).update(
            unreachable_at=None, username=username
        )


def request_link_pin(*, registration: BotRegistration, address: str) -> LinkPin:
    """Start a new PIN for this registration and the messenger's address, and queue its mail.

    A new PIN closes the ones before. Raises AlreadyLinked, RegistrationWithdrawn, PinTooSoon,
    PinLocked or PinLimitReached.
    """
    with transaction.atomic():  # of its own: a refusal does not undo it
        lock_user(pk=registration.user_id)
        _begin_waits_anew(LinkPin.objects.filter(registration__user=registration.user_id))
    with transaction.atomic():
        lock_user(pk=registration.user_id)
        channel = registration.channel
        in_force = registrations_of_phone(channel=channel, phone=registration.phone)
        if not in_force.filter(pk=registration.pk).exists():
            raise RegistrationWithdrawn
        if _is_linked(registration.user, channel, address):
            raise AlreadyLinked
        now = timezone.now()
        _check_pin_limits(registration.user, now)
        of_both = Q(registration__user=registration.user) | Q(address=address)
        _close_pins(of_both & Q(channel=channel), now)
        try:
            with transaction.atomic():
                pin = LinkPin.objects.create(
                    registration=registration,
                    channel=channel,
                    address=address,
                    mail_due_at=now + MAIL_CLAIM,
                )
        except IntegrityError:  # the same address asks for another account at this moment
            raise PinTooSoon(PIN_RESEND_AFTER) from None
        enqueue("accounts.tasks.mail_link_pin", pin.pk, 0)
        return pin


def _is_linked(user: User, channel: str, address: str) -> bool:
    """Whether the account or the address has a link in this messenger."""
    of_both = Q(user=user) | Q(address=address)
    return MessengerAccount.objects.filter(of_both, channel=channel).exists()


def _close_pins(which: Q, now: datetime) -> None:
    """Close open PINs, also another account's. Locked in the order of ids: no deadlock."""
    pins = LinkPin.objects.select_for_update(of=("self",)).filter(which, closed_at=None)
    LinkPin.objects.filter(pk__in=[pin.pk for pin in pins.order_by("pk")]).update(closed_at=now)


def _begin_waits_anew(pins: QuerySet[LinkPin]) -> None:
    """After the clock went back: a wait begins now at the latest, so it keeps its own length."""
    now = timezone.now()
    pins.filter(created_at__gt=now).update(created_at=now)
    pins.filter(exhausted_at__gt=now).update(exhausted_at=now)


def _check_pin_limits(user: User, now: datetime) -> None:
    day = LinkPin.objects.filter(registration__user=user, created_at__gt=now - timedelta(days=1))
    asked = list(day.order_by("-created_at")[:PINS_A_DAY])
    if not asked:
        return
    last = asked[0]
    if locked := _lock_left(last, now):
        raise locked
    if now < last.created_at + PIN_RESEND_AFTER:
        raise PinTooSoon(last.created_at + PIN_RESEND_AFTER - now)
    if len(asked) >= PINS_AN_HOUR:
        free_at = asked[PINS_AN_HOUR - 1].created_at + timedelta(hours=1)
        if now < free_at:
            raise PinLimitReached(free_at - now)
    tries = day.aggregate(total=Sum("tries"))["total"] or 0
    if len(asked) >= PINS_A_DAY or tries >= PIN_TRIES_A_DAY:
        raise PinLimitReached(asked[-1].created_at + timedelta(days=1) - now)


def _lock_left(last: LinkPin, now: datetime) -> PinLocked | None:
    """What is left of the wait after too many wrong tries at a person's last PIN."""
    if last.exhausted_at and now < last.exhausted_at + PIN_LOCK:
        return PinLocked(last.exhausted_at + PIN_LOCK - now)
    return None


def confirm_link_pin(
    *, channel: str, address: str, code: str, username: str = ""
) -> MessengerAccount:
    """Link the messenger's address to the account its open PIN was mailed for.

    Raises PinWrong, PinLocked, PinExpired, PinNotSent or AlreadyLinked. A try is six digits; it is
    counted before they are compared and stays counted: the caller must not roll back on these.
    """
    with transaction.atomic():
        result = _try_code(channel, address, code, username)
    if isinstance(result, LinkRefused):
        raise result
    return result


def _try_code(
    channel: str, address: str, code: str, username: str
) -> MessengerAccount | LinkRefused:
    """The new link, or the refusal: returned, because raising it would undo the counted try."""
    user = lock_user(
        registrations__pins__channel=channel,
        registrations__pins__address=address,
        registrations__pins__closed_at=None,
    )
    pins = LinkPin.objects.filter(channel=channel, address=address)
    _begin_waits_anew(pins)
    now = timezone.now()
    pin = pins.filter(
        registration__user=user,
        closed_at=None,
        registration__withdrawn_at=None,
        registration__user__is_active=True,
    ).first()
    if user is None or pin is None:
        last = pins.order_by("-pk").first()
        return (last and _lock_left(last, now)) or PinExpired()
    if pin.expires_at is None:
        return PinNotSent()
    if pin.has_expired(now):
        return PinExpired()
    if not (code := pin_in(code)) and pin.tries < PIN_TRIES:
        return PinWrong(PIN_TRIES - pin.tries)  # no guess: as many are left as before
    counted = LinkPin.objects.filter(pk=pin.pk, closed_at=None, tries__lt=PIN_TRIES).update(
        tries=F("tries") + 1
    )
    if not counted:
        return PinExpired()
    pin.refresh_from_db(fields=["tries", "digest"])
    if not constant_time_compare(pin.digest, pin_digest(pin, code)):
        if pin.tries >= PIN_TRIES:
            LinkPin.objects.filter(pk=pin.pk).update(closed_at=now, exhausted_at=now)
            return PinLocked(PIN_LOCK)
        return PinWrong(PIN_TRIES - pin.tries)
    LinkPin.objects.filter(pk=pin.pk).update(closed_at=now)
    if _is_linked(user, channel, address):
        return AlreadyLinked()
    record(Kind.LINKED, user=user, origin=Origin(user))
    return MessengerAccount.objects.create(
        user=user, channel=channel, address=address, username=username
    )


def pin_digest(pin: LinkPin, code: str) -> str:
    """Keyed digest of a code, bound to its PIN, registration and address."""
    code = code.strip()
    if not re.fullmatch(r"[0-9]{6}", code):
        code = ""  # an odd spelling is simply a wrong code
    return salted_hmac(
        "accounts.LinkPin", f"{pin.pk}:{pin.registration_id}:{pin.address}:{code}"
    ).hexdigest()


def new_pin_code(pin: LinkPin, attempt: int) -> str | None:
    """Claim an attempt to mail a PIN and return a new code; None when no letter should go out.

    If several tasks are queued for one attempt, only the first gets a code; it counts from now on.
    """
    in_force = BotRegistration.objects.filter(withdrawn_at=None, user__is_active=True)
    if not in_force.filter(pk=pin.registration_id).exists():
        return None
    code = f"{secrets.randbelow(10**6):06}"
    now = timezone.now()
    # Conditions on this table only. When PostgreSQL has waited for another task's update, it
    # checks these again, but not those on a joined table: two tasks would win.
    claimed = LinkPin.objects.filter(pk=pin.pk, mail_attempts=attempt, sent_at=None, closed_at=None)
    won = claimed.update(
        mail_attempts=attempt + 1,
        mail_due_at=now + MAIL_CLAIM,
        digest=pin_digest(pin, code),
        expires_at=now + PIN_LIFETIME,
    )
    pin.mail_attempts = attempt + 1
    return code if won else None


def record_pin_sent(pin: LinkPin) -> None:
    now = timezone.now()
    newest = LinkPin.objects.filter(pk=pin.pk, mail_attempts=pin.mail_attempts)
    newest.update(sent_at=now, expires_at=now + PIN_LIFETIME, mail_due_at=None)


def record_pin_mail_failure(
    pin: LinkPin, *, address_refused: bool = False, may_arrive: bool = False
) -> None:
    """Plan the next attempt, or close the PIN after the last; the person is told of both.

    To an address that is refused there is no next attempt. The code of a letter that may arrive
    all the same stays in force until then.
    """
    now, attempt = timezone.now(), pin.mail_attempts
    with transaction.atomic():
        pin = LinkPin.objects.select_for_update().get(pk=pin.pk)
        if pin.closed_at or pin.mail_attempts != attempt:
            return  # nobody waits for it, or a later attempt has taken over
        if address_refused or pin.mail_attempts >= MAIL_ATTEMPTS:
            pin.closed_at, pin.mail_due_at = now, None
            tell_of_pin(pin, PinNews.FAILED, address_refused)
        else:
            wait = backoff(pin.mail_attempts, longest=LONGEST_MAIL_WAIT)
            pin.mail_due_at = now + wait
            pin.expires_at = pin.expires_at if may_arrive else None
            if pin.mail_attempts == 1:
                tell_of_pin(pin, PinNews.DELAYED)
        pin.save(update_fields=["closed_at", "mail_due_at", "expires_at"])


def queue_due_pin_mails() -> None:
    """Queue again the PIN mails whose retry is due or whose worker died."""
    now = timezone.now()
    due = LinkPin.objects.filter(
        is_due("mail_due_at", now, longest=LONGEST_MAIL_WAIT), closed_at=None, sent_at=None
    )
    for pin in due.order_by("pk")[:100]:
        if pin.mail_attempts >= MAIL_ATTEMPTS:  # the worker of the last one was killed
            record_pin_mail_failure(pin)
            continue
        with transaction.atomic():
            if due.filter(pk=pin.pk).update(mail_due_at=now + MAIL_CLAIM):
                enqueue("accounts.tasks.mail_link_pin", pin.pk, pin.mail_attempts)
