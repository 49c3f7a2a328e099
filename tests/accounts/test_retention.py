from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.utils import timezone

from accounts import retention
from accounts.models import EmailChange, SecurityEvent, Session
from accounts.retention import delete_expired_logins
from accounts.security import record
from operations.tasks import every_minute

pytestmark = pytest.mark.django_db


def keep_session(key: str, expires: timedelta) -> None:
    Session.objects.create(session_key=key, expire_date=timezone.now() + expires)


def fail_login(username: str, ago: timedelta) -> None:
    attempt = AccessAttempt.objects.create(username=username, failures_since_start=1)
    AccessAttempt.objects.filter(pk=attempt.pk).update(attempt_time=timezone.now() - ago)


def test_ended_sessions_and_forgiven_failures_are_deleted_every_minute():
    keep_session("ended", timedelta(minutes=-1))
    keep_session("goes on", timedelta(minutes=1))
    fail_login("forgiven", timedelta(minutes=16))
    fail_login("counts", timedelta(minutes=14))
    every_minute()
    assert [row.session_key for row in Session.objects.all()] == ["goes on"]
    assert [row.username for row in AccessAttempt.objects.all()] == ["counts"]


def test_a_call_deletes_some_rows_only(monkeypatch):
    monkeypatch.setattr(retention, "ROWS_A_CALL", 2)
    for number in range(3):
        keep_session(f"ended {number}", timedelta(minutes=-1))
    delete_expired_logins()
    assert Session.objects.count() == 1
    delete_expired_logins()
    assert Session.objects.count() == 0


def test_nothing_to_delete_costs_one_query_a_table(django_assert_num_queries):
    keep_session("goes on", timedelta(minutes=1))
    with django_assert_num_queries(5):
        delete_expired_logins()


def test_security_log_is_kept_for_ninety_days(clock):
    record(SecurityEvent.Kind.LOGOUT, user=None, details="old")
    clock.advance(days=1)
    record(SecurityEvent.Kind.LOGOUT, user=None, details="new")
    clock.advance(days=89, minutes=1)
    every_minute()
    assert [row.details for row in SecurityEvent.objects.all()] == ["new"]


def test_links_to_a_new_email_are_deleted_after_a_day(anna, boris, clock):
    EmailChange.objects.create(user=anna, email="a@new.example")
    clock.advance(hours=23)
    EmailChange.objects.create(user=boris, email="b@new.example")
    clock.advance(hours=2)
    every_minute()
    assert [row.user for row in EmailChange.objects.all()] == [boris]
