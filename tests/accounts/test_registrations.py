"""Registering for the bot, withdrawing, unlinking, being reached."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import services
from accounts.links import linked_account
from accounts.models import BotRegistration
from tests.accounts.steps import (
    ADDRESS,
    CHANNEL,
    confirm,
    linked_user,
    mailed_pin,
    other_than,
    register,
    request_pin,
)
from tests.factories import BotRegistrationFactory, MessengerAccountFactory, UserFactory
from tests.threads import in_parallel

pytestmark = pytest.mark.django_db


def test_register_records_the_consent(anna):
    registration = register(anna)
    registration.refresh_from_db()
    assert registration.user == anna
    assert registration.phone == "+79161234567"
    assert registration.consent_version == services.CONSENT_VERSION
    assert abs(timezone.now() - registration.consented_at) < timedelta(seconds=10)
    assert registration.ip == "203.0.113.5"
    assert registration.user_agent == "Mozilla/5.0"
    assert registration.withdrawn_at is None


def test_register_again_with_the_same_phone_keeps_registration_and_link(linked, registration):
    assert register(linked) == registration
    assert BotRegistration.objects.count() == 1
    assert linked_user(ADDRESS) == linked


def test_register_with_another_phone_withdraws_the_old_and_unlinks(linked, registration):
    new = register(linked, phone="+79160000000")
    registration.refresh_from_db()
    assert registration.withdrawn_at is not None
    assert list(linked.registrations.filter(withdrawn_at=None)) == [new]
    assert linked_user(ADDRESS) is None


def test_register_keeps_an_odd_user_agent_harmless(anna):
    registration = register(anna, user_agent="a\0b" + "c" * 400)
    registration.refresh_from_db()
    assert "\0" not in registration.user_agent
    assert len(registration.user_agent) < 300


def test_withdraw_ends_link_and_pins_and_keeps_the_record(linked, registration, boris):
    other = BotRegistrationFactory(user=boris)
    services.withdraw_registration(user=linked, channel=CHANNEL)
    registration.refresh_from_db()
    other.refresh_from_db()
    assert registration.withdrawn_at is not None
    assert other.withdrawn_at is None
    assert linked_user(ADDRESS) is None


def test_unlink_keeps_the_registration_and_closes_pins(registration, anna):
    code = mailed_pin(registration)
    services.unlink_messenger(user=anna, channel=CHANNEL)
    with pytest.raises(services.PinExpired):
        confirm(code)
    registration.refresh_from_db()
    assert registration.withdrawn_at is None


def test_unlink_touches_only_that_person(linked, boris):
    MessengerAccountFactory(user=boris, address=str(510_000_002))
    services.unlink_messenger(user=linked, channel=CHANNEL)
    assert linked_user("510000002") == boris


def test_registrations_of_phone_are_those_in_force(registration, boris):
    phone = registration.phone
    second = BotRegistrationFactory(user=boris, phone=phone)
    BotRegistrationFactory(phone=phone, withdrawn_at=timezone.now())
    BotRegistrationFactory(phone=phone, user__is_active=False)
    BotRegistrationFactory(phone="+79161234568")
    assert list(services.registrations_of_phone(channel=CHANNEL, phone=phone)) == [
        registration,
        second,
    ]


def test_linked_user_is_nobody_for_a_stranger_or_a_deactivated_account(linked):
    assert linked_user("1") is None
    linked.is_active = False
    linked.save()
    assert linked_user(ADDRESS) is None


def test_person_is_unreachable_until_they_write_again(linked, boris):
    other = MessengerAccountFactory(user=boris, address=str(510_000_002))
    services.note_unreachable(channel=CHANNEL, address=ADDRESS)
    account = linked_account(channel=CHANNEL, address=ADDRESS)
    assert account.unreachable_at is not None
    other.refresh_from_db()
    assert other.unreachable_at is None
    services.note_seen(account, username=account.username)
    again = linked_account(channel=CHANNEL, address=ADDRESS)
    assert again.unreachable_at is None


def test_reachable_person_costs_no_write(linked, django_assert_num_queries):
    account = linked_account(channel=CHANNEL, address=ADDRESS)
    with django_assert_num_queries(0):
        services.note_seen(account, username=account.username)


@pytest.mark.parametrize("what", ["register", "withdraw", "unlink", "request", "wrong", "right"])
def test_account_is_locked_before_anything_that_hangs_on_it(registration, anna, what):
    """One order of locks for all: two that cross would wait for each other for ever."""
    code = mailed_pin(registration) if what in ("wrong", "right") else ""
    steps = {
        "register": lambda: register(anna, phone="+79160000000"),
        "withdraw": lambda: services.withdraw_registration(user=anna, channel=CHANNEL),
        "unlink": lambda: services.unlink_messenger(user=anna, channel=CHANNEL),
        "request": lambda: request_pin(registration),
        "wrong": lambda: pytest.raises(services.PinWrong, confirm, other_than(code)),
        "right": lambda: confirm(code),
    }
    with CaptureQueriesContext(connection) as queries:
        steps[what]()
    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert statements[0].startswith('SELECT "accounts_user"')
    assert ("FOR NO KEY UPDATE" in statements[0]) == (connection.vendor == "postgresql")
    assert [sql for sql in statements if sql.startswith(("INSERT", "UPDATE", "DELETE"))]


@pytest.mark.django_db(transaction=True)
def test_parallel_registrations_leave_one_in_force():
    user = UserFactory()
    phones = [f"+7916000000{number}" for number in range(4)]
    results = in_parallel(*[lambda phone=phone: register(user, phone) for phone in phones])
    assert all(isinstance(result, BotRegistration) for result in results)
    assert user.registrations.filter(withdrawn_at=None).count() == 1
