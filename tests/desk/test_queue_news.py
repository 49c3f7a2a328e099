"""What agents have not seen: the mark of a row, and what is put off and back."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Session
from tests.factories import (
    AgentFactory,
    ProductFactory,
    SpecialistFactory,
    TicketFactory,
    open_ticket,
)
from tickets.comments import add_comment
from tickets.models import Face, Ticket, TicketEvent, TicketRead
from tickets.recording import SYSTEM, customer, record
from tickets.recording import agent as as_agent
from tickets.snoozing import snooze, tell_of_woken_tickets

LIST = "/admin/tickets/ticket/"


def numbers(response) -> list[int]:
    return [ticket.pk for ticket in response.context["cl"].result_list]


def text(response) -> str:
    return " ".join(response.content.decode().split())


def is_marked(response) -> bool:
    return '<span class="visually-hidden">Есть новое</span>' in text(response)


# The mark


def test_row_is_marked_until_its_card_was_opened(desk, anna, product):
    ticket = open_ticket(anna, product=product)
    assert is_marked(desk.get(LIST))
    desk.get(f"{LIST}{ticket.pk}/change/")
    assert not is_marked(desk.get(LIST))
    add_comment(ticket=ticket, actor=as_agent(AgentFactory()), body="Заметка.", internal=True)
    assert is_marked(desk.get(LIST))


def test_list_marks_nothing_as_seen(desk, anna, product):
    open_ticket(anna, product=product)
    desk.get(LIST)
    assert not TicketRead.objects.exists()


def test_card_writes_only_what_is_newer(desk, anna, product, django_assert_num_queries):
    card = f"{LIST}{open_ticket(anna, product=product).pk}/change/"
    desk.get(card)
    before = TicketRead.objects.get().version
    desk.get(card)
    assert TicketRead.objects.get().version == before


def test_mark_is_each_agents_own(desk, client, anna, product):
    ticket = open_ticket(anna, product=product)
    desk.get(f"{LIST}{ticket.pk}/change/")
    client.force_login(AgentFactory(is_superuser=True))
    assert is_marked(client.get(LIST))


# Put off


@pytest.fixture
def soon():
    return timezone.now() + timedelta(hours=2)


def test_put_off_ticket_says_until_when(desk, soon):
    ticket = TicketFactory(snoozed_until=soon)
    assert numbers(desk.get(LIST, {"tab": "free"})) == []
    page = text(desk.get(LIST))
    assert re.search(r"отложена до (\d\d\.\d\d )?\d\d:\d\d", page)
    assert f">{ticket.title}</a>" in page
    assert "вернулась" not in page


def test_what_is_back_stands_on_top_of_the_first_page(desk, monkeypatch):
    monkeypatch.setattr("desk.tickets.TicketAdmin.list_per_page", 2)
    now = timezone.now()
    due = [TicketFactory(next_due_at=now + timedelta(hours=hours)).pk for hours in range(4)]
    back = TicketFactory(snoozed_until=now - timedelta(minutes=1)).pk
    pages = [desk.get(LIST, {"tab": "free", "p": page}) for page in (1, 2, 3)]
    assert [numbers(page) for page in pages] == [[back, due[0]], due[1:3], due[3:]]
    assert "вернулась" in text(pages[0])
    assert "вернулась" not in text(pages[1])


def test_more_back_than_a_page_go_on_to_the_next(desk, monkeypatch):
    monkeypatch.setattr("desk.tickets.TicketAdmin.list_per_page", 2)
    now = timezone.now()
    late = TicketFactory(next_due_at=now).pk
    back = [
        TicketFactory(snoozed_until=now - timedelta(minutes=minutes)).pk for minutes in (3, 2, 1)
    ]
    pages = [numbers(desk.get(LIST, {"p": page})) for page in (1, 2, 3)]
    assert pages == [back[:2], [back[2], late], [back[0], back[1]]]


@pytest.mark.parametrize("is_written", [True, False])
def test_ticket_put_off_comes_back_in_time_or_with_its_customer(
    desk, clock, anna, product, is_written
):
    ticket = open_ticket(anna, product=product)
    other = as_agent(SpecialistFactory())
    snooze(ticket=ticket, until=timezone.now() + timedelta(minutes=40), actor=other)
    TicketFactory(next_due_at=timezone.now() - timedelta(hours=1))
    tab = {"tab": "free"}
    assert ticket.pk not in numbers(desk.get(LIST, tab))
    if is_written:
        add_comment(ticket=ticket, actor=customer(anna, Face.PORTAL), body="Уже сегодня!")
    else:
        clock.advance(minutes=41)
    response = desk.get(LIST, tab)
    assert numbers(response)[0] == ticket.pk
    assert "вернулась" in text(response)
    add_comment(ticket=ticket, actor=other, body="Смотрим.")
    assert "вернулась" not in text(desk.get(LIST, tab))


# What has come since the page was made


def since(page) -> str:
    return re.search(r'data-url="([^"]+)"', text(page))[1].replace("&amp;", "&")


def news(client, page) -> str:
    response = client.get(since(page))
    return response.json()["words"] if response.status_code == 200 else ""


@pytest.mark.parametrize("number", [1, 3, 21])
def test_new_tickets_announce_themselves(desk, anna, product, number, monkeypatch):
    monkeypatch.setattr("tickets.services.TICKETS_AN_HOUR", 100)
    page = desk.get(LIST, {"tab": "free"})
    assert news(desk, page) == ""
    for _row in range(number):
        open_ticket(anna, product=product)
    words = {1: "1 новая", 3: "3 новых", 21: "21 новая"}[number]
    assert desk.get(since(page)).json() == {"number": str(number), "words": f"{words} — показать"}
    assert news(desk, desk.get(LIST, {"tab": "free"})) == ""


def test_change_of_a_colleague_is_news_and_ones_own_is_not(desk, specialist, anna, product):
    ticket = open_ticket(anna, product=product)
    page = desk.get(LIST)
    add_comment(ticket=ticket, actor=as_agent(specialist), body="Сам.")
    assert news(desk, page) == ""
    for internal in (True, False):
        add_comment(ticket=ticket, actor=as_agent(AgentFactory()), body="Д.", internal=internal)
    assert news(desk, page) == "1 новая — показать"


@pytest.mark.each_case
@pytest.mark.parametrize("tab", ["mine", "answered", "late", "waiting", "closed"])
def test_other_tabs_are_not_told(desk, anna, product, tab):
    page = desk.get(LIST, {"tab": tab})
    open_ticket(anna, product=product)
    assert news(desk, page) == ""


@pytest.mark.each_case
@pytest.mark.parametrize(
    ("fitting", "other"),
    [
        ({"priority": "medium"}, {"priority": "high"}),
        ({"channel": "portal"}, {"channel": "bot"}),
        ({"organization": "альфа"}, {"organization": "бета"}),
        ({"rating": ""}, {"rating": "5"}),
    ],
)
def test_filters_hold_for_news(desk, anna, product, fitting, other):
    pages = [desk.get(LIST, given) for given in (fitting, other)]
    open_ticket(anna, product=product)
    assert [bool(news(desk, page)) for page in pages] == [True, False]


def test_product_holds_for_news(desk, anna, product):
    pages = [desk.get(LIST, {"product": one.pk}) for one in (product, ProductFactory())]
    open_ticket(anna, product=product)
    assert [bool(news(desk, page)) for page in pages] == [True, False]


def test_ticket_that_becomes_late_is_news_there(desk, anna, product):
    ticket = open_ticket(anna, product=product)
    pages = [desk.get(LIST, {"tab": tab}) for tab in ("late", "open")]
    Ticket.objects.update(next_due_at=timezone.now())
    record(ticket, TicketEvent.Kind.DUE, SYSTEM, new="answer_late")
    Ticket.objects.update(next_due_at=timezone.now())
    assert [bool(news(desk, page)) for page in pages] == [True, False]


def test_ticket_that_is_back_from_a_snooze_is_news(desk, clock):
    TicketFactory(snoozed_until=timezone.now() + timedelta(minutes=20))
    page = desk.get(LIST)
    clock.advance(minutes=30)
    assert news(desk, page) == ""
    tell_of_woken_tickets()
    assert news(desk, page) == "1 новая — показать"
    assert news(desk, desk.get(LIST)) == ""


@pytest.mark.parametrize("rows", [1, 3])
def test_news_query_count(desk, anna, product, rows, django_assert_num_queries):
    page = desk.get(LIST)
    with django_assert_num_queries(5):  # session, user, 2 of rights, events
        assert news(desk, page) == ""
    for _row in range(rows):
        open_ticket(anna, product=product)
    with django_assert_num_queries(6):  # and which of them are in the queue
        assert news(desk, page) != ""


@pytest.mark.each_case
@pytest.mark.parametrize("given", ["", "x", "-1", "1.5", "9" * 19])
def test_event_that_is_none_is_refused(desk, given):
    assert desk.get(f"{LIST}news/", {"since": given}).status_code == 400


def test_news_keep_no_session_alive(desk, clock):
    page = desk.get(LIST)
    before = Session.objects.get().expire_date
    clock.advance(minutes=30)
    assert desk.get(since(page)).status_code == 204
    assert Session.objects.get().expire_date == before


def test_who_sees_no_tickets_hears_nothing(client, db):
    path = f"{LIST}news/?since=0"
    assert client.get(path).status_code == 302
    client.force_login(AgentFactory())
    assert client.get(path).status_code == 403


def test_search_asks_for_no_news(desk):
    assert "data-url" not in text(desk.get(LIST, {"q": "отчёт"}))
