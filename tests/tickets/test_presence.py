"""Who has a card open and writes there, and what came meanwhile."""

from datetime import timedelta

import pytest

from tests.factories import AgentFactory, let_serve, open_ticket
from tests.threads import in_parallel
from tickets import recording, services
from tickets.comments import add_comment
from tickets.models import Presence, Priority
from tickets.presence import (
    KEPT_FOR,
    DeskNews,
    Other,
    delete_old_presences,
    give_sign,
    leave,
    news_for_desk,
)
from tickets.resting import WOKEN


@pytest.fixture
def ticket(anna):
    return open_ticket(anna)


@pytest.fixture
def igor(db):
    return AgentFactory(first_name="Игорь", last_name="Петров")


@pytest.fixture
def maria(db):
    return AgentFactory(first_name="Мария", last_name="Ли")


def look(user, ticket, writes=False):
    return give_sign(user=user, ticket=ticket, writes=writes)


def test_two_see_each_other_and_nobody_themselves(ticket, igor, maria):
    assert look(igor, ticket) == []
    assert look(maria, ticket) == [Other("Игорь П.", writes=False)]
    assert look(igor, ticket) == [Other("Мария Л.", writes=False)]


def test_who_writes_is_seen_at_once_and_until_they_rest(ticket, igor, maria, clock):
    look(igor, ticket)
    clock.advance(seconds=1)
    look(igor, ticket, writes=True)
    assert look(maria, ticket) == [Other("Игорь П.", writes=True)]
    clock.advance(seconds=2)
    look(igor, ticket)  # the sign that they have stopped is written at once, too
    assert look(maria, ticket) == [Other("Игорь П.", writes=False)]


def test_who_left_is_gone(ticket, igor, maria, clock):
    look(igor, ticket)
    leave(user=igor, ticket=ticket)
    assert look(maria, ticket) == []
    look(igor, ticket)
    clock.advance(seconds=9)  # a browser that ended says nothing
    assert look(maria, ticket) == []


def test_other_tickets_have_their_own_readers(ticket, anna, igor, maria):
    look(igor, open_ticket(anna))
    assert look(maria, ticket) == []


def test_writes_are_bounded(ticket, igor, clock, django_assert_num_queries):
    with django_assert_num_queries(2):
        look(igor, ticket)
    for _sign in range(2):
        clock.advance(seconds=1)
        with django_assert_num_queries(1):
            look(igor, ticket)
    clock.advance(seconds=2)
    with django_assert_num_queries(2):
        look(igor, ticket)
    assert Presence.objects.count() == 1


@pytest.mark.parametrize("number", [1, 3])
def test_query_count(ticket, igor, number, django_assert_num_queries):
    look(igor, ticket)
    for _other in range(number):
        look(AgentFactory(), ticket)
    with django_assert_num_queries(1):
        look(igor, ticket)


@pytest.mark.django_db(transaction=True)
def test_tabs_of_one_person_do_not_collide(ticket, igor):
    in_parallel(*[lambda: look(igor, ticket, writes=True)] * 8)
    assert Presence.objects.count() == 1


def test_old_rows_go(ticket, igor, maria, clock):
    look(igor, ticket)
    clock.advance(seconds=KEPT_FOR.total_seconds() + 1)
    look(maria, ticket)
    delete_old_presences()
    assert Presence.objects.get().user == maria
    assert timedelta(minutes=1) < KEPT_FOR


def test_news_are_told_apart(ticket, by_agent, by_anna, igor, maria):
    seen = ticket.events.latest("pk").pk
    assert news_for_desk(ticket, seen, maria) == DeskNews()
    services.set_priority(ticket=ticket, priority=Priority.HIGH, actor=by_agent)
    assert news_for_desk(ticket, seen, maria) == DeskNews(changes=1)
    add_comment(ticket=ticket, actor=recording.agent(igor), body="Для нас", internal=True)
    add_comment(ticket=ticket, actor=by_anna, body="Вопрос")
    add_comment(ticket=ticket, actor=by_agent, body="Ответ", takes_to_work=False)
    news = news_for_desk(ticket, seen, maria)
    assert news == DeskNews(by_customers=1, by_agents=1, notes=1, changes=1)
    assert news.number == 4
    mine = news_for_desk(ticket, seen, igor)
    assert mine == DeskNews(by_customers=1, by_agents=1, by_oneself=1, changes=1)
    assert mine.number == 4
    assert news_for_desk(ticket, ticket.events.latest("pk").pk, maria) == DeskNews()


@pytest.mark.parametrize(
    ("kind", "value"),
    [(recording.Kind.DUE, "answer_late"), (recording.Kind.SNOOZED, WOKEN)],
)
def test_what_a_clock_notes_is_no_news_and_refuses_no_answer(ticket, clock, maria, kind, value):
    seen = ticket.events.latest("pk").pk
    clock.advance(minutes=61)
    recording.record(ticket, kind, recording.SYSTEM, new=value)
    assert news_for_desk(ticket, seen, maria) == DeskNews()
    let_serve(maria)
    services.work_on_ticket(ticket=ticket, actor=recording.agent(maria), seen=seen, body="Смотрим.")
