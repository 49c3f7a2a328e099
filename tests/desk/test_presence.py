"""What an open card hears: who else is there, and what came meanwhile."""

import pytest
from django.test import Client

from tests.desk.test_ticket_card import form_of
from tests.factories import AgentFactory, open_ticket
from tickets import services
from tickets.comments import add_comment
from tickets.models import Presence, Priority
from tickets.recording import agent


@pytest.fixture
def ticket(anna):
    return open_ticket(anna)


@pytest.fixture
def maria(db):
    maria = AgentFactory(first_name="Мария", last_name="Ли", is_superuser=True)
    client = Client()
    client.force_login(maria)
    return client


def ask(client, ticket, **given):
    data = {"seen": ticket.events.latest("pk").pk} | given
    response = client.post(form_of(ticket, "presence"), data)
    assert response.status_code == 200
    return response.json()


def test_card_says_who_else_is_there(desk, maria, ticket):
    assert ask(maria, ticket) == {"others": "", "news": "", "number": 0}
    assert ask(desk, ticket)["others"] == "Карточка открыта ещё у: Мария Л."
    ask(maria, ticket, writes="1")
    assert ask(desk, ticket)["others"] == "Сейчас пишет: Мария Л."
    ask(maria, ticket, leaves="1")
    assert ask(desk, ticket)["others"] == ""


def test_card_says_what_came(maria, ticket, by_anna, by_agent):
    seen = ticket.events.latest("pk").pk
    services.set_priority(ticket=ticket, priority=Priority.HIGH, actor=by_agent)
    assert ask(maria, ticket, seen=seen)["news"] == "Заявка изменилась — показать"
    add_comment(ticket=ticket, actor=by_agent, body="Для нас", internal=True)
    assert ask(maria, ticket, seen=seen)["news"] == "Новая внутренняя заметка — показать"
    add_comment(ticket=ticket, actor=by_agent, body="Ответ", takes_to_work=False)
    assert ask(maria, ticket, seen=seen)["news"] == "Другой специалист ответил клиенту — показать"
    add_comment(ticket=ticket, actor=by_anna, body="Вопрос")
    told = ask(maria, ticket, seen=seen)
    assert (told["news"], told["number"]) == ("Новый комментарий клиента — показать", 4)


def test_words_of_another_tab_are_not_another_agents(desk, ticket, specialist):
    seen = ticket.events.latest("pk").pk
    add_comment(ticket=ticket, actor=agent(specialist), body="Ответ", takes_to_work=False)
    assert ask(desk, ticket, seen=seen)["news"] == "Вы написали в другой вкладке — показать"


def test_nothing_is_written_on_a_read(desk, ticket):
    assert desk.get(form_of(ticket, "presence")).status_code == 200
    assert not Presence.objects.exists()


@pytest.mark.parametrize("number", [1, 3])
def test_query_count(desk, ticket, specialist, number, django_assert_num_queries):
    for _other in range(number):
        Presence.objects.create(ticket=ticket, user=AgentFactory())
    ask(desk, ticket)
    # session, user, 2 of rights, ticket, presences, news; an idle session is not kept alive
    with django_assert_num_queries(7):
        desk.post(form_of(ticket, "presence"), {"seen": "1"})


def test_presence_needs_the_right_to_see_tickets(client, anna, ticket):
    client.force_login(AgentFactory())
    assert client.post(form_of(ticket, "presence"), {}).status_code == 403
    client.force_login(anna)
    assert client.post(form_of(ticket, "presence"), {}).url.startswith("/admin/login/")
    assert not Presence.objects.exists()


def test_missing_ticket_is_a_404(desk):
    assert desk.post("/admin/tickets/ticket/999/presence/", {}).status_code == 404
