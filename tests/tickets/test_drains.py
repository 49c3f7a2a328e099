"""Drains: one at a time for a channel, slow ones each in a lane."""

from datetime import timedelta
from threading import get_ident

import pytest

from config.queue import enqueue
from mail.channel import EmailChannel
from tests.factories import TicketFactory
from tests.queue import queued
from tests.threads import in_parallel
from tests.tickets.pigeons import DRAIN, add, drain
from tickets import delivery, leases, recording
from tickets.channels import RetryLater
from tickets.comments import add_comment
from tickets.leases import DOWNLOADS, LETTERS, held_lease, process_name, take_lease
from tickets.models import Delivery, Lease

pytestmark = pytest.mark.django_db

State = Delivery.State


# One drain at a time


def test_second_drain_returns_at_once(pigeon):
    add("a1")
    assert take_lease("pigeons", "elsewhere.example:1")
    drain()
    assert pigeon.sent == []
    assert queued() == []


def test_drain_gives_the_lease_back_also_after_an_error(pigeon):
    add("a1")

    def fall(_row):
        raise RuntimeError("hawk")

    pigeon.on_send = fall
    drain()
    assert Delivery.objects.get().error == "RuntimeError: hawk"
    assert take_lease("pigeons", "elsewhere.example:1")


def test_rows_are_claimed_before_they_are_sent(pigeon, clock):
    claims = []

    def look(row):
        stored = Delivery.objects.get(pk=row.pk)
        claims.append((round((stored.due_at - clock.now()).total_seconds()), stored.attempts))

    pigeon.on_send = look
    add("a1")
    add("b1", "barn")
    drain()
    assert claims == [(15, 1)] * 2


def test_rows_of_a_killed_drain_are_due_again_soon(pigeon, clock):
    """At most one more time: what was sent before the kill is sent twice, nothing is lost."""

    def kill(row):
        if row.key == "b1":
            raise KeyboardInterrupt

    add("a1")
    add("b1", "barn")
    pigeon.on_send = kill
    with pytest.raises(KeyboardInterrupt):
        drain()
    assert pigeon.sent == ["a1"]
    pigeon.on_send = lambda _row: None
    clock.advance(seconds=14)
    assert not pigeon.next_rows().filter(due_at__lte=clock.now()).exists()
    clock.advance(seconds=1)
    drain()
    assert pigeon.sent == ["a1", "b1"]
    assert set(Delivery.objects.values_list("key", "attempts")) == {("a1", 1), ("b1", 2)}


def test_row_that_comes_while_the_lease_is_held_is_not_forgotten(pigeon, monkeypatch):
    """Its own drain found the lease taken; the holder looks again after giving it up."""
    finish = delivery._work_for_a_slice

    def work_and_miss_a_row(channel, end):
        finish(channel, end)
        add("late")
        Lease.objects.update(owner="elsewhere.example:1")
        drain()  # the late row's own wake-up: returns at once
        Lease.objects.update(owner=process_name())

    monkeypatch.setattr(delivery, "_work_for_a_slice", work_and_miss_a_row)
    drain()
    assert pigeon.sent == []
    assert queued() == [DRAIN]


def test_lease_of_a_killed_drain_lapses(pigeon, clock):
    add("a1")
    take_lease("pigeons", "elsewhere.example:1")
    clock.advance(seconds=59)
    drain()
    assert pigeon.sent == []
    clock.advance(seconds=1)
    drain()
    assert pigeon.sent == ["a1"]


def test_long_drain_keeps_its_lease(pigeon, clock, monkeypatch):
    monkeypatch.setattr(delivery, "SLICE", 100)
    taken = []

    def fly_for_20_seconds(_row):
        clock.advance(seconds=20)
        taken.append(take_lease("pigeons", "elsewhere.example:1"))

    pigeon.on_send = fly_for_20_seconds
    for key in "abc":
        add(key)
    drain()
    assert pigeon.sent == ["a", "b", "c"]
    assert taken == [False] * 3


@pytest.fixture
def busy(monkeypatch):
    """More tasks than workers, whatever the queue of a test holds."""
    monkeypatch.setattr(delivery, "are_all_workers_wanted", lambda: True)


@pytest.mark.usefixtures("busy")
def test_slice_ends_and_the_next_is_queued(pigeon, clock):
    pigeon.batch = 1
    pigeon.on_send = lambda _row: clock.advance(seconds=2)
    for key in "abcdef":
        add(key, address=key)
    drain()
    assert pigeon.sent == ["a", "b", "c"]
    assert Delivery.objects.filter(state=State.QUEUED).count() == 3
    assert queued() == [DRAIN]


@pytest.mark.parametrize(("waiting", "sent"), [(3, "abcdefgh"), (4, "abc")])
def test_drain_keeps_a_worker_that_nobody_waits_for(pigeon, clock, waiting, sent):
    pigeon.batch = 1
    pigeon.on_send = lambda _row: clock.advance(seconds=2)
    for key in "abcdefghi":
        add(key, address=key)
    for number in range(waiting):
        enqueue("some.task", number)
    drain()
    assert pigeon.sent == [*sent]
    assert queued()[waiting:] == [DRAIN]


@pytest.mark.usefixtures("busy")
def test_queue_works_through_many_slices(pigeon, clock, run_queue):
    pigeon.batch = 1
    pigeon.on_send = lambda _row: clock.advance(seconds=2)
    for number in range(20):
        add(f"{number:02}", address=f"loft{number % 7}")
    delivery.drain_all()
    tasks = run_queue()
    assert sorted(pigeon.sent) == [f"{number:02}" for number in range(20)]
    assert len(tasks) == 7


@pytest.mark.usefixtures("busy")
def test_address_held_back_is_looked_at_four_times_a_second(pigeon, clock):
    pigeon.resting = {"loft"}
    add("a1")
    before = clock.monotonic()
    drain()
    assert pigeon.looks <= delivery.SLICE / delivery.SHORT_WAIT
    assert clock.monotonic() - before == delivery.SLICE
    assert queued() == [DRAIN]  # one task hands over to one


def test_wait_beyond_the_slice_is_not_waited_for(pigeon, clock):
    pigeon.plans["loft"] = [RetryLater(timedelta(seconds=6))]
    add("a1")
    before = clock.monotonic()
    drain()
    assert clock.monotonic() == before
    assert pigeon.looks == 2  # the row, then nothing
    assert queued() == []


def test_nothing_due_ends_the_drain_at_once(pigeon, clock):
    add("a1", due_at=clock.now() + timedelta(minutes=5))
    before = clock.monotonic()
    drain()
    assert clock.monotonic() == before
    assert queued() == []


def test_safety_net_wakes_what_was_forgotten(pigeon, clock):
    add("a1", due_at=clock.now() + timedelta(minutes=5))
    delivery.drain_all()
    assert queued() == []
    clock.advance(minutes=5)
    delivery.drain_all()
    assert queued() == [DRAIN]


def test_standing_workers_are_not_buried_in_wake_ups(pigeon):
    add("a1")
    for _look in range(3):
        delivery.drain_forgotten()
    assert queued() == [DRAIN]


@pytest.mark.django_db(transaction=True)
def test_parallel_drains_of_two_hosts_send_each_row_once(pigeon, monkeypatch):
    monkeypatch.setattr(leases, "process_name", lambda: f"host{get_ident()}.example:1")
    for number in range(12):
        add(f"{number:02}", address=f"loft{number % 4}")
    assert in_parallel(*[drain] * 4) == [None] * 4
    assert sorted(pigeon.sent) == [f"{number:02}" for number in range(12)]
    for loft in range(4):
        own = [key for key in pigeon.sent if int(key) % 4 == loft]
        assert own == sorted(own)


# Lanes


def test_slow_work_leaves_one_of_three_workers_free(settings):
    """Whatever waits for a slow server: letters hold one worker at most, downloads another."""
    lanes = {LETTERS, DOWNLOADS}
    assert EmailChannel.lease in lanes
    assert settings.Q_CLUSTER["workers"] > len(lanes)


def test_letters_leave_while_files_are_fetched(run_queue, anna, agent):
    ticket = TicketFactory(requester=anna)
    with held_lease(DOWNLOADS):
        add_comment(ticket=ticket, actor=recording.agent(agent), body="Ответ")
        run_queue()
    assert Delivery.objects.get(address=anna.email).state == State.SENT
