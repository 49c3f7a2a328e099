"""One change of several tickets: each for itself, once for one sending."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.quotas import QuotaReached
from tests.factories import SpecialistFactory, TicketFactory, open_ticket
from tickets import services
from tickets.bulk import change_each, newest_events
from tickets.comments import add_comment
from tickets.forms import Sending
from tickets.models import Priority, Ticket, TicketEvent
from tickets.recording import SYSTEM, record
from tickets.recording import agent as as_agent
from tickets.refusals import KeyReused

pytestmark = pytest.mark.django_db
Kind = TicketEvent.Kind
raise_priority = partial(services.set_priority, priority=Priority.HIGH)


@pytest.fixture
def tickets(anna) -> list[Ticket]:
    return [open_ticket(anna) for _row in range(3)]


def run(agent, tickets, change=raise_priority, *, seen=None, key=None, said="", heeds=None):
    numbers = [ticket.pk for ticket in tickets]
    return change_each(
        sending=Sending(user=agent, purpose="bulk", key=key, fingerprint=said),
        actor=as_agent(agent),
        seen=newest_events(numbers) if seen is None else seen,
        change=change,
        heeds=heeds,
    )


def high() -> set[int]:
    return set(Ticket.objects.filter(priority="high").values_list("pk", flat=True))


def test_each_is_changed_for_itself(agent, tickets):
    raise_priority(ticket=tickets[1], actor=as_agent(agent))
    outcome = run(agent, tickets)
    assert outcome.done == [tickets[0].pk, tickets[2].pk]
    assert outcome.refused == [(tickets[1].pk, "Это уже сделано.")]
    assert len(high()) == 3


def test_refused_change_leaves_nothing_behind(agent, tickets):
    def change_and_refuse(*, ticket, actor):
        raise_priority(ticket=ticket, actor=actor)
        services.assign_ticket(ticket=ticket, assignee=None, actor=actor)  # refused

    assert run(agent, tickets[:1], change_and_refuse).done == []
    assert high() == set()


def test_form_sent_twice_acts_once_and_tells_the_same(agent, tickets):
    key = uuid4()
    first = run(agent, tickets, key=key)
    services.set_priority(ticket=tickets[0], priority=Priority.LOW, actor=as_agent(agent))
    assert run(agent, tickets, key=key) == first
    assert tickets[0].pk not in high()


def test_other_content_under_the_key_is_refused(agent, tickets):
    key = uuid4()
    run(agent, tickets[:1], key=key, said="a")
    with pytest.raises(KeyReused):
        run(agent, tickets, key=key, said="b")
    assert len(high()) == 1


def test_ticket_that_others_changed_meanwhile_is_left_alone(agent, anna, tickets):
    seen = newest_events([ticket.pk for ticket in tickets])
    add_comment(ticket=tickets[0], actor=as_agent(SpecialistFactory()), body="Стоп.", internal=True)
    add_comment(ticket=tickets[1], actor=as_agent(agent), body="Моё.", internal=True)
    record(tickets[2], Kind.DUE, SYSTEM, new="answer_soon")
    outcome = run(agent, tickets, seen=seen)
    assert outcome.done == [tickets[1].pk, tickets[2].pk]
    assert [number for number, _text in outcome.refused] == [tickets[0].pk]
    assert "изменилась" in outcome.refused[0][1]


def test_only_what_is_heeded_counts_as_a_change(agent, tickets):
    seen = newest_events([ticket.pk for ticket in tickets])
    other = as_agent(SpecialistFactory())
    add_comment(ticket=tickets[0], actor=other, body="Ещё.", internal=True)
    services.assign_ticket(ticket=tickets[1], assignee=other.user, actor=other)
    outcome = run(agent, tickets, seen=seen, heeds=frozenset({Kind.ASSIGNED}))
    assert outcome.done == [tickets[0].pk, tickets[2].pk]


def test_missing_ticket_is_a_line_among_the_others(agent, tickets):
    missing = Ticket(pk=tickets[2].pk + 10)
    outcome = run(agent, [tickets[0], missing])
    assert outcome.done == [tickets[0].pk]
    assert [number for number, _text in outcome.refused] == [missing.pk]


def test_reached_limit_ends_it_and_keeps_what_was_done(agent, tickets):
    def refuse_the_second(*, ticket, actor):
        if ticket.pk == tickets[1].pk:
            raise QuotaReached(timedelta(minutes=1))
        return raise_priority(ticket=ticket, actor=actor)

    outcome = run(agent, tickets, refuse_the_second)
    assert outcome.done == [tickets[0].pk]
    assert len(outcome.refused) == 1
    assert high() == {tickets[0].pk}


@pytest.mark.parametrize("rows", [1, 3])
def test_newest_events_are_one_query(agent, tickets, rows):
    TicketFactory()
    numbers = [ticket.pk for ticket in tickets[:rows]]
    with CaptureQueriesContext(connection) as queries:
        assert newest_events(numbers) == {one.pk: one.version for one in tickets[:rows]}
    assert len(queries) == 1
    assert newest_events([1_000_000]) == {1_000_000: 0}
