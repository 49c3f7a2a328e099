from datetime import timedelta
from threading import get_ident
from types import SimpleNamespace

import pytest

from tests.factories import TicketFactory
from tests.queue import Task, queued
from tests.threads import in_parallel
from tickets import delivery, services
from tickets.channels import (
    SLOW_WORK,
    Cancelled,
    Channel,
    Outcome,
    PermanentError,
    Recipient,
    RetryLater,
)
from tickets.models import Delivery, Lease
from tickets.notices import Audience
from tickets.status import TicketStatus
from tickets.tasks import every_minute

pytestmark = pytest.mark.django_db

State = Delivery.State
DRAIN = Task("tickets.tasks.drain", ("pigeon",))


class PigeonChannel(Channel):
    """Carries what it is given; `plans` says what goes wrong, address by address."""

    name = "pigeon"
    lease = "pigeons"

    def __init__(self):
        self.sent = []
        self.looks = 0
        self.plans = {}
        self.resting = set()
        self.on_send = lambda row: None

    def recipients(self, notice):
        told = notice.audience == Audience.CUSTOMER
        return [Recipient("loft", notice.event.ticket.requester)] if told else []

    def held_back(self, addresses):
        self.looks += 1
        return self.resting & set(addresses)

    def send(self, deliveries):
        assert len({row.address for row in deliveries}) == len(deliveries)
        for row in deliveries:
            self.on_send(row)
            plan = self.plans.get(row.address) or [None]
            error = plan.pop(0)
            if error is None:
                self.sent.append(row.key)
            yield Outcome(row, error)


@pytest.fixture
def pigeon(settings, clock, monkeypatch):
    """The only channel; its drains sleep on the clock, not in earnest."""
    settings.NOTICE_CHANNELS = [f"{__name__}.PigeonChannel"]
    delivery.channels.cache_clear()
    still = SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep)
    monkeypatch.setattr(delivery, "time", still)
    yield delivery.channels()["pigeon"]
    delivery.channels.cache_clear()


def add(key, address="loft", **fields):
    return Delivery.objects.create(channel="pigeon", kind="x", key=key, address=address, **fields)


def drain():
    delivery.drain("pigeon")


# Queueing


def test_notify_writes_one_row_an_address_and_one_wake_up(pigeon, anna, agent):
    ticket = TicketFactory(requester=anna)
    services.change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=services.agent(agent))
    row = Delivery.objects.get()
    assert (row.channel, row.kind, row.address, row.recipient) == (
        "pigeon", "resolved", "loft", anna,
    )  # fmt: skip
    assert row.event == ticket.events.get()
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


def test_queue_task_drains_by_name(pigeon, run_queue):
    delivery.tell(channel="pigeon", kind="linked", address="loft", key="linked:1")
    assert run_queue() == [DRAIN]
    assert pigeon.sent == ["linked:1"]


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
    assert timedelta(seconds=40) <= row.due_at - before < timedelta(seconds=41)
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
        delivery._record(outcome)
        row.refresh_from_db()
        waits.append(round((row.due_at - before).total_seconds()))
        clock.advance(seconds=waits[-1] + 1)
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert (row.state, row.attempts, row.error) == (State.QUEUED, 10, "OSError: reset")


@pytest.mark.parametrize("error", [OSError("reset"), RetryLater(timedelta(seconds=9))])
def test_row_is_given_up_after_a_day(pigeon, clock, error):
    row = add("a1", attempts=100)
    pigeon.plans["loft"] = [error]
    clock.advance(hours=24, seconds=1)
    drain()
    row.refresh_from_db()
    assert row.state == State.FAILED
    assert type(error).__name__ in row.error


def test_row_is_not_given_up_before_a_day(pigeon, clock):
    row = add("a1", attempts=100)
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
        delivery._record(outcome)
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
    row = add("a1", state=state, attempts=99, error="OSError: reset")
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


# One drain at a time


def test_second_drain_returns_at_once(pigeon):
    add("a1")
    assert delivery.take_lease("pigeons", "elsewhere.example:1")
    drain()
    assert pigeon.sent == []
    assert queued() == []


def test_drain_gives_the_lease_back_also_after_an_error(pigeon):
    add("a1")

    def fall(_row):
        raise RuntimeError("hawk")

    pigeon.on_send = fall
    with pytest.raises(RuntimeError):
        drain()
    assert delivery.take_lease("pigeons", "elsewhere.example:1")


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
    assert not delivery.next_rows("pigeon").filter(due_at__lte=clock.now()).exists()
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
        Lease.objects.update(owner=delivery.process_name())

    monkeypatch.setattr(delivery, "_work_for_a_slice", work_and_miss_a_row)
    drain()
    assert pigeon.sent == []
    assert queued() == [DRAIN]


def test_lease_of_a_killed_drain_lapses(pigeon, clock):
    add("a1")
    delivery.take_lease("pigeons", "elsewhere.example:1")
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
        taken.append(delivery.take_lease("pigeons", "elsewhere.example:1"))

    pigeon.on_send = fly_for_20_seconds
    for key in "abc":
        add(key)
    drain()
    assert pigeon.sent == ["a", "b", "c"]
    assert taken == [False] * 3


def test_slice_ends_and_the_next_is_queued(pigeon, clock):
    pigeon.batch = 1
    pigeon.on_send = lambda _row: clock.advance(seconds=2)
    for key in "abcdef":
        add(key, address=key)
    drain()
    assert pigeon.sent == ["a", "b", "c"]
    assert Delivery.objects.filter(state=State.QUEUED).count() == 3
    assert queued() == [DRAIN]


def test_queue_works_through_many_slices(pigeon, clock, run_queue):
    pigeon.batch = 1
    pigeon.on_send = lambda _row: clock.advance(seconds=2)
    for number in range(20):
        add(f"{number:02}", address=f"loft{number % 7}")
    delivery.drain_all()
    tasks = run_queue()
    assert sorted(pigeon.sent) == [f"{number:02}" for number in range(20)]
    assert len(tasks) == 7


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


# Slow work takes turns


@pytest.fixture
def slow_pigeon(pigeon, settings, monkeypatch):
    monkeypatch.setattr(PigeonChannel, "lease", SLOW_WORK)
    settings.SLOW_WORK_TASKS = ["tickets.tasks.every_minute"]
    return pigeon


def test_letters_that_found_the_lease_held_are_woken_when_it_is_free(slow_pigeon):
    add("a1")
    with delivery.held_lease(SLOW_WORK):
        delivery.release_slow_work()
    assert queued()[0] == DRAIN


def test_slow_drain_wakes_the_rest_of_the_slow_work(slow_pigeon):
    add("a1")
    drain()
    assert queued() == [Task("tickets.tasks.every_minute", ())]


def test_drain_that_found_the_lease_held_wakes_nobody(slow_pigeon):
    add("a1")
    delivery.take_lease(SLOW_WORK, "elsewhere.example:1")
    drain()
    assert queued() == []


def test_other_channels_wake_no_slow_work(pigeon):
    add("a1")
    drain()
    assert queued() == []


def test_downloads_and_letters_wake_each_other_and_come_to_rest(settings, run_queue, anna, agent):
    ticket = TicketFactory(requester=anna)
    services.add_comment(ticket=ticket, actor=services.agent(agent), body="Ответ")
    done = [task.name for task in run_queue()]
    assert "telegram_bot.tasks.fetch_files" in done
    assert Delivery.objects.get(address=anna.email).state == State.SENT


# Moving and forgetting


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


@pytest.mark.django_db(transaction=True)
def test_parallel_drains_of_two_hosts_send_each_row_once(pigeon, monkeypatch):
    monkeypatch.setattr(delivery, "process_name", lambda: f"host{get_ident()}.example:1")
    for number in range(12):
        add(f"{number:02}", address=f"loft{number % 4}")
    assert in_parallel(*[drain] * 4) == [None] * 4
    assert sorted(pigeon.sent) == [f"{number:02}" for number in range(12)]
    for loft in range(4):
        own = [key for key in pigeon.sent if int(key) % 4 == loft]
        assert own == sorted(own)
