"""What open pages ask for by themselves: cheap, quiet, and no reason to stay signed in."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Session
from tests.factories import PASSWORD, TicketFactory, open_ticket
from tests.portal.pages import text, url
from tickets import recording, services
from tickets.comments import add_comment, correct_comment
from tickets.models import Face, Priority, Ticket, TicketEvent, TicketRead
from tickets.recording import customer
from tickets.status import TicketStatus

pytestmark = pytest.mark.usefixtures("logged_in")


@pytest.fixture
def seen(ticket):
    """The last event that an open page shows."""
    return TicketEvent.objects.latest("pk").pk


def answer(ticket, agent, body="Ответ", **given):
    return add_comment(ticket=ticket, actor=recording.agent(agent), body=body, **given)


def ask(client, ticket, seen, awaiting=""):
    return client.get(url("ticket_live", ticket), {"after": seen, "awaiting": awaiting})


def told(response) -> dict:
    assert response.status_code == 200
    return json.loads(response.content)


# A ticket's page


def test_nothing_new_is_no_content(client, ticket, seen):
    response = ask(client, ticket, seen)
    assert (response.status_code, response.content) == (204, b"")
    assert "no-store" in response["Cache-Control"]


def test_answer_is_told_and_a_note_is_not(client, agent, ticket, seen):
    answer(ticket, agent, "Тайна", internal=True)
    assert ask(client, ticket, seen).status_code == 204
    answer(ticket, agent)
    news = told(ask(client, ticket, seen))
    assert (news["words"], news["number"]) == ("Новый ответ — показать", 1)
    answer(ticket, agent)
    news = told(ask(client, ticket, seen))
    assert (news["words"], news["number"]) == ("Новые ответы — показать", 2)
    assert ask(client, ticket, TicketEvent.objects.latest("pk").pk).status_code == 204


def test_changes_own_words_and_corrections(client, anna, agent, ticket, seen):
    made = add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Из чата")
    news = told(ask(client, ticket, seen))
    assert (news["words"], news["number"]) == ("Новое в заявке — показать", 0)
    seen = TicketEvent.objects.latest("pk").pk
    correct_comment(comment=made, actor=customer(anna, Face.BOT), old="Из чата", new="Из бота")
    assert ask(client, ticket, seen).status_code == 204
    services.set_priority(ticket=ticket, priority=Priority.HIGH, actor=recording.agent(agent))
    news = told(ask(client, ticket, seen))
    assert (news["words"], news["number"]) == ("Новое в заявке — показать", 1)


def test_badge_is_told_when_it_differs(client, anna, agent, ticket, seen):
    other = open_ticket(anna)
    services.change_status(
        ticket=other, to=TicketStatus.WAITING, actor=recording.agent(agent), answer="Готово."
    )
    news = told(ask(client, ticket, seen))
    assert (news["awaiting"], news["words"]) == ("1", "")
    assert news["badge"].startswith('<a class="badge" href="/?tab=awaiting">1<')
    assert ask(client, ticket, seen, awaiting="1").status_code == 204


@pytest.mark.parametrize("name", ["ticket_live", "ticket_news"])
def test_foreign_and_missing_look_the_same(client, boris, name):
    foreign = TicketFactory(requester=boris)
    answers = [
        client.get(reverse(name, args=[number]), {"after": 0})
        for number in (foreign.pk, foreign.pk + 1000, 10**30)
    ]
    assert [response.status_code for response in answers] == [404, 404, 404]


@pytest.mark.each_case
@pytest.mark.parametrize("name", ["ticket_live", "ticket_news"])
@pytest.mark.parametrize("after", ["", "x", "-1", "٥", "9" * 30, "1;--"])
def test_odd_place_is_a_bad_request(client, ticket, name, after):
    assert client.get(url(name, ticket), {"after": after}).status_code == 400


@pytest.mark.parametrize("news", [0, 30])
def test_asking_is_four_reads(client, agent, ticket, seen, news, django_assert_num_queries):
    for number in range(news):
        answer(ticket, agent, f"Ответ {number}")
    with django_assert_num_queries(4) as asked:
        ask(client, ticket, seen)
    assert all(query["sql"].startswith("SELECT") for query in asked.captured_queries)


# What came, as parts of the page


def test_news_are_the_entries_after_what_is_shown(client, agent, ticket, seen):
    answer(ticket, agent, "Тайна", internal=True)
    first = answer(ticket, agent, "Первый <b>")
    services.change_status(
        ticket=ticket, to=TicketStatus.WAITING, actor=recording.agent(agent), answer="Готово."
    )
    page = text(client.get(url("ticket_news", ticket), {"after": seen}))
    assert page.count("<li ") == 3  # the first answer gave the ticket its assignee
    assert f'id="comment-{first.pk}"' in page
    assert "Первый &lt;b&gt;" in page
    assert "Тайна" not in page
    assert "Белый экран" not in page
    assert "Статус заявки изменился." in page
    assert "chip-waiting" in page
    version = Ticket.objects.get().version
    assert f'data-shown="{version}"' in page
    assert TicketRead.objects.get().version == version


def test_news_queries(client, agent, ticket, seen, django_assert_num_queries):
    for number in range(3):
        answer(ticket, agent, f"Ответ {number}")
    client.get(url("ticket_news", ticket), {"after": seen})
    with django_assert_num_queries(5):
        client.get(url("ticket_news", ticket), {"after": seen})


# Any page, and the list


def list_state(client, since, **given):
    return client.get(reverse("live"), {"since": since.isoformat(), **given})


@pytest.mark.parametrize(
    "since",
    [
        "", "вчера", "2026-11-27", "2026-02-30T00:00:00Z", "2026-11-27T00:00:00",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    ],
)  # fmt: skip
def test_no_moment_is_a_bad_request(client, ticket, since):
    """Also one that only another zone has."""
    response = client.get(reverse("live"), {"since": since, "list": "open"})
    assert response.status_code == 400


def test_list_hears_of_what_others_changed(client, anna, boris, agent, ticket):
    since = timezone.now()
    assert list_state(client, since, list="open").status_code == 204
    add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Мои слова")
    answer(ticket, agent, "Заметка", internal=True)
    answer(open_ticket(boris), agent)
    assert list_state(client, since, list="open").status_code == 204
    answer(ticket, agent)
    news = told(list_state(client, since, list="open"))
    assert (news["words"], news["number"]) == ("Новое — обновить", 1)
    assert list_state(client, since).status_code == 204  # a page that shows no list
    assert list_state(client, timezone.now(), list="open").status_code == 204


def test_list_hears_of_a_ticket_that_left_it(client, agent, resolved):
    since = timezone.now()
    services.change_status(
        ticket=resolved, to=TicketStatus.CLOSED, actor=recording.agent(agent), answer="Готово."
    )
    assert told(list_state(client, since, list="open"))["number"] == 1


@pytest.mark.parametrize(("shares", "number"), [(True, 1), (False, 0)])
def test_list_of_the_organization_hears_of_its_tickets(
    client, anna, boris, agent, ticket, shares, number
):
    anna.organization.shares_tickets = shares
    anna.organization.save()
    boris.organization = anna.organization
    boris.save()
    client.force_login(boris)
    since = timezone.now()
    answer(ticket, agent)
    response = list_state(client, since, list="organization")
    assert (told(response)["number"] if number else response.status_code) == (number or 204)
    assert list_state(client, since, list="open").status_code == 204


@pytest.mark.each_case
@pytest.mark.parametrize("tickets", [1, 30])
def test_list_asks_with_four_reads(client, anna, product, tickets, django_assert_num_queries):
    since = timezone.now() - timedelta(hours=1)
    TicketFactory.create_batch(tickets, requester=anna, product=product)
    with django_assert_num_queries(4):
        assert told(list_state(client, since, list="open"))["number"] == tickets


@pytest.mark.each_case
@pytest.mark.parametrize("since", ["", "x", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z"])
def test_odd_time_is_a_bad_request(client, since):
    assert client.get(reverse("live"), {"since": since}).status_code == 400


# The session


def test_asking_pages_let_an_idle_session_end(anna, ticket, clock):
    client = Client()
    client.post("/login/", {"username": "anna", "password": PASSWORD})
    row = Session.objects.filter(user=anna).latest("seen_at")
    asked = {url("ticket_live", ticket): {"after": 0}}
    asked[reverse("live")] = {"since": timezone.now().isoformat()}
    for _hour in range(12):
        clock.advance(minutes=59)
        for path, query in asked.items():
            response = client.get(path, query)
            assert response.status_code in (200, 204)
            assert "sessionid" not in response.cookies
    now = Session.objects.get(pk=row.pk)
    assert (now.seen_at, now.expire_date) == (row.seen_at, row.expire_date)
    clock.advance(minutes=15)
    for path, query in asked.items():
        response = client.get(path, query)
        assert (response.status_code, response.content) == (401, b"")


@pytest.mark.parametrize("name", ["ticket_live", "ticket_news"])
def test_strangers_are_told_so_without_a_login_page(ticket, name):
    assert Client().get(url(name, ticket), {"after": 0}).status_code == 401


def test_asking_is_get_only(client, ticket):
    assert client.post(url("ticket_live", ticket), {"after": 0}).status_code == 405
