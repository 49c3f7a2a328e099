"""The list an agent lands on: tabs, filters, pages, and the way to a card and back."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.factories import (
    AgentFactory,
    OrganizationFactory,
    ProductFactory,
    TicketFactory,
    UserFactory,
    open_ticket,
)
from tests.weight import KILOBYTE, files_of, weight_of
from tickets.models import Delivery, Ticket
from tickets.status import TicketStatus

pytestmark = pytest.mark.each_case

LIST = "/admin/tickets/ticket/"
TABS = [
    "Мои", "Без исполнителя", "Клиент ответил", "Просрочены", "Ждут клиента", "Все открытые",
    "Закрытые",
]  # fmt: skip
MANY = 100


def numbers(response) -> list[int]:
    return [ticket.pk for ticket in response.context["cl"].result_list]


def text(response) -> str:
    return " ".join(response.content.decode().split())


def many_tickets(number: int) -> list[Ticket]:
    """Each of another requester, organization and assignee."""
    product = ProductFactory()
    rows = [
        Ticket(
            requester=UserFactory.build(organization=OrganizationFactory(), username=f"c{row}"),
            product=product,
            title=f"Не открывается отчёт {row}",
            description="Белый экран.",
            face="bot",
        )
        for row in range(number)
    ]
    agents = [AgentFactory.build(username=f"a{row}") for row in range(number)]
    for row, agent in zip(rows, agents, strict=True):
        row.requester.password = agent.password = "!"
        row.requester.save()
        agent.save()
        row.requester_id, row.organization_id = row.requester.pk, row.requester.organization_id
        row.assignee = agent
    return Ticket.objects.bulk_create(rows)


# Where an agent lands


def test_agent_lands_in_the_queue(desk):
    response = desk.get("/admin/", follow=True)
    assert response.redirect_chain == [(LIST, 302)]
    assert response.context["cl"].queue == "open"


def test_sections_stay_a_link_away(desk, root_desk):
    for client in (desk, root_desk):
        assert 'href="/admin/?sections=1"' in text(client.get(LIST))
        assert "Разделы" in text(client.get("/admin/?sections=1"))


def test_who_sees_no_tickets_lands_at_the_sections(client, db):
    client.force_login(AgentFactory())
    assert client.get("/admin/").status_code == 200
    assert client.get(LIST).status_code == 403


# Tabs


@pytest.mark.parametrize("rows", [1, MANY])
def test_query_count(desk, rows, django_assert_num_queries):
    many_tickets(rows)
    # session (1 + 3 for the hour of staff), user, 2 of rights, products to choose, the newest
    # event, what is back from a snooze, page, counts, saved views
    with django_assert_num_queries(13):
        assert len(numbers(desk.get(LIST))) == min(rows, 50)


def test_tabs_have_counts_and_lead_to_their_lists(desk, specialist):
    now = timezone.now()
    mine = TicketFactory(assignee=specialist)
    free = TicketFactory()
    answered = TicketFactory(assignee=AgentFactory(), answered_at=now)
    late = TicketFactory(assignee=AgentFactory(), next_due_at=now - timedelta(minutes=1))
    waiting = TicketFactory(assignee=AgentFactory(), status=TicketStatus.WAITING)
    closed = TicketFactory(status=TicketStatus.CLOSED)
    page = text(desk.get(LIST))
    tabs = re.findall(r'<a href="(\?tab=\w+)"[^>]*>([^<]+) <span class="count">(\d+)</span>', page)
    assert [(label, count) for _url, label, count in tabs] == list(
        zip(TABS, "1111151", strict=True)
    )
    expected = [mine], [free], [answered], [late], [waiting], None, [closed]
    for (url, _label, _count), tickets in zip(tabs, expected, strict=True):
        response = desk.get(LIST + url)
        if tickets:
            assert numbers(response) == [ticket.pk for ticket in tickets]
        assert f'{url}" aria-current="page"' in text(response)


def test_count_of_a_tab_ends_at_99(desk):
    many_tickets(MANY)
    assert '<span class="count">99+</span>' in text(desk.get(LIST))


def test_row_tells_what_an_agent_needs(desk, anna):
    at = timezone.now() - timedelta(minutes=5)
    TicketFactory(requester=anna, priority="high", next_due_at=at, title="Отчёт <b>")
    page = text(desk.get(LIST))
    assert "Отчёт &lt;b&gt;" in page
    assert "ООО «Альфа» · Анна К." in page
    assert '<span class="chip chip-new">' in page
    assert '#new"></use></svg>Новая</span>' in page
    assert "Высокий" in page
    assert f"просрочена с {timezone.localtime(at):%H:%M}" in page
    assert '<tr class="late">' in page


def test_row_in_time_is_not_marked_late(desk):
    TicketFactory(next_due_at=timezone.now() + timedelta(minutes=5))
    page = text(desk.get(LIST))
    assert "срок " in page
    assert "просрочена с" not in page
    assert 'class="late"' not in page


def test_unknown_tab_is_the_first_list(desk):
    ticket = TicketFactory()
    assert numbers(desk.get(LIST, {"tab": "x"})) == [ticket.pk]


@pytest.mark.parametrize("tab", ["mine", "free", "answered", "open"])
def test_empty_list_says_so(desk, tab):
    page = text(desk.get(LIST, {"tab": tab}))
    assert 'class="queue-empty"' in page
    assert "<table" not in page


# Filters and search


@pytest.mark.parametrize(
    ("name", "value", "fields"),
    [
        ("priority", "high", {"priority": "high"}),
        ("channel", "bot", {"face": "bot"}),
        ("rating", "5", {"score": 5}),
    ],
)
def test_filter(desk, name, value, fields):
    found = TicketFactory(**fields)
    TicketFactory()
    response = desk.get(LIST, {name: value})
    assert numbers(response) == [found.pk]
    assert f'<option value="{value}" selected>' in text(response)
    assert len(numbers(desk.get(LIST, {name: "of nothing"}))) == 2


def test_filter_by_product(desk):
    found, other = TicketFactory(), TicketFactory()
    assert numbers(desk.get(LIST, {"product": found.product_id})) == [found.pk]
    assert found.product != other.product


@pytest.mark.parametrize("part", ["альфа", "Альфа", "ООО «Аль"])
def test_filter_by_a_part_of_an_organization(desk, anna, part):
    found = TicketFactory(requester=anna)
    TicketFactory(requester=UserFactory(organization=OrganizationFactory()))
    TicketFactory()
    response = desk.get(LIST, {"organization": part})
    assert numbers(response) == [found.pk]
    assert f'value="{part}"' in text(response)
    assert numbers(desk.get(LIST, {"organization": "Бета"})) == []


def test_filters_hold_within_a_tab(desk, specialist):
    found = TicketFactory(assignee=specialist, priority="high")
    TicketFactory(assignee=specialist)
    TicketFactory(priority="high")
    response = desk.get(LIST, {"tab": "mine", "priority": "high"})
    assert numbers(response) == [found.pk]
    assert 'href="?tab=free&amp;priority=high"' in text(response)
    assert 'href="?tab=mine">Сбросить фильтры' in text(response)


def test_search_finds_in_all_queues(desk):
    closed = TicketFactory(status=TicketStatus.CLOSED)
    response = desk.get(LIST, {"tab": "mine", "q": str(closed.pk)})
    assert numbers(response) == [closed.pk]
    assert "во всех очередях" in text(response)
    assert 'aria-current="page"> Мои' not in text(response)


def test_organizations_are_not_all_offered(desk):
    OrganizationFactory(name="ООО «Тишина»")
    assert "Тишина" not in text(desk.get(LIST))


# Pages


@pytest.fixture
def two_a_page(monkeypatch):
    monkeypatch.setattr("desk.tickets.TicketAdmin.list_per_page", 2)


def test_pages_lead_on_and_back_with_the_filters(desk, two_a_page):
    tickets = [TicketFactory(priority="high").pk for _row in range(5)]
    pages = [desk.get(LIST, {"priority": "high", "p": page}) for page in (1, 2, 3)]
    assert [numbers(page) for page in pages] == [tickets[:2], tickets[2:4], tickets[4:]]
    assert 'href="?tab=open&amp;priority=high&amp;p=2" rel="next"' in text(pages[0])
    assert 'rel="prev"' not in text(pages[0])
    assert 'href="?tab=open&amp;priority=high&amp;p=2" rel="prev"' in text(pages[2])
    assert 'rel="next"' not in text(pages[2])


def test_page_that_has_gone_is_the_first(desk, two_a_page):
    ticket = TicketFactory()
    response = desk.get(LIST, {"p": 2})
    assert numbers(response) == [ticket.pk]


def test_later_page_joins_no_row_before_it(desk, two_a_page):
    tickets = [TicketFactory() for _row in range(5)]
    back = TicketFactory(snoozed_until=timezone.now() - timedelta(hours=1))
    with CaptureQueriesContext(connection) as queries:
        pages = [numbers(desk.get(LIST, {"p": page})) for page in (1, 2, 3)]
    first, *others = [ticket.pk for ticket in tickets]
    assert pages == [[back.pk, first], others[:2], others[2:]]
    later = [query["sql"] for query in queries if "OFFSET" in query["sql"]]
    assert len(later) == 2
    for sql in later:
        shown, skipping = sql.split(" IN (SELECT ")
        assert "JOIN" in shown
        assert "OFFSET" in skipping.partition(")")[2]
        assert "JOIN" not in skipping


def test_deep_pages_are_refused(desk, two_a_page, monkeypatch):
    monkeypatch.setattr("desk.lists.BoundedPaginator.LIMIT", 4)
    for _row in range(5):
        TicketFactory()
    assert 'rel="next"' not in text(desk.get(LIST, {"p": 2}))
    for page in (3, 0, -1):
        assert desk.get(LIST, {"p": page}).status_code == 302


# To a card and back


def test_way_to_a_card_and_back_keeps_the_list(desk, specialist, two_a_page):
    for _row in range(3):
        TicketFactory(assignee=specialist, priority="high")
    address = LIST + "?tab=mine&priority=high&p=2"
    card = re.search(r'<a href="([^"]+/change/[^"]*)">Не', text(desk.get(address)))[1]
    page = text(desk.get(card.replace("&amp;", "&")))
    assert f'href="{address.replace("&", "&amp;")}">← к списку' in page


def test_saved_card_still_knows_its_list(desk, anna, product):
    ticket = open_ticket(anna, product=product)
    card = f"{LIST}{ticket.pk}/change/?list=tab%3Dfree%26q%3Dотчёт"
    data = {"seen": ticket.version, "answer": "Смотрим."}
    response = desk.post(card, data, follow=True)
    assert ticket.comments.count() == 1
    assert 'href="/admin/tickets/ticket/?tab=free&amp;q=%D0%BE' in text(response)


def test_notice_sent_again_leads_back_with_the_list(root_desk, anna, product):
    ticket = open_ticket(anna, product=product)
    delivery = Delivery.objects.create(
        channel="email", kind="status", address="a@b.example", event=ticket.events.get(),
        state=Delivery.State.FAILED,
    )  # fmt: skip
    page = text(root_desk.get(f"{LIST}{ticket.pk}/change/?list=tab%3Dfree"))
    action = f"/admin/tickets/delivery/{delivery.pk}/resend/?list=tab%3Dfree"
    assert f'action="{action}"' in page
    response = root_desk.post(action)
    assert response.url.startswith(f"{LIST}{ticket.pk}/change/?list=tab%3Dfree#event-")


@pytest.mark.parametrize("behind", ["https://evil.example/", "//evil.example", "next=/x", ""])
def test_way_back_leads_nowhere_else(desk, behind):
    path = f"{LIST}{TicketFactory().pk}/change/"
    assert f'href="{LIST}">← к списку' in text(desk.get(path, {"list": behind}))


# Actions


def test_action_tells_of_a_ticket_that_has_left_the_tab(desk):
    closed = TicketFactory(status=TicketStatus.CLOSED)
    data = {"action": "take", "_selected_action": [closed.pk], "index": "0"}
    response = desk.post(LIST + "?tab=free&priority=high", data, follow=True)
    assert f"№ {closed.pk}: Из статуса «Закрыта» нельзя" in text(response)
    assert response.redirect_chain[-1][0].endswith("?tab=free&priority=high")


def test_who_may_only_look_gets_no_boxes(client, agent):
    agent.user_permissions.set(Permission.objects.filter(codename="view_ticket"))
    client.force_login(agent)
    TicketFactory()
    page = text(client.get(LIST))
    assert "_selected_action" not in page
    assert "Не открывается отчёт" in page


# Weight


def test_page_and_what_it_loads_weigh_little(desk):
    many_tickets(MANY)
    response = desk.get(LIST)
    assert {name for name in files_of(response) if name.endswith(".js")} == {
        "admin/js/theme.js",
        "desk/queue.js",
    }
    assert weight_of(response) < 150 * KILOBYTE


def test_list_says_nothing_to_who_is_not_signed_in(db):
    TicketFactory()
    assert Client().get(LIST).status_code == 302
