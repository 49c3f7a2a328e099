"""Which queue holds which tickets, in which order, and that indexes serve them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tests.factories import AgentFactory, TicketFactory, open_ticket
from tickets import recording, services
from tickets.comments import add_comment
from tickets.models import Face, Ticket
from tickets.queries import COUNTED
from tickets.queue import (
    BY_NUMBER,
    Queue,
    back_from_snooze,
    count_queues,
    in_queue,
    order_of,
)
from tickets.status import TicketStatus

NOW = timezone.now()
LATE, SOON, LATER = (NOW + timedelta(hours=hours) for hours in (-1, 1, 5))


def listed(queue: Queue, agent) -> list[Ticket]:
    rows = in_queue(Ticket.objects.all(), queue, agent)
    return list(rows.order_by(*order_of(queue)))


def test_mine_are_the_open_ones_of_the_agent(agent):
    mine = TicketFactory(assignee=agent)
    done = TicketFactory(assignee=agent, status=TicketStatus.RESOLVED)
    TicketFactory(assignee=agent, status=TicketStatus.CLOSED)
    TicketFactory(assignee=AgentFactory())
    TicketFactory()
    assert listed(Queue.MINE, agent) == [mine, done]


def test_without_an_assignee_is_what_still_needs_one(agent):
    free = TicketFactory()
    waiting = TicketFactory(status=TicketStatus.WAITING)
    for status in (TicketStatus.RESOLVED, TicketStatus.CLOSED):
        TicketFactory(status=status)
    TicketFactory(assignee=agent)
    assert listed(Queue.FREE, agent) == [free, waiting]


def test_late_is_what_is_past_its_due_time_and_open(agent):
    late = TicketFactory(next_due_at=LATE)
    TicketFactory(next_due_at=SOON)
    TicketFactory()
    TicketFactory(next_due_at=LATE, status=TicketStatus.CLOSED)
    assert listed(Queue.LATE, agent) == [late]


@pytest.mark.parametrize(
    ("queue", "status"), [(Queue.WAITING, "waiting"), (Queue.CLOSED, "closed")]
)
def test_waiting_and_closed_hold_one_status(agent, queue, status):
    for one in TicketStatus:
        TicketFactory(status=one)
    assert [ticket.status for ticket in listed(queue, agent)] == [status]


def test_open_is_all_but_closed(agent):
    for status in TicketStatus:
        TicketFactory(status=status)
    statuses = {ticket.status for ticket in listed(Queue.OPEN, agent)}
    assert statuses == set(TicketStatus) - {TicketStatus.CLOSED}


# «Клиент ответил»


@pytest.fixture
def ticket(anna, product):
    return open_ticket(anna, product=product)


def say(ticket, user, *, internal=False):
    actor = recording.agent(user) if user.is_staff else recording.customer(user, Face.PORTAL)
    add_comment(ticket=ticket, body="Слово.", actor=actor, internal=internal)


def test_new_ticket_is_no_answer_of_its_customer(ticket, anna, agent):
    say(ticket, anna)
    services.take_to_work(ticket=ticket, actor=recording.agent(agent))
    assert listed(Queue.ANSWERED, agent) == []


def test_customer_answered_until_an_agent_does(ticket, anna, agent):
    say(ticket, agent)
    assert listed(Queue.ANSWERED, agent) == []
    say(ticket, anna)
    assert listed(Queue.ANSWERED, agent) == [ticket]
    say(ticket, agent, internal=True)
    assert listed(Queue.ANSWERED, agent) == [ticket]
    say(ticket, agent)
    assert listed(Queue.ANSWERED, agent) == []


def test_customer_who_was_asked_without_words_has_answered(ticket, anna, agent):
    actor = recording.agent(agent)
    services.change_status(ticket=ticket, to=TicketStatus.WAITING, actor=actor, answer="Готово.")
    assert listed(Queue.ANSWERED, agent) == []
    say(ticket, anna)
    assert listed(Queue.ANSWERED, agent) == [ticket]


def test_word_on_a_closed_ticket_is_not_waited_on(agent):
    TicketFactory(answered_at=NOW, status=TicketStatus.CLOSED)
    assert listed(Queue.ANSWERED, agent) == []


# Put off until later


@pytest.mark.parametrize(
    ("queue", "fields"),
    [
        (Queue.MINE, {"assigned": True}),
        (Queue.FREE, {}),
        (Queue.ANSWERED, {"answered_at": NOW}),
    ],
)
def test_what_is_put_off_is_left_out_until_its_time(agent, queue, fields):
    given = {"assignee": agent if fields.pop("assigned", False) else None, **fields}
    awake = TicketFactory(**given)
    TicketFactory(**given, snoozed_until=LATER)
    back = TicketFactory(**given, snoozed_until=LATE)
    assert listed(queue, agent) == [awake, back]
    assert count_queues(agent)[queue] == 2


@pytest.mark.parametrize("queue", [Queue.LATE, Queue.OPEN, Queue.WAITING])
def test_what_is_put_off_stays_where_all_are_shown(agent, queue):
    TicketFactory(snoozed_until=LATER, next_due_at=LATE, status=TicketStatus.WAITING)
    assert len(listed(queue, agent)) == 1


def test_back_is_what_has_come_due_the_longest_waiting_first(agent, monkeypatch):
    times = [LATE, LATE - timedelta(days=1), LATER, None]
    later, first, *_others = [TicketFactory(snoozed_until=until) for until in times]
    TicketFactory(assignee=agent, snoozed_until=LATE)
    free = in_queue(Ticket.objects.all(), Queue.FREE, agent)
    assert list(back_from_snooze(free)) == [first, later]
    monkeypatch.setattr("tickets.queue.BACK_SHOWN", 1)
    assert list(back_from_snooze(free)) == [first]


def test_back_from_a_snooze_is_found_by_an_index(agent):
    read_by_index()
    rows = in_queue(Ticket.objects.all(), Queue.OPEN, agent)
    assert "ticket_snoozed" in back_from_snooze(rows).explain().split()


# Order, counts, indexes


@pytest.mark.parametrize("queue", [Queue.OPEN, Queue.MINE])
def test_due_first_and_what_has_no_due_time_last(agent, queue):
    never, later, late, soon, same = (
        TicketFactory(next_due_at=due_at, assignee=agent)
        for due_at in (None, LATER, LATE, SOON, SOON)
    )
    assert listed(queue, agent) == [late, soon, same, later, never]


def test_closed_are_newest_first_and_waiting_oldest_first(agent):
    waiting = [TicketFactory(status=TicketStatus.WAITING) for _row in range(2)]
    closed = [TicketFactory(status=TicketStatus.CLOSED) for _row in range(2)]
    assert listed(Queue.WAITING, agent) == waiting
    assert listed(Queue.CLOSED, agent) == closed[::-1]


@pytest.mark.parametrize("rows", [1, 3])
def test_all_queues_are_counted_in_one_query(agent, rows, django_assert_num_queries):
    for _row in range(rows):
        TicketFactory(next_due_at=LATE, answered_at=NOW)
        TicketFactory(assignee=agent, status=TicketStatus.WAITING)
        TicketFactory(assignee=agent, status=TicketStatus.CLOSED)
    with django_assert_num_queries(1):
        counts = count_queues(agent)
    assert counts == {
        Queue.MINE: rows,
        Queue.FREE: rows,
        Queue.ANSWERED: rows,
        Queue.LATE: rows,
        Queue.WAITING: rows,
        Queue.OPEN: 2 * rows,
        Queue.CLOSED: rows,
    }


def test_counts_end_after_what_is_shown(agent, product, anna):
    row = {"requester": anna, "product": product, "title": "а", "description": "б", "face": "bot"}
    Ticket.objects.bulk_create(Ticket(**row) for _row in range(COUNTED + 5))
    assert count_queues(agent)[Queue.OPEN] == COUNTED + 1


def test_counts_are_of_the_agent_and_the_moment_that_ask(agent, monkeypatch):
    """They are compiled once: what another asked before must not come again."""
    other = AgentFactory()
    TicketFactory(assignee=other, next_due_at=SOON)
    TicketFactory(assignee=agent, snoozed_until=LATER)
    asked = [(who, at) for who in (agent, other) for at in (NOW, LATER)]
    counted = []
    for who, at in asked:
        monkeypatch.setattr("tickets.queue.timezone.now", lambda at=at: at)
        counts = count_queues(who)
        counted.append((counts[Queue.MINE], counts[Queue.LATE]))
    assert counted == [(0, 0), (1, 1), (1, 0), (1, 1)]


INDEXES = {
    Queue.MINE: "ticket_due_of_agent",
    Queue.FREE: "ticket_due_of_agent",
    Queue.ANSWERED: "ticket_customer_answered",
    Queue.LATE: "ticket_due",
    Queue.WAITING: "ticket_by_status",
    Queue.OPEN: "ticket_due",
    Queue.CLOSED: "ticket_by_status",
}


def read_by_index() -> None:
    """Else PostgreSQL reads an empty table through."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")


@pytest.mark.parametrize("queue", Queue)
def test_queue_is_read_in_the_order_of_an_index(agent, queue):
    read_by_index()
    rows = in_queue(Ticket.objects.all(), queue, agent).order_by(*order_of(queue))
    plan = rows[:51].explain()
    assert INDEXES[queue] in plan.split()
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    ("name", "value"), [("face", Face.API), ("priority", "critical"), ("score", 1)]
)
def test_what_few_closed_tickets_have_is_read_by_an_index(agent, name, value):
    read_by_index()
    rows = in_queue(Ticket.objects.filter(**{name: value}), Queue.CLOSED, agent)
    plan = rows.order_by(*order_of(Queue.CLOSED))[:51].explain()
    assert f"ticket_closed_{name}" in plan.split()
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


def test_found_tickets_come_newest_first(db):
    tickets = [TicketFactory(), TicketFactory()]
    assert list(Ticket.objects.order_by(*BY_NUMBER)) == tickets[::-1]
