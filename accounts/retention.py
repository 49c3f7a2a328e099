"""Deletes what Django and the login limiter keep of people, once it has no use."""

from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone

ROWS_A_CALL = 1000  # more than come in a minute, few enough to delay nobody


def delete_expired_logins() -> None:
    """Delete sessions that have ended and failed logins that the limiter no longer counts."""
    now = timezone.now()
    cool_off = timedelta(hours=settings.AXES_COOLOFF_TIME)
    _delete_some(Session.objects.filter(expire_date__lt=now))
    _delete_some(AccessAttempt.objects.filter(attempt_time__lt=now - cool_off))


def _delete_some(rows: QuerySet[Any]) -> None:
    keys = list(rows.values_list("pk", flat=True)[:ROWS_A_CALL])
    rows.model._default_manager.filter(pk__in=keys).delete()
