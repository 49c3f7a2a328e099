"""«Вопрос решён»: the requester closes an open ticket, and may say how it went."""

from datetime import timedelta

import pytest
from django.core import mail

from tests.factories import (
    AgentFactory,
    OrganizationFactory,
    TicketFactory,
    UserFactory,
    let_serve,
)
from tests.threads import in_parallel
from tests.tickets.traces import happened
from tickets import recording, services
from tickets.delivery import drain
from tickets.models import Delivery, Face, Ticket, TicketEvent
from tickets.notices import LAST_PARTS, Audience, Notice, NoticeKind, notices_of
from tickets.recording import SYSTEM, customer
from tickets.refusals import AlreadyDone, NotRateable, NotYours
from tickets.services import RATING_TIME, close_by_requester, is_rateable, rate_ticket
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db
OPEN = [status for status in TicketStatus if status != TicketStatus.CLOSED]
DESK = "desk@support.example"


@pytest.fixture(autouse=True)
def _desk(settings):
    settings.STAFF_EMAIL = DESK


def state_of(ticket):
    ticket.refresh_from_db()
    return ticket.status, ticket.score, ticket.rating_comment


@pytest.mark.parametrize("status", OPEN)
def test_open_ticket_is_closed_by_its_requester(anna, by_anna, status):
    ticket = TicketFactory(requester=anna, status=status)
    close_by_requester(ticket=ticket, actor=by_anna)
    assert state_of(ticket) == ("closed", None, "")
    assert ticket.closed_at is not None
    assert happened() == [("status", status, "closed")]


def test_words_alone_are_the_last_comment(ticket, by_anna):
    close_by_requester(ticket=ticket, actor=by_anna, text="Перезапуск помог")
    comment = ticket.comments.get()
    assert (comment.body, comment.by_agent) == ("Перезапуск помог", False)
    assert ticket.events.get().comment == comment
    assert state_of(ticket) == ("closed", None, "")


def test_words_beside_a_score_belong_to_it(ticket, by_anna):
    close_by_requester(ticket=ticket, actor=by_anna, score=2, text="Ждала неделю")
    assert state_of(ticket) == ("closed", 2, "Ждала неделю")
    assert not ticket.comments.exists()
    assert happened() == [("rated", "", "2"), ("status", "new", "closed")]


@pytest.mark.parametrize("text", ["", "  ", "\u200b"])
def test_nothing_readable_is_no_word(ticket, by_anna, text):
    close_by_requester(ticket=ticket, actor=by_anna, score=5, text=text)
    assert state_of(ticket) == ("closed", 5, "")


@pytest.mark.parametrize("score", [0, 6, -1, 4.5])
def test_other_scores_are_an_error_and_close_nothing(ticket, by_anna, score):
    with pytest.raises(ValueError, match="not 1 to 5"):
        close_by_requester(ticket=ticket, actor=by_anna, score=score)
    assert state_of(ticket) == ("new", None, "")
    assert happened() == []


def test_nobody_else_closes_it_so(boris):
    anna = UserFactory(organization=OrganizationFactory(shares_tickets=True))
    colleague = UserFactory(organization=anna.organization)
    ticket = TicketFactory(requester=anna)
    assert Ticket.objects.visible_to(colleague).get() == ticket
    strangers = [customer(who, Face.PORTAL) for who in (colleague, boris)]
    for actor in [*strangers, recording.agent(AgentFactory()), SYSTEM]:
        with pytest.raises(NotYours):
            close_by_requester(ticket=ticket, actor=actor)
    assert state_of(ticket)[0] == "new"


def test_second_closing_is_answered_kindly(ticket, by_anna):
    close_by_requester(ticket=ticket, actor=by_anna)
    with pytest.raises(AlreadyDone):
        close_by_requester(ticket=ticket, actor=by_anna, score=5)
    assert state_of(ticket) == ("closed", None, "")


@pytest.mark.django_db(transaction=True)
def test_closings_at_once_are_one(ticket, by_anna):
    def close():
        return close_by_requester(ticket=ticket, actor=by_anna, score=4)

    results = in_parallel(*[close] * 6)
    assert sorted(type(result).__name__ for result in results) == ["AlreadyDone"] * 5 + ["Ticket"]
    assert happened() == [("rated", "", "4"), ("status", "new", "closed")]


# A score afterwards


def test_score_may_follow_once(ticket, by_anna):
    close_by_requester(ticket=ticket, actor=by_anna)
    assert is_rateable(Ticket.objects.get())
    rate_ticket(ticket=ticket, actor=by_anna, score=3, text="Сами разобрались")
    assert state_of(ticket) == ("closed", 3, "Сами разобрались")
    assert happened() == [("status", "new", "closed"), ("rated", "", "3")]
    with pytest.raises(AlreadyDone):
        rate_ticket(ticket=ticket, actor=by_anna, score=5)


def test_score_may_follow_for_a_day(ticket, by_anna, clock):
    close_by_requester(ticket=ticket, actor=by_anna)
    clock.advance(seconds=RATING_TIME.total_seconds() - 5)
    assert is_rateable(Ticket.objects.get())
    clock.advance(seconds=10)
    assert not is_rateable(Ticket.objects.get())
    with pytest.raises(NotRateable):
        rate_ticket(ticket=ticket, actor=by_anna, score=5)


def test_what_others_closed_is_not_rated(anna, agent, by_anna):
    # An agent who asked for help, too, closes at the desk, not as a requester
    of_agent = TicketFactory(requester=agent)
    services.change_status(
        ticket=of_agent, to=TicketStatus.CLOSED, actor=recording.agent(agent), answer="Готово."
    )
    by_system = TicketFactory(requester=anna, status=TicketStatus.RESOLVED)
    services.change_status(ticket=by_system, to=TicketStatus.CLOSED, actor=SYSTEM)
    for ticket, actor in ((of_agent, customer(agent, Face.PORTAL)), (by_system, by_anna)):
        assert not is_rateable(Ticket.objects.get(pk=ticket.pk))
        with pytest.raises(NotRateable):
            rate_ticket(ticket=ticket, actor=actor, score=5)


@pytest.mark.parametrize(
    "status", [TicketStatus.NEW, TicketStatus.IN_PROGRESS, TicketStatus.WAITING]
)
def test_rating_closes_nothing_that_is_in_work(anna, by_anna, status):
    ticket = TicketFactory(requester=anna, status=status)
    with pytest.raises(NotRateable) as refusal:
        rate_ticket(ticket=ticket, actor=by_anna, score=5)
    assert refusal.value.code == "not_rateable"
    assert state_of(ticket) == (status, None, "")


# Who hears of it


def event_of(ticket, actor, old, by_agent=False):
    return TicketEvent(
        ticket=ticket, kind=TicketEvent.Kind.STATUS, actor=actor, by_agent=by_agent,
        old_value=old, new_value=TicketStatus.CLOSED,
    )  # fmt: skip


@pytest.mark.parametrize("old", OPEN)
def test_staff_hear_that_work_ends(ticket, anna, agent, old):
    is_news = old != TicketStatus.RESOLVED  # that work was done already
    event = event_of(ticket, anna, old)
    for_staff = [row for row in notices_of(event) if row.audience == Audience.STAFF]
    told = Notice(NoticeKind.STAFF_CLOSED, event, Audience.STAFF, delay=LAST_PARTS)
    assert for_staff == ([told] if is_news else [])
    by_agent = event_of(ticket, agent, old, by_agent=True)
    assert [row for row in notices_of(by_agent) if row.audience == Audience.STAFF] == []


def letters(clock):
    clock.advance(seconds=LAST_PARTS.total_seconds() + 1)
    drain("email")
    return mail.outbox


def test_letter_has_the_score_and_the_words_given_after(ticket, by_anna, clock):
    close_by_requester(ticket=ticket, actor=by_anna)
    rate_ticket(ticket=ticket, actor=by_anna, score=2, text="Ждала <неделю> &amp;")
    [letter] = letters(clock)
    assert letter.to == [DESK]
    assert letter.subject == f"Клиент закрыл заявку № {ticket.pk}"
    assert "Оценка: 2 из 5." in letter.body
    assert "Ждала <неделю> &amp;" in letter.body
    assert "Ждала &lt;неделю&gt; &amp;amp;" in letter.alternatives[0][0]
    assert "работать над ней больше не нужно" in letter.alternatives[0][0]


def test_letter_has_the_last_comment_and_no_score(ticket, agent, by_anna, clock):
    let_serve(agent)
    Ticket.objects.update(assignee=agent)
    close_by_requester(ticket=ticket, actor=by_anna, text="Разобрались <сами>")
    [letter] = letters(clock)
    assert letter.to == [agent.email]
    assert "Разобрались <сами>" in letter.body
    assert "Разобрались &lt;сами&gt;" in letter.alternatives[0][0]
    assert "Оценка" not in letter.body


def test_requester_and_client_hear_nothing(ticket, by_anna):
    close_by_requester(ticket=ticket, actor=by_anna, score=5)
    assert [row.kind for row in Delivery.objects.all()] == ["staff_closed"]


def test_closing_moves_the_ticket_in_the_lists_of_customers(ticket, by_anna):
    Ticket.objects.update(changed_at=ticket.created_at - timedelta(days=1))
    close_by_requester(ticket=ticket, actor=by_anna)
    ticket.refresh_from_db()
    assert ticket.version == ticket.events.get().pk
    assert ticket.changed_at == ticket.events.get().created_at
