"""Limits of guessing, the same for every door that asks for a password.

Django's `authenticate` is the door, of codes of the second step as of passwords: the limiter
(django-axes, setting AXES_HANDLER) stands in front of it on the portal and at the desk. No limit
lasts: the wait ends by itself.
"""

from datetime import datetime, timedelta
from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import authenticate
from django.db.models import F, Q, QuerySet, Sum
from django.http import HttpRequest
from django.utils import timezone

from accounts.backends import attempted_login
from accounts.models import SecurityEvent, User
from accounts.security import Kind, Origin, browser_of, record
from config.backoff import CLOCK_SKEW

ACCOUNTS_AN_HOUR = 20  # different ones tried in vain from one address
ADDRESS_CLOSED_FOR = timedelta(hours=1)
RESETS_AN_HOUR = 20  # asked for from one address
TRIES_OF_STRANGERS = 20  # wrong passwords of one account at a time, from all addresses
FAMILIAR = (Kind.LOGIN, Kind.PASSWORD_RESET)  # who did this from an address is no stranger there
SIGN_UPS_AN_HOUR = 20


class LoginLimits(AxesDatabaseHandler):
    """Counts a try before the password is compared, so that parallel guesses gain nothing."""

    def is_allowed(self, request: Any, credentials: dict[str, Any] | None = None) -> bool:
        latest = timezone.now() + CLOCK_SKEW
        AccessAttempt.objects.filter(attempt_time__gt=latest).delete()  # the clock went back
        if not super().is_allowed(request, credentials):
            return False
        super().user_login_failed(type(self), credentials or {}, request)
        request.axes_locked_out = request.axes_failures_since_start > settings.AXES_FAILURE_LIMIT
        if not request.axes_locked_out and _is_besieged(request, credentials, TRIES_OF_STRANGERS):
            _take_back(request, credentials)  # many came at once: what is not compared is no try
            request.axes_locked_out = True
        return not request.axes_locked_out

    def is_locked(self, request: Any, credentials: dict[str, Any] | None = None) -> bool:
        if _is_own_account(request, credentials):  # who is signed in is no stranger
            return bool(super().is_locked(request, credentials))
        request.address_is_closed = _is_closed(request.axes_ip_address)
        if request.address_is_closed or super().is_locked(request, credentials):
            return True
        return _is_besieged(request, credentials, TRIES_OF_STRANGERS - 1)

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any
    ) -> None:
        if request is None or request.axes_locked_out:
            return  # refused unread: knocking fills no log
        login = attempted_login(request, credentials)
        user = User.objects.filter(username=login).first()
        origin = Origin(address=request.axes_ip_address, browser=browser_of(request))
        if _is_own_account(request, credentials):
            record(Kind.WRONG_PASSWORD, user=user, origin=origin)
        else:
            wrong = Kind.WRONG_CODE if "token" in credentials else Kind.LOGIN_FAILED
            record(wrong, user=user, origin=origin, login=login)
            self._close_address(request, origin)
        if request.axes_failures_since_start >= settings.AXES_FAILURE_LIMIT:
            request.axes_locked_out = True
            record(Kind.LOCKED, user=user, origin=origin)
        if user and _tries_of(login, request) >= TRIES_OF_STRANGERS:
            _note_siege(user, origin)

    def user_logged_in(self, sender: Any, request: Any, user: User, **kwargs: Any) -> None:
        super().user_logged_in(sender, request, user, **kwargs)
        origin = Origin(user, request.axes_ip_address, browser_of(request))
        record(Kind.LOGIN, user=user, origin=origin, login=user.username)

    def user_logged_out(self, sender: Any, request: Any, user: User | None, **kwargs: Any) -> None:
        super().user_logged_out(sender, request, user, **kwargs)
        if user is not None:
            origin = Origin(user, request.axes_ip_address, browser_of(request))
            record(Kind.LOGOUT, user=user, origin=origin)

    def _close_address(self, request: Any, origin: Origin) -> None:
        if _has_tried_many(origin.address) and not _is_closed(origin.address):
            record(Kind.ADDRESS_CLOSED, user=None, origin=origin)
            request.axes_locked_out = request.address_is_closed = True


def is_own_password(request: HttpRequest, password: str) -> bool:
    """Whether this is the password of whoever is signed in. A wrong one counts like a login's.

    After too many the limiter answers the request in place of the view.
    """
    user = authenticate(request, username=request.user.get_username(), password=password)
    if user is None or user != request.user:
        return False
    LoginLimits().reset_user_attempts(request, {"username": user.get_username()})
    return True


def wait_of(request: HttpRequest) -> timedelta:
    """How long a refused person has to wait at most."""
    if getattr(request, "address_is_closed", False):
        return ADDRESS_CLOSED_FOR
    return get_cool_off(request) or timedelta()


def may_ask_for_reset(origin: Origin) -> bool:
    """Whether an address may have letters for a new password sent, to whomever."""
    return _may_ask(origin, Kind.RESET_ASKED, RESETS_AN_HOUR)


def may_ask_to_sign_up(origin: Origin) -> bool:
    """The same of letters to sign up."""
    return _may_ask(origin, Kind.SIGN_UP_ASKED, SIGN_UPS_AN_HOUR)


def _may_ask(origin: Origin, kind: Kind, most: int) -> bool:
    asked = _of_address(origin.address, timezone.now() - timedelta(hours=1))
    return len(asked.filter(kind=kind)[:most]) < most


def _is_own_account(request: Any, credentials: dict[str, Any] | None) -> bool:
    person = getattr(request, "user", None)
    if person is None or not person.is_authenticated:
        return False
    return bool(attempted_login(request, credentials) == person.get_username())


def _is_besieged(request: Any, credentials: dict[str, Any] | None, allowed: int) -> bool:
    """Whether a stranger has to wait, since others have tried more passwords than allowed.

    The tries end with the pause of the limiter. Whoever has been in from this address before, or
    has set the password by a letter, is let in meanwhile.
    """
    if _is_own_account(request, credentials):
        return False
    login = attempted_login(request, credentials)
    request.is_besieged = _tries_of(login, request) > allowed and not _is_familiar(login, request)
    return bool(request.is_besieged)


def _tries_of(login: str, request: Any) -> int:
    tries = AccessAttempt.objects.filter(
        username=login, attempt_time__gt=get_cool_off_threshold(request)
    )
    return tries.aggregate(all=Sum("failures_since_start"))["all"] or 0


def _take_back(request: Any, credentials: dict[str, Any] | None) -> None:
    counted = AccessAttempt.objects.filter(
        username=attempted_login(request, credentials),
        ip_address=request.axes_ip_address,
        user_agent=request.axes_user_agent,
    )
    counted.update(failures_since_start=F("failures_since_start") - 1)


def _is_familiar(login: str, request: Any) -> bool:
    been = SecurityEvent.objects.filter(user__username=login, kind__in=FAMILIAR)
    return been.filter(address=request.axes_ip_address).exclude(address=None).exists()


def _note_siege(user: User, origin: Origin) -> None:
    hour = timezone.now() - timedelta(hours=1)
    noted = SecurityEvent.objects.filter(user=user, kind=Kind.BESIEGED, created_at__gt=hour)
    if not noted.exists():
        record(Kind.BESIEGED, user=user, origin=origin)


def _is_closed(address: str | None) -> bool:
    closed = _of_address(address, timezone.now() - ADDRESS_CLOSED_FOR)
    return closed.filter(kind=Kind.ADDRESS_CLOSED).exists()


def _has_tried_many(address: str | None) -> bool:
    """Whether too many accounts were tried; those somebody got into from there do not count."""
    hour = _of_address(address, timezone.now() - timedelta(hours=1))
    tried = hour.filter(kind__in=[Kind.LOGIN, Kind.LOGIN_FAILED])
    logins = set(tried.values_list("kind", "login_digest").distinct())
    failed = {login for kind, login in logins if kind == Kind.LOGIN_FAILED}
    opened = {login for kind, login in logins if kind == Kind.LOGIN}
    return len(failed - opened) >= ACCOUNTS_AN_HOUR


def _of_address(address: str | None, since: datetime) -> QuerySet[SecurityEvent]:
    """Events of an address since then; where no address is known, none."""
    lately = Q(created_at__gt=since, created_at__lte=timezone.now() + CLOCK_SKEW)
    return SecurityEvent.objects.filter(lately, address=address).exclude(address=None)
