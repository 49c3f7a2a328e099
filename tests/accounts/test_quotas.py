"""How much a person may do in a while."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts import services
from accounts.models import BotRegistration, Usage
from accounts.quotas import AGENT_CHANGES, CHANGES, TooManyChanges, delete_old_usage, use
from accounts.security import Origin
from operations.tasks import every_minute
from tests.accounts.steps import CHANNEL, register
from tests.factories import AgentFactory
from tests.threads import in_parallel

pytestmark = pytest.mark.django_db


def use_up(user, quota=CHANGES):
    begun = {"since": timezone.now(), "used": quota.limit}
    Usage.objects.update_or_create(user=user, kind=quota.kind, defaults=begun)


def wait_of(user, quota=CHANGES):
    """What is left to wait; nothing when there is room for one more."""
    try:
        with transaction.atomic():
            use(user, quota)
    except TooManyChanges as refusal:
        return refusal.wait
    return None


def test_the_numbers():
    assert (CHANGES.limit, CHANGES.span) == (30, timedelta(minutes=1))
    assert (AGENT_CHANGES.limit, AGENT_CHANGES.span) == (300, timedelta(minutes=1))


def test_minute_begins_with_the_first_change_and_ends_by_itself(anna, clock):
    assert [wait_of(anna) for _ in range(30)] == [None] * 30
    clock.advance(seconds=20)
    assert timedelta(seconds=20) < wait_of(anna) <= timedelta(seconds=40)
    clock.advance(seconds=40)
    assert wait_of(anna) is None


def test_one_person_uses_up_nobody_elses(anna, boris):
    use_up(anna)
    assert wait_of(anna)
    assert wait_of(boris) is None


def test_kinds_are_counted_apart(anna):
    use_up(anna)
    assert wait_of(anna, replace(CHANGES, kind="other")) is None


def test_who_serves_others_may_do_more(agent):
    use_up(agent)
    assert wait_of(agent, AGENT_CHANGES) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "через 1 секунду"), (22, "через 22 секунды"), (0.2, "через 1 секунду"), (45, "45 секунд")],
)
def test_words_tell_when(seconds, words):
    refusal = TooManyChanges(timedelta(seconds=seconds))
    assert str(refusal).startswith("Слишком много изменений подряд.")
    assert words in str(refusal)
    assert refusal.code == "too_many_changes"


@pytest.mark.parametrize("hours", [1, 48])
def test_clock_that_goes_back_keeps_nobody_longer_than_the_minute(anna, clock, hours):
    use_up(anna)
    clock.advance(hours=-hours)
    assert wait_of(anna) is None


def test_clocks_of_two_hosts_may_differ_a_little(anna, clock):
    use_up(anna)
    clock.advance(seconds=-3)
    assert wait_of(anna) == CHANGES.span


def test_what_is_undone_does_not_count(anna):
    with transaction.atomic():
        use(anna, CHANGES, CHANGES.limit)
        transaction.set_rollback(True)
    assert wait_of(anna) is None


def test_refusal_writes_nothing(anna):
    use_up(anna)
    before = list(Usage.objects.values())
    assert wait_of(anna)
    assert list(Usage.objects.values()) == before


def test_counting_takes_two_queries(anna, django_assert_num_queries):
    wait_of(anna)
    with transaction.atomic(), django_assert_num_queries(2):
        use(anna, CHANGES)


@pytest.mark.django_db(transaction=True)
def test_at_the_same_moment_not_one_more_is_taken(anna):
    results = in_parallel(*[lambda: wait_of(anna, replace(CHANGES, limit=5))] * 12)
    assert results.count(None) == 5
    assert all(wait is None or wait <= CHANGES.span for wait in results)


# What counts


def test_a_hundred_phones_make_thirty_consents(anna):
    refused = 0
    for number in range(100):
        try:
            register(anna, phone=f"+7916123{number:04}")
        except TooManyChanges:
            refused += 1
    assert (BotRegistration.objects.count(), refused) == (30, 70)


def test_same_phone_again_is_no_change(anna):
    for _ in range(40):
        register(anna)
    assert Usage.objects.get().used == 1


@pytest.mark.parametrize("end", [services.unlink_messenger, services.withdraw_registration])
def test_ending_counts_once(anna, end):
    end(user=anna, channel=CHANNEL)
    assert Usage.objects.get().used == 1


def test_agent_who_ends_it_for_somebody_is_not_stopped_by_their_count(anna):
    agent = AgentFactory(is_superuser=True)
    register(anna)
    use_up(anna)
    services.withdraw_registration(user=anna, channel=CHANNEL, origin=Origin(agent))
    assert not anna.registrations.filter(withdrawn_at=None).exists()
    assert Usage.objects.get(user=agent).used == 1


# Retention


def test_counts_of_yesterday_are_deleted_every_minute(anna, boris, agent, clock):
    use_up(anna)
    clock.advance(hours=25)
    use_up(boris)
    clock.advance(hours=26)
    use_up(agent)
    clock.advance(hours=-26)
    every_minute()
    assert [row.user for row in Usage.objects.all()] == [boris]


def test_nothing_to_delete_costs_one_query(anna, django_assert_num_queries):
    use_up(anna)
    with django_assert_num_queries(1):
        delete_old_usage()
