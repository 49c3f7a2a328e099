"""The security log: what was done to an account, by whom and from where."""

import logging
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from accounts.client_ip import client_ip
from accounts.models import SecurityEvent, User

logger = logging.getLogger(__name__)
Kind = SecurityEvent.Kind
ALARMING = {Kind.LOCKED, Kind.ADDRESS_CLOSED, Kind.BESIEGED}


@dataclass(frozen=True)
class Origin:
    """Who does something, from where, and the session that may go on after it."""

    actor: User | None = None
    address: str | None = None
    browser: str = ""
    session_key: str | None = None


UNKNOWN = Origin()  # a task, or a face that knows no more


def origin_of(request: HttpRequest) -> Origin:
    return Origin(
        actor=request.user if request.user.is_authenticated else None,
        address=client_ip(request),
        browser=browser_of(request),
        session_key=request.session.session_key,
    )


def browser_of(request: HttpRequest) -> str:
    return request.META.get("HTTP_USER_AGENT", "")[:300].replace("\0", "")


def record(
    kind: SecurityEvent.Kind,
    *,
    user: User | None,
    origin: Origin = UNKNOWN,
    login: str = "",
    details: str = "",
) -> None:
    """Write an event, in the caller's transaction, and a line without personal data for the log.

    `login` is what was typed as one; only its keyed digest is kept, since it may be a password.
    """
    SecurityEvent.objects.create(
        user=user,
        actor=origin.actor,
        kind=kind,
        login_digest=digest_of(login) if login else "",
        address=origin.address,
        browser=origin.browser,
        details=details[:300],
    )
    level = logging.WARNING if kind in ALARMING else logging.INFO
    whose, by = user and user.pk, origin.actor and origin.actor.pk
    logger.log(level, "%s: user %s, by %s, from %s", kind.value, whose, by, origin.address)


def digest_of(login: str) -> str:
    return salted_hmac("accounts.SecurityEvent", login).hexdigest()[:32]
