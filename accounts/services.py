"""The only writer of registrations, PINs and links between Telegram and the portal."""

import re
import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import BotRegistration, LinkPin, TelegramAccount, User
from config.queue import enqueue

CONSENT_VERSION = "2026-11"

PIN_LIFETIME = timedelta(minutes=10)  # from the moment the mail left
PIN_TRIES = 5
PIN_TRIES_A_DAY = 30
PIN_LOCK = timedelta(minutes=15)  # after PIN_TRIES wrong ones
PIN_RESEND_AFTER = timedelta(seconds=60)
PINS_AN_HOUR = 3
PINS_A_DAY = 6
MAIL_ATTEMPTS = 12  # about eight minutes of a mail server that is down
MAIL_CLAIM = timedelta(seconds=60)


class LinkRefused(Exception):
    """A step of linking that cannot be done; subclasses name the reason."""


class AlreadyLinked(LinkRefused):
    """The account or the Telegram user has a link already; a link never moves silently."""


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


def register_for_bot(*, user: User, phone: str, ip: str | None, user_agent: str) -> BotRegistration:
    """Record the consent for a normalised phone. Another phone replaces the old registration."""
    with transaction.atomic():
        _lock_user(pk=user.pk)
        current = user.registrations.filter(withdrawn_at=None).first()
        if current and current.phone == phone:
            return current
        withdraw_registration(user=user)
        return BotRegistration.objects.create(
            user=user,
            phone=phone,
            consent_version=CONSENT_VERSION,
            consented_at=timezone.now(),
            ip=ip,
            user_agent=user_agent[:300].replace("\0", ""),
        )


def withdraw_registration(*, user: User) -> None:
    """End consent and link at once; the record of the consent stays."""
    with transaction.atomic():
        _lock_user(pk=user.pk)
        unlink_telegram(user=user)
        user.registrations.filter(withdrawn_at=None).update(withdrawn_at=timezone.now())


def unlink_telegram(*, user: User) -> None:
    with transaction.atomic():
        _lock_user(pk=user.pk)
        TelegramAccount.objects.filter(user=user).delete()
        LinkPin.objects.filter(registration__user=user, closed_at=None).update(
            closed_at=timezone.now()
        )


def registrations_of_phone(phone: str) -> QuerySet[BotRegistration]:
    """Registrations in force for a phone, of people who may use the portal."""
    return (
        BotRegistration.objects.filter(phone=phone, withdrawn_at=None, user__is_active=True)
        .select_related("user")
        .order_by("pk")
    )


def linked_user(telegram_id: int) -> User | None:
    """The active account this Telegram user is linked to."""
    return (
        User.objects.filter(telegram__telegram_id=telegram_id, is_active=True)
        .select_related("telegram", "organization")
        .first()
    )


def note_unreachable(*, telegram_id: int) -> None:
    """Telegram does not take messages for this person: they blocked the bot or are gone."""
    TelegramAccount.objects.filter(telegram_id=telegram_id).update(unreachable_at=timezone.now())


def note_reachable(user: User) -> None:
    """Who writes to the bot can be written to again."""
    if user.telegram.unreachable_at:
        TelegramAccount.objects.filter(user=user).update(unreachable_at=None)


def request_link_pin(*, registration: BotRegistration, telegram_id: int) -> LinkPin:
    """Start a new PIN for this registration and Telegram user and queue its mail.

    A new PIN closes the ones before. Raises AlreadyLinked, RegistrationWithdrawn, PinTooSoon,
    PinLocked or PinLimitReached.
    """
    with transaction.atomic():
        _lock_user(pk=registration.user_id)
        if not registrations_of_phone(registration.phone).filter(pk=registration.pk).exists():
            raise RegistrationWithdrawn
        if TelegramAccount.objects.filter(
            Q(user=registration.user) | Q(telegram_id=telegram_id)
        ).exists():
            raise AlreadyLinked
        now = timezone.now()
        _check_pin_limits(registration.user, now)
        _close_pins(Q(registration__user=registration.user) | Q(telegram_id=telegram_id), now)
        try:
            with transaction.atomic():
                pin = LinkPin.objects.create(
                    registration=registration, telegram_id=telegram_id, mail_due_at=now + MAIL_CLAIM
                )
        except IntegrityError:  # the same Telegram user asks for another account at this moment
            raise PinTooSoon(PIN_RESEND_AFTER) from None
        enqueue("accounts.tasks.mail_link_pin", pin.pk, 0)
        return pin


def _close_pins(which: Q, now: datetime) -> None:
    """Close open PINs, also another account's; locked by id, so two requests cannot cross."""
    pins = LinkPin.objects.select_for_update(of=("self",)).filter(which, closed_at=None)
    LinkPin.objects.filter(pk__in=[pin.pk for pin in pins.order_by("pk")]).update(closed_at=now)


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


def confirm_link_pin(*, telegram_id: int, code: str, username: str = "") -> TelegramAccount:
    """Link the Telegram user to the account its open PIN was mailed for.

    Raises PinWrong, PinLocked, PinExpired, PinNotSent or AlreadyLinked. A try is counted before
    the code is compared and stays counted, so the caller must not roll back on these.
    """
    with transaction.atomic():
        result = _try_code(telegram_id, code, username)
    if isinstance(result, LinkRefused):
        raise result
    return result


def _try_code(telegram_id: int, code: str, username: str) -> TelegramAccount | LinkRefused:
    """The link, or why not: a refusal is returned, as raised it would undo the counted try."""
    user = _lock_user(
        registrations__pins__telegram_id=telegram_id, registrations__pins__closed_at=None
    )
    now = timezone.now()
    pin = LinkPin.objects.filter(
        registration__user=user,
        telegram_id=telegram_id,
        closed_at=None,
        registration__withdrawn_at=None,
        registration__user__is_active=True,
    ).first()
    if user is None or pin is None:
        last = LinkPin.objects.filter(telegram_id=telegram_id).order_by("-pk").first()
        return (last and _lock_left(last, now)) or PinExpired()
    if pin.expires_at is None:
        return PinNotSent()
    if pin.expires_at <= now:
        return PinExpired()
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
    if TelegramAccount.objects.filter(Q(user=user) | Q(telegram_id=telegram_id)).exists():
        return AlreadyLinked()
    return TelegramAccount.objects.create(user=user, telegram_id=telegram_id, username=username)


def pin_digest(pin: LinkPin, code: str) -> str:
    """Keyed digest of a code, bound to its PIN, registration and Telegram user."""
    code = code.strip()
    if not re.fullmatch(r"[0-9]{6}", code):
        code = ""  # an odd spelling is simply a wrong code
    return salted_hmac(
        "accounts.LinkPin", f"{pin.pk}:{pin.registration_id}:{pin.telegram_id}:{code}"
    ).hexdigest()


def new_pin_code(pin: LinkPin, attempt: int) -> str | None:
    """Claim a mail attempt and return a fresh code for it, None when it is not to be made.

    Of several tasks queued for one attempt only the first gets a code.
    """
    in_force = BotRegistration.objects.filter(withdrawn_at=None, user__is_active=True)
    if not in_force.filter(pk=pin.registration_id).exists():
        return None
    code = f"{secrets.randbelow(10**6):06}"
    now = timezone.now()
    # Columns of this table only: PostgreSQL does not look at a joined condition again after
    # waiting for another's update, and two tasks would win.
    claimed = LinkPin.objects.filter(pk=pin.pk, mail_attempts=attempt, sent_at=None, closed_at=None)
    won = claimed.update(
        mail_attempts=attempt + 1,
        mail_due_at=now + MAIL_CLAIM,
        digest=pin_digest(pin, code),
        expires_at=now + PIN_LIFETIME,
    )
    return code if won else None


def record_pin_sent(pin: LinkPin) -> None:
    now = timezone.now()
    LinkPin.objects.filter(pk=pin.pk).update(
        sent_at=now, expires_at=now + PIN_LIFETIME, mail_due_at=None
    )


def record_pin_mail_failure(pin: LinkPin) -> None:
    """Plan the next attempt, or close the PIN after the last; the person is told of both."""
    now = timezone.now()
    with transaction.atomic():
        pin = LinkPin.objects.select_for_update().get(pk=pin.pk)
        if pin.closed_at:
            return  # nobody waits for it any more
        if pin.mail_attempts >= MAIL_ATTEMPTS:
            pin.closed_at, pin.mail_due_at = now, None
            enqueue("telegram_bot.tasks.tell_of_pin_mail", pin.pk, "pin_failed")
        else:
            wait = timedelta(seconds=min(60, 2**pin.mail_attempts))
            pin.mail_due_at, pin.expires_at = now + wait, None
            if pin.mail_attempts == 1:
                enqueue("telegram_bot.tasks.tell_of_pin_mail", pin.pk, "pin_delayed")
        pin.save(update_fields=["closed_at", "mail_due_at", "expires_at"])


def queue_due_pin_mails() -> None:
    """Queue again the PIN mails whose retry is due or whose worker died."""
    now = timezone.now()
    due = LinkPin.objects.filter(mail_due_at__lte=now, closed_at=None, sent_at=None)
    for pin in due.order_by("pk")[:100]:
        if pin.mail_attempts >= MAIL_ATTEMPTS:  # the worker of the last one was killed
            record_pin_mail_failure(pin)
            continue
        with transaction.atomic():
            if due.filter(pk=pin.pk).update(mail_due_at=now + MAIL_CLAIM):
                enqueue("accounts.tasks.mail_link_pin", pin.pk, pin.mail_attempts)


def delete_old_pins() -> None:
    """Some of those that no limit looks back to any more."""
    old = LinkPin.objects.filter(created_at__lt=timezone.now() - timedelta(days=1))
    LinkPin.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:1000])).delete()


def _lock_user(**whose: int | None) -> User | None:
    """The account, before any row that hangs on it: with one order nobody waits in a circle.

    Rows that only refer to the account, such as a ticket, may be written meanwhile (`no_key`).
    """
    users = User.objects.select_for_update(of=("self",), no_key=True)
    return users.filter(**whose).first()
