"""The clock goes back: what waits to leave waits no longer than it was to."""

from datetime import timedelta

import pytest
from django_q.models import Schedule

from config.queue import enqueue, has_waiting_tasks, wake_schedules
from tests.queue import queued
from tests.tickets.pigeons import DRAIN, add, drain
from tickets import delivery
from tickets.channels import RetryLater
from tickets.leases import take_lease
from tickets.models import Delivery

pytestmark = pytest.mark.django_db

OTHER_HOST, THIRD_HOST = "elsewhere.example:12", "third.example:7"


@pytest.mark.parametrize("wait", [timedelta(seconds=10), timedelta(minutes=5)])
def test_row_that_waits_is_due(pigeon, clock, wait):
    add("a1", due_at=clock.now() + wait)
    drain()
    assert (pigeon.sent, queued()) == ([], [])
    clock.advance(hours=-1)
    delivery.drain_all()
    assert queued() == [DRAIN]
    drain()
    assert pigeon.sent == ["a1"]


def test_row_that_was_queued_before_leaves_now(pigeon, clock):
    add("a1")
    clock.advance(hours=-1)
    drain()
    assert pigeon.sent == ["a1"]


@pytest.mark.parametrize("minutes", [1, 14])
def test_wait_within_the_longest_is_waited_for(pigeon, clock, minutes):
    add("a1", due_at=clock.now() + timedelta(minutes=minutes))
    drain()
    assert pigeon.sent == []


def test_other_side_may_ask_for_the_longest_wait_at_most(pigeon, clock):
    """A longer one would look like a clock that went back, and be tried at once."""
    pigeon.plans["loft"] = [RetryLater(timedelta(hours=5))]
    row = add("a1")
    drain()
    row.refresh_from_db()
    assert row.due_at <= clock.now() + pigeon.longest_pause
    drain()
    assert pigeon.sent == []
    clock.advance(minutes=15)
    drain()
    assert pigeon.sent == ["a1"]


def test_line_that_stands_is_seen_although_something_was_sent_in_the_future(pigeon, clock):
    add("sent", state=Delivery.State.SENT, sent_at=clock.now())
    clock.advance(hours=-1)
    add("late", due_at=clock.now() - timedelta(minutes=2))
    assert pigeon.problems() == ["pigeon deliveries overdue"]


@pytest.mark.parametrize("seconds", [15, 60])
def test_lease_of_another_host_lapses(clock, seconds):
    length = timedelta(seconds=seconds)
    take_lease("mail", OTHER_HOST, length)
    clock.advance(hours=-1)
    assert take_lease("mail", THIRD_HOST, length)
    assert not take_lease("mail", OTHER_HOST, length)


def test_lease_of_a_host_whose_clock_is_a_little_ahead_is_kept(clock):
    take_lease("mail", OTHER_HOST)
    clock.advance(seconds=-3)
    assert not take_lease("mail", THIRD_HOST)


def test_queued_task_is_taken(clock):
    enqueue("some.task")
    clock.advance(hours=-1)
    assert has_waiting_tasks()


def test_safety_net_of_a_minute_goes_on(clock):
    net = Schedule.objects.get(func="operations.tasks.every_minute")
    Schedule.objects.filter(pk=net.pk).update(next_run=clock.now() + timedelta(minutes=1))
    wake_schedules()
    clock.advance(hours=-1)
    before = Schedule.objects.get(pk=net.pk).next_run
    wake_schedules()
    after = Schedule.objects.get(pk=net.pk).next_run
    assert before - after >= timedelta(hours=1)
    assert after <= clock.now()
