"""Deletes what is kept of people's logins and changes, once it has no use."""

from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import (
    EMAIL_CHANGE_LIFETIME,
    SIGN_UP_LIFETIME,
    EmailChange,
    JoinRequest,
    LinkPin,
    SecurityEvent,
    Session,
    SignUp,
)

JOIN_REQUESTS_KEPT = timedelta(days=30)
SECURITY_EVENTS_KEPT = timedelta(days=90)
ROWS_A_CALL = 1000  # more than come in a minute, few enough to delay nobody


def delete_expired_logins() -> None:
    """Delete ended sessions, failed logins that no longer count, and what waited too long."""
    now = timezone.now()
    cool_off = timedelta(hours=settings.AXES_COOLOFF_TIME)
    _delete_some(Session.objects.filter(expire_date__lt=now))
    _delete_some(AccessAttempt.objects.filter(attempt_time__lt=now - cool_off))
    _delete_some(EmailChange.objects.filter(asked_at__lt=now - EMAIL_CHANGE_LIFETIME))
    _delete_some(SignUp.objects.filter(asked_at__lt=now - SIGN_UP_LIFETIME))
    _delete_some(JoinRequest.objects.filter(asked_at__lt=now - JOIN_REQUESTS_KEPT))


def delete_old_pins() -> None:
    """Delete some of the PINs that are too old to count for any limit."""
    _delete_some(LinkPin.objects.filter(created_at__lt=timezone.now() - timedelta(days=1)))


def delete_old_security_events() -> None:
    since = timezone.now() - SECURITY_EVENTS_KEPT
    _delete_some(SecurityEvent.objects.filter(created_at__lt=since))


def _delete_some(rows: QuerySet[Any]) -> None:
    keys = list(rows.values_list("pk", flat=True)[:ROWS_A_CALL])
    rows.filter(pk__in=keys).delete()  # asked again: a row may have become new meanwhile
