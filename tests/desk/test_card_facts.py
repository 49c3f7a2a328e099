"""Priority, assignee and the buttons of the head: without words, and over nobody's change."""

import pytest

from tests.desk.test_ticket_card import card, form_of, kinds, state
from tests.factories import AgentFactory, SpecialistFactory, open_ticket
from tickets.models import Priority, Ticket
from tickets.refusals import AssigneeCannotServe
from tickets.services import assign_ticket, change_status, set_priority
from tickets.status import TicketStatus

CHANGED = "это изменил другой специалист"


@pytest.fixture
def ticket(anna, product):
    return open_ticket(anna, product=product)


@pytest.fixture
def other(db):
    return SpecialistFactory(first_name="Мария", last_name="Ли")


def facts(ticket, **given):
    ticket.refresh_from_db()
    assignee = ticket.assignee_id or ""
    shown = {"priority": ticket.priority, "assignee": assignee}
    return shown | {f"initial-{name}": value for name, value in shown.items()} | given


def text(response):
    assert response.status_code == 200
    return response.content.decode()


def test_both_change_in_one_go_without_words(desk, ticket, other):
    data = facts(ticket, priority="high", assignee=other.pk)
    for _press in range(2):
        assert desk.post(form_of(ticket, "facts"), data).url == card(ticket)
    assert state(ticket) == ("new", "high", other.pk)
    assert kinds(ticket) == ["created", "priority", "assigned"]


def test_what_was_left_alone_is_not_put_back(desk, ticket, other, by_agent):
    data = facts(ticket, assignee=other.pk)
    set_priority(ticket=ticket, priority=Priority.CRITICAL, actor=by_agent)
    desk.post(form_of(ticket, "facts"), data)
    assert state(ticket) == ("new", "critical", other.pk)


@pytest.mark.parametrize("name", ["priority", "assignee"])
def test_what_another_has_changed_is_not_overwritten(desk, ticket, other, by_agent, name):
    data = facts(ticket, priority="low", assignee=SpecialistFactory().pk)
    if name == "priority":
        set_priority(ticket=ticket, priority=Priority.CRITICAL, actor=by_agent)
    else:
        assign_ticket(ticket=ticket, assignee=other, actor=by_agent)
    before = state(ticket)
    assert CHANGED in text(desk.post(form_of(ticket, "facts"), data))
    assert state(ticket) == before


def test_customer_or_left_agent_cannot_be_assigned(desk, ticket, boris):
    left = AgentFactory(is_active=False)
    for person in (boris, left):
        page = text(desk.post(form_of(ticket, "facts"), facts(ticket, assignee=person.pk)))
        assert f'<p class="wrong">{AssigneeCannotServe()}</p>' in page
        assert state(ticket)[2] is None
    Ticket.objects.filter(pk=ticket.pk).update(assignee=left)
    desk.post(form_of(ticket, "facts"), facts(ticket, priority="high"))
    assert state(ticket) == ("new", "high", left.pk)


def test_assignee_is_chosen_among_agents(desk, ticket, specialist, anna, other):
    choices = dict(desk.get(card(ticket)).context["facts"].fields["assignee"].widget.choices)
    assert set(choices) == {"", specialist.pk, other.pk}


def test_take_is_one_press(desk, ticket, specialist):
    assert "Взять себе" in text(desk.get(card(ticket)))
    for _press in range(2):
        assert desk.post(form_of(ticket, "take"), {"shown": ""}).url == card(ticket)
    assert state(ticket) == ("in_progress", "medium", specialist.pk)
    assert kinds(ticket) == ["created", "status", "assigned"]
    assert "Взять себе" not in text(desk.get(card(ticket)))


def test_nobody_takes_what_another_took_meanwhile(desk, ticket, other, by_agent):
    assign_ticket(ticket=ticket, assignee=other, actor=by_agent)
    page = desk.post(form_of(ticket, "take"), {"shown": ""}, follow=True)
    assert CHANGED in text(page)
    assert state(ticket) == ("new", "medium", other.pk)
    desk.post(form_of(ticket, "take"), {"shown": other.pk})
    assert state(ticket)[0] == "in_progress"


@pytest.mark.parametrize("status", ["waiting", "resolved"])
def test_taking_moves_only_what_is_new(desk, ticket, other, specialist, status, by_agent):
    assign_ticket(ticket=ticket, assignee=other, actor=by_agent)
    change_status(ticket=ticket, to=TicketStatus(status), actor=by_agent, answer="Слова")
    desk.post(form_of(ticket, "take"), {"shown": other.pk})
    assert state(ticket) == (status, "medium", specialist.pk)
    desk.post(form_of(ticket, "resume"))
    assert state(ticket)[0] == "in_progress"


def test_get_of_a_button_does_nothing(desk, ticket):
    for name in ("take", "resume", "facts", "note"):
        assert desk.get(form_of(ticket, name)).url == card(ticket)
    assert kinds(ticket) == ["created"]
