"""A resolved ticket that nobody answers: reminded of, then closed."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from operations.tasks import every_minute
from tests.factories import TicketFactory
from tests.threads import in_parallel
from tests.tickets.traces import LETTERS_TO_ANNA
from tickets import clocks, recording, services
from tickets.clocks import REMINDER_AHEAD, _close_silent, _remind, close_silent_tickets
from tickets.comments import add_comment
from tickets.delivery import drain
from tickets.models import Delivery, Face, Ticket, TicketEvent
from tickets.refusals import AlreadyDone
from tickets.status import TicketStatus, TransitionNotAllowed

pytestmark = pytest.mark.django_db

Kind = TicketEvent.Kind


@pytest.fixture(autouse=True)
def seven_days(settings):
    settings.TICKET_AUTOCLOSE_DAYS = 7


@pytest.fixture
def ticket(anna, agent):
    """Resolved just now."""
    ticket = TicketFactory(requester=anna, status=TicketStatus.IN_PROGRESS)
    resolve(ticket, agent)
    return ticket


def resolve(ticket, agent):
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=recording.agent(agent), answer="Готово."
    )


def happened(ticket):
    """What the system did to a ticket."""
    return list(ticket.events.filter(face=Face.SYSTEM).values_list("kind", flat=True))


def told(kind):
    rows = Delivery.objects.filter(channel="email", kind=kind).order_by("address")
    return [row.address for row in rows]


def status_of(ticket):
    return Ticket.objects.get(pk=ticket.pk).status


def test_reminder_comes_two_days_ahead(ticket, clock):
    clock.advance(days=4, hours=23, minutes=59)
    close_silent_tickets()
    assert happened(ticket) == []
    clock.advance(minutes=1)
    close_silent_tickets()
    assert happened(ticket) == [Kind.REMINDED]
    assert told("reminder") == LETTERS_TO_ANNA
    assert status_of(ticket) == TicketStatus.RESOLVED


@pytest.mark.parametrize("silence", [5, 14])
def test_reminder_names_the_day_of_the_end_also_when_it_is_late(ticket, clock, silence):
    clock.advance(days=silence)
    end = timezone.localtime() + timedelta(days=2)
    close_silent_tickets()
    assert ticket.events.last().new_value == f"{end:%d.%m.%Y}"
    for _ in range(10):
        drain("email")
    [letter, _copy] = [letter for letter in mail.outbox if "закроется" in letter.subject]
    assert f"{end:%d.%m.%Y}" in letter.body
    assert f"{end:%d.%m.%Y}" in letter.alternatives[0][0]


def test_silent_ticket_is_closed_after_seven_days_by_the_system(ticket, clock):
    clock.advance(days=5)
    close_silent_tickets()
    clock.advance(days=1, hours=23, minutes=59)
    close_silent_tickets()
    assert status_of(ticket) == TicketStatus.RESOLVED
    clock.advance(minutes=1)
    close_silent_tickets()
    kept = Ticket.objects.get(pk=ticket.pk)
    assert (kept.status, kept.score) == (TicketStatus.CLOSED, None)
    assert kept.closed_at is not None
    event = ticket.events.last()
    assert (event.actor, event.by_agent, event.old_value, event.new_value) == (
        None, False, "resolved", "closed",
    )  # fmt: skip
    assert told("status") == LETTERS_TO_ANNA


def test_each_step_is_done_once(ticket, clock):
    for _hour in range(10 * 24):
        clock.advance(hours=1)
        close_silent_tickets()
    assert happened(ticket) == [Kind.REMINDED, Kind.STATUS]
    assert told("reminder") == LETTERS_TO_ANNA
    assert told("status") == LETTERS_TO_ANNA


def test_reminder_that_came_late_delays_the_end(ticket, clock):
    clock.advance(days=6)
    close_silent_tickets()
    clock.advance(days=1, hours=23)
    close_silent_tickets()
    assert status_of(ticket) == TicketStatus.RESOLVED
    clock.advance(hours=1)
    close_silent_tickets()
    assert status_of(ticket) == TicketStatus.CLOSED


def test_after_a_week_of_standing_still_the_reminder_comes_first(ticket, clock):
    clock.advance(days=14)
    for _ in range(3):
        close_silent_tickets()
    assert happened(ticket) == [Kind.REMINDED]
    clock.advance(days=1, hours=23, minutes=59)
    close_silent_tickets()
    assert status_of(ticket) == TicketStatus.RESOLVED
    clock.advance(minutes=1)
    close_silent_tickets()
    assert status_of(ticket) == TicketStatus.CLOSED
    assert happened(ticket) == [Kind.REMINDED, Kind.STATUS]


def test_standing_still_between_reminder_and_end_needs_no_second_reminder(ticket, clock):
    clock.advance(days=5)
    close_silent_tickets()
    clock.advance(days=7)
    close_silent_tickets()
    assert happened(ticket) == [Kind.REMINDED, Kind.STATUS]


def test_ticket_rated_meanwhile_is_left_alone(ticket, clock, by_anna):
    clock.advance(days=5)
    close_silent_tickets()
    services.rate_ticket(ticket=ticket, actor=by_anna, score=4)
    clock.advance(days=7)
    close_silent_tickets()
    assert happened(ticket) == [Kind.REMINDED]
    assert Ticket.objects.get(pk=ticket.pk).score == 4


def test_ticket_returned_meanwhile_is_left_alone(ticket, clock, by_anna):
    clock.advance(days=5)
    close_silent_tickets()
    services.return_to_work(ticket=ticket, actor=by_anna, reason="Снова")
    clock.advance(days=7)
    close_silent_tickets()
    assert status_of(ticket) == TicketStatus.IN_PROGRESS
    assert happened(ticket) == [Kind.REMINDED]


def test_ticket_resolved_again_has_its_whole_time_again(ticket, clock, by_anna, agent):
    clock.advance(days=5)
    close_silent_tickets()
    services.return_to_work(ticket=ticket, actor=by_anna, reason="Снова")
    resolve(ticket, agent)
    clock.advance(days=4)
    close_silent_tickets()
    assert happened(ticket) == [Kind.REMINDED]
    clock.advance(days=1)
    close_silent_tickets()
    assert happened(ticket) == [Kind.REMINDED, Kind.REMINDED]
    clock.advance(days=2)
    close_silent_tickets()
    assert status_of(ticket) == TicketStatus.CLOSED


@pytest.mark.parametrize("change", ["rate", "return", "comment"])
def test_customer_who_is_quicker_than_the_closing_wins(ticket, clock, by_anna, monkeypatch, change):
    clock.advance(days=5)
    close_silent_tickets()
    clock.advance(days=2)
    close = _close_silent

    def customer_first(chosen):
        if change == "rate":
            services.rate_ticket(ticket=ticket, actor=by_anna, score=5)
        elif change == "return":
            services.return_to_work(ticket=ticket, actor=by_anna, reason="Снова")
        else:
            add_comment(ticket=ticket, actor=by_anna, body="Ещё смотрю")
        close(chosen)

    monkeypatch.setattr(clocks, "_close_silent", customer_first)
    close_silent_tickets()
    assert happened(ticket) == [Kind.REMINDED]
    kept = Ticket.objects.get(pk=ticket.pk)
    left = {"rate": ("closed", 5), "return": ("in_progress", None), "comment": ("resolved", None)}
    assert (kept.status, kept.score) == left[change]


def test_customer_who_is_quicker_than_the_reminder_is_not_reminded(ticket, clock, by_anna):
    clock.advance(days=5)
    stale = Ticket.objects.get(pk=ticket.pk)
    services.rate_ticket(ticket=ticket, actor=by_anna, score=5)
    _remind(stale, REMINDER_AHEAD)
    assert happened(ticket) == []


def test_one_who_cannot_be_closed_does_not_hold_the_others(anna, agent, clock, monkeypatch):
    tickets = [TicketFactory(requester=anna, status=TicketStatus.IN_PROGRESS) for _ in range(3)]
    for ticket in tickets:
        resolve(ticket, agent)
    clock.advance(days=5)
    close_silent_tickets()
    clock.advance(days=2)
    close = services.change_status

    def refuse_the_second(**given):
        if given["ticket"] == tickets[1]:
            raise AlreadyDone
        return close(**given)

    monkeypatch.setattr(clocks, "change_status", refuse_the_second)
    close_silent_tickets()
    assert [status_of(ticket) for ticket in tickets] == ["closed", "resolved", "closed"]


@pytest.mark.parametrize("status", ["new", "in_progress", "waiting", "closed"])
def test_other_statuses_never_lapse(ticket, clock, status):
    Ticket.objects.update(status=status)
    clock.advance(days=30)
    for _ in range(2):
        close_silent_tickets()
        clock.advance(days=3)
    assert happened(ticket) == []
    assert status_of(ticket) == status


def test_zero_days_are_never(ticket, clock, settings, django_assert_num_queries):
    settings.TICKET_AUTOCLOSE_DAYS = 0
    clock.advance(days=1000)
    with django_assert_num_queries(0):
        close_silent_tickets()
    assert status_of(ticket) == TicketStatus.RESOLVED


@pytest.mark.parametrize("days", [1, 2])
def test_short_lives_are_reminded_at_half(ticket, clock, settings, days):
    settings.TICKET_AUTOCLOSE_DAYS = days
    close_silent_tickets()
    assert happened(ticket) == []
    clock.advance(hours=12 * days)
    close_silent_tickets()
    assert happened(ticket) == [Kind.REMINDED]
    clock.advance(hours=12 * days, minutes=-1)
    close_silent_tickets()
    assert status_of(ticket) == TicketStatus.RESOLVED
    clock.advance(minutes=1)
    close_silent_tickets()
    assert status_of(ticket) == TicketStatus.CLOSED


def test_longer_life_holds_for_those_who_were_reminded_before(ticket, clock, settings):
    clock.advance(days=5)
    close_silent_tickets()
    settings.TICKET_AUTOCLOSE_DAYS = 30
    clock.advance(days=24)
    close_silent_tickets()
    assert status_of(ticket) == TicketStatus.RESOLVED
    clock.advance(days=1)
    close_silent_tickets()
    assert status_of(ticket) == TicketStatus.CLOSED


def test_a_call_does_a_bounded_amount_oldest_first(anna, agent, clock):
    tickets = [TicketFactory(requester=anna, status=TicketStatus.IN_PROGRESS) for _ in range(5)]
    first, second, *rest = (tickets[place] for place in (2, 4, 0, 3, 1))
    for ticket in (first, second, *rest):
        resolve(ticket, agent)
        clock.advance(minutes=1)

    def numbers(**wanted):
        return set(Ticket.objects.filter(**wanted).values_list("pk", flat=True))

    clock.advance(days=5)
    close_silent_tickets(limit=2)
    assert numbers(reminded_at__isnull=False) == {first.pk, second.pk}
    close_silent_tickets(limit=2)
    close_silent_tickets(limit=2)
    assert TicketEvent.objects.filter(kind=Kind.REMINDED).count() == 5
    clock.advance(days=2)
    close_silent_tickets(limit=2)
    assert numbers(status=TicketStatus.CLOSED) == {first.pk, second.pk}
    close_silent_tickets(limit=2)
    close_silent_tickets(limit=2)
    assert len(numbers(status=TicketStatus.CLOSED)) == 5


def test_the_minute_task_does_it(ticket, clock):
    clock.advance(days=5)
    every_minute()
    clock.advance(days=2)
    every_minute()
    assert status_of(ticket) == TicketStatus.CLOSED


@pytest.mark.django_db(transaction=True)
def test_parallel_minutes_do_each_step_once(ticket, clock):
    clock.advance(days=5)
    assert in_parallel(*[close_silent_tickets] * 4) == [None] * 4
    clock.advance(days=2)
    assert in_parallel(*[close_silent_tickets] * 4) == [None] * 4
    assert happened(ticket) == [Kind.REMINDED, Kind.STATUS]


@pytest.mark.django_db(transaction=True)
def test_parallel_closing_and_rating_have_one_winner(ticket, clock, by_anna):
    clock.advance(days=5)
    close_silent_tickets()
    clock.advance(days=2)
    closing, rating = in_parallel(
        close_silent_tickets,
        lambda: services.rate_ticket(ticket=ticket, actor=by_anna, score=5),
    )
    kept = Ticket.objects.get(pk=ticket.pk)
    assert closing is None
    assert isinstance(rating, Ticket | TransitionNotAllowed)
    assert kept.score == (5 if isinstance(rating, Ticket) else None)
    assert ticket.events.filter(kind=Kind.STATUS, new_value="closed").count() == 1


def test_customer_who_answers_is_not_silent(ticket, clock, by_anna):
    clock.advance(days=5)
    close_silent_tickets()
    add_comment(ticket=ticket, actor=by_anna, body="Проверяю ещё раз")
    clock.advance(days=4, hours=23)
    close_silent_tickets()
    assert status_of(ticket) == TicketStatus.RESOLVED
    assert Ticket.objects.get(pk=ticket.pk).reminded_at is None
    clock.advance(hours=2)
    close_silent_tickets()
    clock.advance(days=2)
    close_silent_tickets()
    assert status_of(ticket) == TicketStatus.CLOSED
