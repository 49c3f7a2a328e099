"""The second step of a login of staff: a code of an app, or one of ten codes kept on paper.

The app's secret is django-otp's row; the codes are our own, since its are stored as they are.
"""

import re
from base64 import b32encode
from datetime import datetime
from hashlib import sha256
from secrets import token_bytes
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.identity import (
    IdentityRefused,
    RightMissing,
    lock_user,
    note_change,
    require_right,
)
from accounts.models import RecoveryCode, SecurityEvent, User
from accounts.news import AccountNews, tell
from accounts.rights import MANAGE_STAFF
from accounts.security import Kind, Origin, record
from accounts.typed import without_invisible

CODES = 10
CODE_BYTES = 10  # 80 bits: a digest without a salt of its own cannot be guessed back
SECRET_BYTES = 20  # as long as the digest of the codes, what RFC 4226 recommends
ISSUER = "Support"  # apps show it over the login; some of them show no Cyrillic letters


class WrongCode(IdentityRefused):
    code = "wrong_code"

    def __str__(self) -> str:
        return _("Код не подошёл. Введите тот, который приложение показывает сейчас.")


class AlreadyOn(IdentityRefused):
    code = "second_factor_on"

    def __str__(self) -> str:
        return _("Второй шаг уже включён. Коды показываются один раз: если нужно, создайте новые.")


class SecondFactorDemanded(IdentityRefused):
    code = "second_factor_demanded"

    def __str__(self) -> str:
        return _("Второй шаг нужен всем сотрудникам: отключить его нельзя, можно сменить телефон.")


def is_demanded_of(user: User) -> bool:
    """Whether a password alone does not let this person in. Customers are never asked."""
    return user.is_staff and (settings.STAFF_2FA or has_second_factor(user))


def has_second_factor(user: User) -> bool:
    return _devices(user).exists()


def since_when(user: User) -> datetime | None:
    return _devices(user).values_list("created_at", flat=True).first()


def codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user).count()


def new_secret() -> str:
    return token_bytes(SECRET_BYTES).hex()


def typed_secret(secret: str) -> str:
    """As apps take it where nothing can be scanned: groups of four letters and digits."""
    return _in_groups(b32encode(bytes.fromhex(secret)).decode())


def app_url(user: User, secret: str) -> str:
    """What apps read from a QR code."""
    label = quote(f"{ISSUER}:{user.username}")
    given = {"secret": b32encode(bytes.fromhex(secret)).decode(), "issuer": ISSUER}
    return f"otpauth://totp/{label}?{urlencode(given)}"


def turn_on(*, user: User, secret: str, code: str, origin: Origin) -> list[str]:
    """Put an app's secret in force, in place of the one before, and return the ten codes.

    The code proves that the app has it. Raises WrongCode, and AlreadyOn for a form sent twice.
    """
    with transaction.atomic():
        lock_user(pk=user.pk)
        if _devices(user).filter(key=secret).exists():
            raise AlreadyOn
        TOTPDevice.objects.filter(user=user).delete()
        if not _fits(TOTPDevice(user=user, key=secret, name="app"), code):
            raise WrongCode
        note_change(Kind.SECOND_FACTOR_ON, AccountNews.SECOND_FACTOR_ON, user=user, origin=origin)
        return _make_codes(user)


def turn_off(*, user: User, origin: Origin) -> bool:
    """False when there was none. Raises SecondFactorDemanded where all staff needs it."""
    if settings.STAFF_2FA and user.is_staff:
        raise SecondFactorDemanded
    return _drop(user, Kind.SECOND_FACTOR_OFF, AccountNews.SECOND_FACTOR_OFF, origin)


def reset(*, user: User, origin: Origin) -> bool:
    """By an administrator, for whoever lost the phone and the codes; False when there was none.

    Raises RightMissing, for one's own, too: that one is turned off with a code.
    """
    with transaction.atomic():
        person = lock_user(pk=user.pk)
        if origin.actor == user:
            raise RightMissing
        require_right(origin, MANAGE_STAFF, over=person)
        return _drop(user, Kind.SECOND_FACTOR_RESET, AccountNews.SECOND_FACTOR_RESET, origin)


def renew_codes(*, user: User, origin: Origin) -> list[str]:
    """Ten new codes in place of those before; none for whoever has no second factor."""
    with transaction.atomic():
        lock_user(pk=user.pk)
        if not has_second_factor(user):
            return []
        record(Kind.CODES_RENEWED, user=user, origin=origin)
        tell(AccountNews.CODES_RENEWED, user, user.email)
        return _make_codes(user)


def spend_code(*, user: User, code: str, origin: Origin) -> bool:
    """Whether this is a code of the person's app or one of the ten. None is taken twice."""
    with transaction.atomic():
        lock_user(pk=user.pk)
        device = _devices(user).first()
        if device is None:
            return False
        return _fits(device, code) or _spend_recovery_code(user, code, origin)


def _devices(user: User) -> QuerySet[TOTPDevice]:
    return TOTPDevice.objects.filter(user=user, confirmed=True)


def _fits(device: TOTPDevice, code: str) -> bool:
    """Whether the app shows this now, or did or will a step of half a minute from now."""
    digits = re.sub(r"\s", "", without_invisible(code))
    return bool(re.fullmatch(r"[0-9]{6}", digits)) and bool(device.verify_token(digits))


def _spend_recovery_code(user: User, code: str, origin: Origin) -> bool:
    gone, _models = RecoveryCode.objects.filter(user=user, digest=_digest(code)).delete()
    if gone:
        record(Kind.RECOVERY_CODE_USED, user=user, origin=origin)
        tell(AccountNews.RECOVERY_CODE_USED, user, user.email, left=codes_left(user))
    return bool(gone)


def _make_codes(user: User) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    codes = [_in_groups(b32encode(token_bytes(CODE_BYTES)).decode().lower()) for _n in range(CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(c)) for c in codes)
    return codes


def _drop(user: User, kind: SecurityEvent.Kind, news: AccountNews, origin: Origin) -> bool:
    with transaction.atomic():
        lock_user(pk=user.pk)
        gone, _models = TOTPDevice.objects.filter(user=user).delete()
        RecoveryCode.objects.filter(user=user).delete()
        if gone:
            note_change(kind, news, user=user, origin=origin)
        return bool(gone)


def _digest(code: str) -> str:
    """Of what was typed as one of the ten codes, in whatever letter case and groups."""
    plain = re.sub(r"[^a-z0-9]", "", without_invisible(code).lower())
    return sha256(f"accounts.RecoveryCode {plain}".encode()).hexdigest()


def _in_groups(text: str) -> str:
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))
