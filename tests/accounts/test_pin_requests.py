"""Asking for a PIN: who may, how often, and which one is in force."""

from datetime import timedelta

import pytest
from django.db import transaction

from accounts import services
from accounts.models import LinkPin
from tests.accounts.steps import ADDRESS, CHANNEL, confirm, mailed_pin, register, request_pin
from tests.factories import BotRegistrationFactory
from tests.queue import Task, queued
from tests.threads import in_parallel

pytestmark = pytest.mark.django_db


def test_request_queues_one_mail_and_keeps_no_code(registration):
    pin = request_pin(registration)
    assert queued() == [Task("accounts.tasks.mail_link_pin", (pin.pk, 0))]
    assert pin.digest == ""
    assert pin.expires_at is None


def test_request_is_undone_with_its_task_when_the_caller_rolls_back(registration):
    with transaction.atomic():
        request_pin(registration)
        assert len(queued()) == 1
        transaction.set_rollback(True)
    assert LinkPin.objects.count() == 0
    assert queued() == []


def test_request_for_a_withdrawn_registration_is_refused(registration, anna):
    services.withdraw_registration(user=anna, channel=CHANNEL)
    with pytest.raises(services.RegistrationWithdrawn):
        request_pin(registration)
    assert not LinkPin.objects.exists()


def test_request_for_a_deactivated_account_is_refused(registration, anna):
    anna.is_active = False
    anna.save()
    with pytest.raises(services.RegistrationWithdrawn):
        request_pin(registration)


def test_request_for_a_linked_account_is_refused(linked, registration):
    with pytest.raises(services.AlreadyLinked):
        request_pin(registration, address="510000009")


def test_request_by_a_linked_telegram_user_is_refused(linked, boris):
    with pytest.raises(services.AlreadyLinked):
        request_pin(BotRegistrationFactory(user=boris), address=ADDRESS)


def test_request_within_60_seconds_names_the_wait(registration, clock):
    request_pin(registration)
    clock.advance(seconds=45)
    with pytest.raises(services.PinTooSoon) as refusal:
        request_pin(registration)
    assert timedelta(seconds=1) < refusal.value.wait <= timedelta(seconds=15)
    clock.advance(seconds=15)
    request_pin(registration)


def test_fourth_request_within_an_hour_is_refused(registration, clock):
    for _ in range(3):
        request_pin(registration)
        clock.advance(minutes=2)
    with pytest.raises(services.PinLimitReached) as refusal:
        request_pin(registration)
    assert timedelta(minutes=53) < refusal.value.wait <= timedelta(minutes=54)
    clock.advance(minutes=54)
    request_pin(registration)


def test_seventh_request_within_a_day_is_refused(registration, clock):
    for _ in range(6):
        request_pin(registration)
        clock.advance(minutes=30)
    with pytest.raises(services.PinLimitReached) as refusal:
        request_pin(registration)
    assert timedelta(hours=20, minutes=59) < refusal.value.wait <= timedelta(hours=21)
    clock.advance(hours=21)
    request_pin(registration)


def test_limits_count_per_account_not_per_registration_or_telegram_user(anna, clock):
    for number in range(3):
        request_pin(register(anna, phone=f"+7916000000{number}"), address=str(number + 1))
        clock.advance(minutes=2)
    with pytest.raises(services.PinLimitReached):
        request_pin(register(anna), address="9")


def test_limits_of_one_account_leave_others_alone(registration, boris):
    request_pin(registration)
    request_pin(BotRegistrationFactory(user=boris), address="510000002")


def test_new_pin_kills_the_old(registration, clock):
    old = mailed_pin(registration)
    clock.advance(seconds=61)
    new = mailed_pin(registration)
    if old != new:
        with pytest.raises(services.PinWrong):
            confirm(old)
    assert confirm(new).user == registration.user


def test_new_pin_of_another_account_kills_the_old_of_this_telegram_user(registration, boris):
    mine = mailed_pin(registration)
    mailed_pin(BotRegistrationFactory(user=boris, phone=registration.phone))
    with pytest.raises(services.PinWrong):
        confirm(mine)
    assert LinkPin.objects.filter(closed_at=None).count() == 1


def test_new_pin_from_another_telegram_user_kills_the_old(registration, clock):
    old = mailed_pin(registration)
    clock.advance(seconds=61)
    mailed_pin(registration, address="510000009")
    with pytest.raises(services.PinExpired):
        confirm(old)


def test_stale_mail_task_gets_no_code_and_changes_nothing(registration):
    pin = request_pin(registration)
    code = services.new_pin_code(pin, 0)
    assert services.new_pin_code(pin, 0) is None
    services.record_pin_sent(pin)
    assert services.new_pin_code(pin, 1) is None
    assert confirm(code)


@pytest.mark.django_db(transaction=True)
def test_parallel_requests_make_one_pin(registration):
    results = in_parallel(*[lambda: request_pin(registration)] * 4)
    assert sum(isinstance(result, LinkPin) for result in results) == 1
    assert sum(isinstance(result, services.PinTooSoon) for result in results) == 3
    assert len(queued()) == 1


@pytest.mark.django_db(transaction=True)
def test_parallel_requests_of_two_accounts_for_one_telegram_user_leave_one_pin(anna, boris):
    registrations = [BotRegistrationFactory(user=user) for user in (anna, boris)] * 3
    results = in_parallel(*[lambda given=given: request_pin(given) for given in registrations])
    assert all(isinstance(result, LinkPin | services.PinTooSoon) for result in results), results
    assert LinkPin.objects.filter(closed_at=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_parallel_mail_tasks_of_one_attempt_get_one_code(registration):
    pin = request_pin(registration)
    codes = in_parallel(*[lambda: services.new_pin_code(pin, 0)] * 6)
    assert sum(code is not None for code in codes) == 1
    pin.refresh_from_db()
    assert pin.mail_attempts == 1
    [code] = filter(None, codes)
    assert pin.digest == services.pin_digest(pin, code)
