"""The clock goes back: no wait is longer than its own length, no expiry further ahead."""

from datetime import timedelta

import pytest
from django.core import mail

from accounts import services
from accounts.letters import claim_reset_letter
from accounts.linking import link_state
from accounts.models import LinkPin
from tests.accounts.steps import CHANNEL, confirm, mailed_pin, other_than, request_pin
from tests.queue import queued

pytestmark = pytest.mark.django_db

BACK = [timedelta(minutes=20), timedelta(hours=1), timedelta(days=2)]


@pytest.fixture(params=BACK, ids=str)
def go_back(request, clock):
    return lambda: clock.advance(seconds=-request.param.total_seconds())


def test_new_pin_is_waited_for_by_its_own_minute(registration, clock, go_back):
    request_pin(registration)
    go_back()
    with pytest.raises(services.PinTooSoon) as refusal:
        request_pin(registration)
    assert timedelta(seconds=40) < refusal.value.wait <= timedelta(seconds=60)
    clock.advance(seconds=60)
    request_pin(registration)


def test_hourly_limit_is_waited_for_by_its_own_hour(registration, clock, go_back):
    for _ in range(services.PINS_AN_HOUR):
        request_pin(registration)
        clock.advance(minutes=2)
    go_back()
    for _ in range(2):
        with pytest.raises(services.PinLimitReached) as refusal:
            request_pin(registration)
        assert refusal.value.wait <= timedelta(hours=1)
        clock.advance(minutes=2)
    clock.advance(minutes=57)
    request_pin(registration)


def test_lock_is_waited_for_by_its_own_quarter_of_an_hour(registration, clock, go_back):
    code = mailed_pin(registration)
    for _ in range(services.PIN_TRIES - 1):
        with pytest.raises(services.PinWrong):
            confirm(other_than(code))
    with pytest.raises(services.PinLocked):
        confirm(other_than(code))
    go_back()
    for ask in (lambda: confirm(code), lambda: request_pin(registration)):
        with pytest.raises(services.PinLocked) as refusal:
            ask()
        assert timedelta(minutes=14) < refusal.value.wait <= timedelta(minutes=15)
    clock.advance(minutes=15)
    request_pin(registration)


def test_pin_that_would_be_valid_for_too_long_has_expired(registration, anna, go_back):
    code = mailed_pin(registration)
    assert link_state(anna, CHANNEL).name == "pin_sent"
    go_back()
    assert link_state(anna, CHANNEL).name == "pin_expired"
    with pytest.raises(services.PinExpired):
        confirm(code)


def test_clocks_of_two_hosts_may_differ_a_little(registration, clock):
    code = mailed_pin(registration)
    clock.advance(seconds=-3)
    assert confirm(code)


def test_pin_mail_is_tried_again_after_its_own_wait(registration, go_back):
    pin = request_pin(registration)
    services.new_pin_code(pin, 0)
    services.record_pin_mail_failure(pin)
    go_back()
    services.queue_due_pin_mails()
    assert queued()[-1].args == (pin.pk, 1)
    assert mail.outbox == []


def test_reset_letter_may_be_asked_for(anna, go_back):
    assert claim_reset_letter(anna)
    go_back()
    assert claim_reset_letter(anna)
    assert not claim_reset_letter(anna)


def test_waits_of_others_are_left_alone(registration, anna, boris, clock, go_back):
    request_pin(registration)
    created = LinkPin.objects.get().created_at
    go_back()
    services._begin_waits_anew(LinkPin.objects.filter(registration__user=boris))
    assert LinkPin.objects.get().created_at == created
