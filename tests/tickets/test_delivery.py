"""One row to one address: its order, what becomes of it, and when it is forgotten."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from config.queue import enqueue
from operations.tasks import every_minute
from tests.factories import TicketFactory
from tests.queue import queued
from tests.tickets.pigeons import DRAIN, add, drain
from tickets import delivery, recording, services
from tickets.channels import Cancelled, PermanentError, RetryLater
from tickets.models import Delivery
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db

State = Delivery.State


def fail_once(channel):
    """One batch of tries."""
    for outcome in channel.send(delivery._next_batch(channel)):
        delivery._record(channel, outcome)


# Queueing


def test_notify_writes_one_row_an_address_and_one_wake_up(pigeon, anna, agent):
    ticket = TicketFactory(requester=anna)
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=recording.agent(agent), answer="Готово."
    )
    row = Delivery.objects.get()
    assert (row.channel, row.kind, row.address, row.recipient) == (
        "pigeon", "resolved", "loft", anna,
    )  # fmt: skip
    assert (row.event, row.ticket) == (ticket.events.get(kind="status"), ticket)
    assert row.data == {"loud": True}
    assert queued() == [DRAIN]


def test_tell_says_the_same_thing_once(pigeon, anna):
    for _ in range(2):
        delivery.tell(
            channel="pigeon", kind="linked", address="loft", key="linked:1", recipient=anna,
            data={"at": 1},
        )  # fmt: skip
    row = Delivery.objects.get()
    assert (row.kind, row.recipient, row.data, row.event) == ("linked", anna, {"at": 1}, None)
    assert queued() == [DRAIN]


def test_told_row_names_its_ticket(pigeon, anna):
    ticket = TicketFactory(requester=anna)
    delivery.tell(channel="pigeon", kind="x", address="loft", key="x:1", ticket_id=ticket.pk)
    assert Delivery.objects.get().ticket == ticket


def test_queue_task_drains_by_name(pigeon, run_queue):
    delivery.tell(channel="pigeon", kind="linked", address="loft", key="linked:1")
    assert run_queue() == [DRAIN]
    assert pigeon.sent == ["linked:1"]


# The worker that a drain holds


@pytest.fixture
def slow_pigeon(pigeon, clock, monkeypatch):
    """Each of its letters takes a second."""
    monkeypatch.setattr(
        delivery, "time", SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep)
    )
    monkeypatch.setattr(pigeon, "batch", 1)
    pigeon.on_send = lambda _row: clock.advance(seconds=1)
    for number in range(30):
        add(f"a{number}", f"loft {number}")
    return pigeon


def test_drain_goes_on_while_nobody_wants_its_worker(slow_pigeon):
    drain()
    assert len(slow_pigeon.sent) == delivery.SLICE + delivery.OVERTIME
    assert queued() == [DRAIN]


def test_drain_ends_with_its_slice_when_others_wait_for_a_worker(slow_pigeon):
    for number in range(4):  # there are three workers
        enqueue("some.task", number)
    drain()
    assert len(slow_pigeon.sent) == delivery.SLICE
    assert queued()[-1] == DRAIN


def test_slow_channel_ends_with_its_slice_for_what_waits_for_its_lane(slow_pigeon, monkeypatch):
    monkeypatch.setattr(slow_pigeon, "lease", "letters")
    drain()
    assert len(slow_pigeon.sent) == delivery.SLICE


# Order


def test_rows_of_an_address_leave_in_their_order(pigeon):
    for key in "abc":
        add(key)
    drain()
    assert pigeon.sent == ["a", "b", "c"]
    assert set(Delivery.objects.values_list("state", "attempts")) == {(State.SENT, 1)}
    assert Delivery.objects.filter(sent_at=None).count() == 0


def test_waiting_row_holds_its_own_address_only(pigeon, clock):
    add("a1", due_at=clock.now() + timedelta(minutes=5))
    add("a2")
    add("b1", "barn")
    drain()
    assert pigeon.sent == ["b1"]
    clock.advance(minutes=5)
    drain()
    assert pigeon.sent == ["b1", "a1", "a2"]


def test_failed_row_no_longer_holds_its_address(pigeon):
    pigeon.plans["loft"] = [PermanentError("no such loft")]
    add("a1")
    add("a2")
    drain()
    assert pigeon.sent == ["a2"]


def test_channel_may_hold_addresses_back(pigeon):
    pigeon.resting = {"loft"}
    add("a1")
    add("b1", "barn")
    drain()
    assert pigeon.sent == ["b1"]
    assert queued() == [DRAIN]  # still due, so the next slice looks again
    pigeon.resting = set()
    drain()
    assert pigeon.sent == ["b1", "a1"]


def test_other_channels_rows_are_left_alone(pigeon):
    Delivery.objects.create(channel="email", kind="x", key="mail", address="loft")
    add("a1")
    drain()
    assert pigeon.sent == ["a1"]


@pytest.mark.parametrize("addresses", [1, 3])
def test_a_look_at_due_rows_takes_two_queries(pigeon, addresses, django_assert_num_queries):
    for number in range(addresses):
        add(f"row{number}", f"loft{number}")
    with django_assert_num_queries(2):  # read, claim
        rows = delivery._next_batch(pigeon)
        assert [row.recipient for row in rows] == [None] * addresses


# Outcomes


def test_retry_later_waits_as_told(pigeon, clock):
    pigeon.plans["loft"] = [RetryLater(timedelta(seconds=40))]
    row = add("a1")
    before = clock.now()
    drain()
    row.refresh_from_db()
    assert row.state == State.QUEUED
    assert timedelta(seconds=40) <= row.due_at - before < timedelta(seconds=60)
    clock.advance(seconds=41)
    drain()
    assert pigeon.sent == ["a1"]


def test_short_wait_is_waited_for_within_the_slice(pigeon):
    pigeon.plans["loft"] = [RetryLater(timedelta(seconds=2))]
    add("a1")
    add("a2")
    add("b1", "barn")
    drain()
    assert pigeon.sent == ["b1", "a1", "a2"]


def test_permanent_error_is_one_try(pigeon):
    pigeon.plans["loft"] = [PermanentError("no such loft " + "ы" * 400)]
    row = add("a1")
    drain()
    row.refresh_from_db()
    assert (row.state, row.attempts, row.sent_at) == (State.FAILED, 1, None)
    assert row.error.startswith("no such loft")
    assert len(row.error) == 300


def test_cancelled_is_neither_sent_nor_failed(pigeon):
    pigeon.plans["loft"] = [Cancelled()]
    row = add("a1")
    drain()
    row.refresh_from_db()
    assert (row.state, row.error, row.sent_at) == (State.CANCELLED, "", None)


def test_temporary_errors_back_off_up_to_five_minutes(pigeon, clock):
    pigeon.plans["loft"] = [OSError("reset")] * 12
    row = add("a1")
    waits = []
    for _ in range(10):
        [outcome] = pigeon.send(delivery._next_batch(pigeon))
        before = clock.now()
        delivery._record(pigeon, outcome)
        row.refresh_from_db()
        waits.append(round((row.due_at - before).total_seconds()))
        clock.advance(seconds=waits[-1] + 1)
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert (row.state, row.attempts, row.error) == (State.QUEUED, 10, "OSError: reset")


@pytest.mark.parametrize("error", [OSError("reset"), RetryLater(timedelta(seconds=9))])
def test_row_is_given_up_a_day_after_its_first_try(pigeon, clock, error):
    row = add("a1")
    pigeon.plans["loft"] = [error, error]
    fail_once(pigeon)
    clock.advance(hours=24, seconds=1)
    fail_once(pigeon)
    row.refresh_from_db()
    assert row.state == State.FAILED
    assert type(error).__name__ in row.error


def test_worker_that_was_off_for_a_day_gives_nothing_up(pigeon, clock):
    row = add("a1")
    pigeon.plans["loft"] = [OSError("502")]
    clock.advance(hours=25)
    fail_once(pigeon)
    row.refresh_from_db()
    assert (row.state, row.attempts) == (State.QUEUED, 1)
    clock.advance(seconds=3)
    drain()
    assert pigeon.sent == ["a1"]


def test_row_is_not_given_up_before_a_day(pigeon, clock):
    row = add("a1", attempts=100, first_tried_at=clock.now())
    pigeon.plans["loft"] = [OSError("reset")]
    clock.advance(hours=23, minutes=59)
    drain()
    row.refresh_from_db()
    assert row.state == State.QUEUED


def test_success_clears_the_error(pigeon):
    row = add("a1", error="OSError: reset", attempts=1)
    drain()
    row.refresh_from_db()
    assert (row.state, row.error, row.attempts) == (State.SENT, "", 2)


def test_error_is_kept_without_secrets(pigeon):
    token = "7000000001:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
    pigeon.plans["loft"] = [PermanentError(f"The token `{token}` was rejected")]
    pigeon.plans["barn"] = [OSError(f"{token} anna@alpha.example")]
    delivery_rows = [add("a1"), add("b1", "barn")]
    for row in delivery_rows:
        [outcome] = pigeon.send([row])
        delivery._record(pigeon, outcome)
        row.refresh_from_db()
        assert row.error
        assert token not in row.error
        assert "anna@" not in row.error


def test_row_deleted_while_it_was_sent_is_passed_over(pigeon):
    pigeon.on_send = lambda _row: Delivery.objects.all().delete()
    add("a1")
    drain()
    assert pigeon.sent == ["a1"]
    assert Delivery.objects.count() == 0


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_resend_gives_a_new_day(pigeon, clock, state):
    row = add("a1", state=state, attempts=99, error="OSError: reset", first_tried_at=clock.now())
    clock.advance(days=3)
    delivery.resend(row)
    row.refresh_from_db()
    assert (row.state, row.attempts, row.error) == (State.QUEUED, 0, "")
    assert queued() == [DRAIN]
    pigeon.plans["loft"] = [OSError("reset")]
    drain()
    row.refresh_from_db()
    assert (row.state, row.attempts) == (State.SENT, 2)


@pytest.mark.parametrize("state", [State.QUEUED, State.SENT])
def test_resend_of_what_is_on_its_way_does_nothing(pigeon, state):
    row = add("a1", state=state, attempts=7)
    delivery.resend(row)
    row.refresh_from_db()
    assert (row.state, row.attempts) == (state, 7)
    assert queued() == []


def test_what_waits_moves_to_the_new_address(pigeon):
    add("sent", state=State.SENT)
    add("failed", state=State.FAILED)
    add("other", "barn")
    add("a1")
    Delivery.objects.create(channel="email", kind="x", key="mail", address="loft")
    delivery.move_deliveries(channel="pigeon", old="loft", new="tower")
    assert set(Delivery.objects.filter(address="tower").values_list("key", flat=True)) == {"a1"}


def test_order_holds_over_a_move(pigeon):
    for number in range(3):
        add(f"a{number}", "loft")
        add(f"b{number}", "tower")
    delivery.move_deliveries(channel="pigeon", old="loft", new="tower")
    drain()
    assert pigeon.sent == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_ended_deliveries_are_deleted_after_90_days_and_waiting_ones_never(pigeon, clock):
    for state in State:
        add(f"old {state}", state=state)
    clock.advance(days=89, hours=23)
    add("new", state=State.SENT)
    delivery.delete_old_deliveries()
    assert Delivery.objects.count() == 5
    clock.advance(hours=2)
    delivery.delete_old_deliveries()
    assert set(Delivery.objects.values_list("key", flat=True)) == {"old queued", "new"}


def test_old_deliveries_are_deleted_a_thousand_at_a_time(pigeon, clock):
    Delivery.objects.bulk_create(
        Delivery(channel="pigeon", kind="x", key=str(number), address="a", state=State.SENT)
        for number in range(1001)
    )
    clock.advance(days=91)
    delivery.delete_old_deliveries()
    assert [row.key for row in Delivery.objects.all()] == ["1000"]
    delivery.delete_old_deliveries()
    assert Delivery.objects.count() == 0


def test_safety_net_forgets_and_wakes(pigeon, clock):
    add("old", state=State.SENT)
    clock.advance(days=91)
    add("due")
    every_minute()
    assert [row.key for row in Delivery.objects.all()] == ["due"]
    assert queued() == [DRAIN]
