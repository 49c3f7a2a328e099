"""The list of tickets: its tabs, rows and pages, and who sees what of it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from tests.factories import TicketFactory, UserFactory, open_ticket
from tests.portal.pages import text
from tickets import services
from tickets.comments import add_comment
from tickets.models import Face, Ticket
from tickets.reads import mark_read, with_reads
from tickets.recording import customer
from tickets.status import TicketStatus

pytestmark = pytest.mark.usefixtures("logged_in")

LIST = reverse("ticket_list")
TABS = ("awaiting", "open", "closed", "organization")
NOON = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def colleague(anna):
    """Of an organization that shares its tickets."""
    type(anna.organization).objects.update(shares_tickets=True)
    return UserFactory(
        username="petr",
        email="petr@alpha.example",
        first_name="Пётр",
        last_name="Ильин",
        organization=anna.organization,
    )


def listed(client, **query: object) -> list[int]:
    return [row.pk for row in client.get(LIST, query).context["page"].tickets]


def walk(client, response, way: str = "older") -> list[int]:
    """The numbers of a page and of all that follow it."""
    found = []
    while True:
        found += [row.pk for row in response.context["page"].tickets]
        if not response.context[way]:
            return found
        response = client.get(response.context[way], follow=True)


def row_of(page: str, ticket: Ticket) -> str:
    rows = re.findall(r'<li class="ticket.*?</li>', page, re.DOTALL)
    return next(row for row in rows if f"/tickets/{ticket.pk}/" in row)


# Tabs


def test_tabs_hold_ones_own_tickets_by_status(client, anna, boris):
    mine = {status: TicketFactory(requester=anna, status=status).pk for status in TicketStatus}
    for status in TicketStatus:
        TicketFactory(requester=boris, status=status, title="Чужая заявка")
    closed = mine.pop(TicketStatus.CLOSED)
    assert listed(client, tab="closed") == [closed]
    assert set(listed(client)) == set(mine.values())
    waiting, resolved = mine[TicketStatus.WAITING], mine[TicketStatus.RESOLVED]
    assert set(listed(client, tab="awaiting")) == {waiting, resolved}
    for tab in TABS:
        assert "Чужая заявка" not in text(client.get(LIST, {"tab": tab}))


@pytest.mark.each_case
@pytest.mark.parametrize(
    ("tab", "title"),
    [
        ("awaiting", "Ждут вас · 2"),
        ("open", "Открытые заявки"),
        ("closed", "Закрытые заявки"),
        ("organization", "Заявки организации"),
        ("nonsense", "Открытые заявки"),
    ],
)
def test_title_says_the_tab(client, anna, colleague, tab, title):
    TicketFactory.create_batch(2, requester=anna, status="waiting")
    page = text(client.get(LIST, {"tab": tab}))
    assert f"<title>{title} — Поддержка</title>" in page
    assert "Ждут вас · 2</a>" in page
    assert page.count('aria-current="page"') == 2  # of the menu, and this


@pytest.mark.each_case
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"tab": "awaiting"}, "Вас ничего не ждёт"),
        ({}, "Открытых заявок нет"),
        ({"tab": "closed"}, "Закрытых заявок пока нет"),
        ({"tab": "organization"}, "У вашей организации заявок пока нет"),
        ({"older": "1.1"}, "Больше заявок здесь нет"),
        ({"q": "vm-prod"}, "Ничего не нашлось"),
    ],
)
def test_empty_list_says_why_and_what_to_do(client, colleague, query, words):
    page = text(client.get(LIST, query))
    assert words in page
    assert 'class="button' in page.partition(words)[2]


def test_empty_list_leads_staff_to_the_desk_and_customers_to_a_new_ticket(client, agent):
    form, desk = (
        f'class="button" href="{reverse(name)}"' for name in ("new_ticket", "admin:index")
    )
    page = text(client.get(LIST))
    assert (form in page, desk in page) == (True, False)
    client.force_login(agent)
    page = text(client.get(LIST))
    assert (form in page, desk in page) == (False, True)


@pytest.mark.parametrize(("waiting", "badge"), [(0, None), (2, "2"), (99, "99"), (101, "99+")])
def test_badge_counts_what_waits_and_leads_there(client, anna, boris, product, waiting, badge):
    of_anna = TicketFactory.build_batch(
        waiting, requester=anna, product=product, status="waiting", organization=None
    )
    for row in of_anna[1:2]:
        row.status = "resolved"
    Ticket.objects.bulk_create(of_anna)
    TicketFactory(requester=anna, product=product, status="new")
    TicketFactory(requester=boris, product=product, status="waiting")
    page = text(client.get(reverse("profile")))
    link = f'<a class="badge" href="{LIST}?tab=awaiting">'
    assert (page.partition(link)[2].partition("<")[0] or None) == badge


# Rows


def test_order_is_that_of_visible_changes(client, anna, by_agent, by_anna, product):
    first, second, third = (open_ticket(anna, product=product) for _number in "123")
    assert listed(client) == [third.pk, second.pk, first.pk]
    add_comment(ticket=first, actor=by_agent, body="Проверьте.")
    assert listed(client) == [first.pk, third.pk, second.pk]
    add_comment(ticket=third, actor=by_agent, body="Только для нас.", internal=True)
    services.set_priority(ticket=second, priority="high", actor=by_agent)
    assert listed(client) == [second.pk, first.pk, third.pk]


def test_note_leaves_the_page_as_it_was(client, by_agent, ticket):
    add_comment(ticket=ticket, actor=by_agent, body="Проверьте.")
    before = row_of(text(client.get(LIST)), ticket)
    add_comment(ticket=ticket, actor=by_agent, body="Клиент путает.", internal=True)
    assert row_of(text(client.get(LIST)), ticket) == before


def test_row_tells_who_spoke_last(client, anna, agent, by_agent, by_anna, colleague, ticket):
    assert "<span>вы</span> <time" in row_of(text(client.get(LIST)), ticket)
    add_comment(ticket=ticket, actor=by_agent, body="Проверьте.")
    row = row_of(text(client.get(LIST)), ticket)
    assert "<span>поддержка · Ольга</span> <time" in row
    assert ("Орлова" in row, agent.email in row) == (False, False)
    add_comment(ticket=ticket, actor=customer(colleague, Face.PORTAL), body="Я тоже.")
    assert "<span>коллега Пётр И.</span> <time" in row_of(text(client.get(LIST)), ticket)
    add_comment(ticket=ticket, actor=by_anna, body="Смотрю.")
    assert "<span>вы</span> <time" in row_of(text(client.get(LIST)), ticket)
    Ticket.objects.update(last_word_by=None, last_word_by_agent=True)
    assert "<span>поддержка</span> <time" in row_of(text(client.get(LIST)), ticket)
    Ticket.objects.update(last_word_by_agent=False)
    assert '<p class="ticket-time muted"><time' in row_of(text(client.get(LIST)), ticket)


def test_agent_who_asks_for_oneself_is_you(client, agent, by_agent):
    own = open_ticket(agent)
    add_comment(ticket=own, actor=by_agent, body="Нашёл сам.")
    client.force_login(agent)
    assert "<span>вы</span> <time" in row_of(text(client.get(LIST)), own)


@pytest.mark.parametrize(
    ("zone", "said", "words"),
    [
        ("Europe/Moscow", NOON, "20 ноября, 12:00"),
        ("Europe/Moscow", NOON.replace(year=2024), "20 ноября 2024, 12:00"),
        ("Asia/Vladivostok", datetime(2025, 12, 31, 20, tzinfo=UTC), "1 января, 06:00"),
        ("Europe/Moscow", datetime(2025, 12, 31, 20, tzinfo=UTC), "31 декабря 2025, 23:00"),
    ],
)
def test_time_is_the_persons_with_another_year(client, ticket, monkeypatch, zone, said, words):
    monkeypatch.setattr(timezone, "now", lambda: NOON)
    Ticket.objects.update(last_word_at=said, changed_at=said)
    User.objects.update(time_zone=zone)
    row = row_of(text(client.get(LIST)), ticket)
    assert f">{words}</time>" in row
    assert "изменена" not in row


def test_row_tells_of_a_later_change_without_words(client, ticket):
    Ticket.objects.update(last_word_at=NOON, changed_at=NOON + timedelta(hours=1))
    row = row_of(text(client.get(LIST)), ticket)
    assert "12:00</time><span>изменена <time" in row
    assert "13:00</time>" in row


def test_markup_is_shown_literally(client, anna):
    TicketFactory(requester=anna, title="<b>Жирный</b>", product__name="<i>Диск</i>")
    page = text(client.get(LIST, {"q": '<b>"'}))
    assert 'value="&lt;b&gt;&quot;"' in page
    page = text(client.get(LIST))
    assert "&lt;b&gt;Жирный&lt;/b&gt;" in page
    assert ("<b>Жирный" in page, "<i>Диск" in page) == (False, False)


# Unread


def is_marked(client, ticket: Ticket, **query: str) -> bool:
    row = row_of(text(client.get(LIST, query)), ticket)
    assert ("unread-dot" in row) == ("Новое:" in row)
    return "unread-dot" in row


def test_answer_is_new_until_its_card_was_seen(client, by_agent, ticket):
    assert not is_marked(client, ticket)
    add_comment(ticket=ticket, actor=by_agent, body="Проверьте.")
    assert is_marked(client, ticket)
    client.get(ticket.get_absolute_url())
    assert not is_marked(client, ticket)
    add_comment(ticket=ticket, actor=by_agent, body="Только для нас.", internal=True)
    assert not is_marked(client, ticket)
    services.set_priority(ticket=ticket, priority="high", actor=by_agent)
    assert is_marked(client, ticket)


def test_what_one_did_oneself_is_not_new(client, by_agent, by_anna, ticket):
    add_comment(ticket=ticket, actor=by_agent, body="Проверьте.")
    add_comment(ticket=ticket, actor=by_anna, body="Работает.")
    assert not is_marked(client, ticket)


def test_colleagues_ticket_is_followed_once_it_was_opened(client, by_agent, colleague, ticket):
    client.force_login(colleague)
    add_comment(ticket=ticket, actor=by_agent, body="Проверьте.")
    assert not is_marked(client, ticket, tab="organization")
    client.get(ticket.get_absolute_url())
    add_comment(ticket=ticket, actor=by_agent, body="И ещё.")
    assert is_marked(client, ticket, tab="organization")


def test_look_of_one_person_is_not_that_of_another(client, by_agent, colleague, ticket):
    add_comment(ticket=ticket, actor=by_agent, body="Проверьте.")
    mark_read(with_reads(Ticket.objects.all(), colleague).get(), colleague)
    assert is_marked(client, ticket)


def writes_of(client, path: str, **headers: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path, **headers).status_code == 200
    words = ("INSERT", "UPDATE", "DELETE")
    return sum(query["sql"].startswith(words) for query in queries.captured_queries)


def test_first_look_is_one_write_and_the_second_none(client, by_agent, ticket):
    path = ticket.get_absolute_url()
    assert [writes_of(client, path) for _look in "123"] == [1, 0, 0]
    add_comment(ticket=ticket, actor=by_agent, body="Проверьте.")
    assert [writes_of(client, LIST), *(writes_of(client, path) for _look in "12")] == [0, 1, 0]


def test_page_loaded_in_advance_is_not_seen(client, by_agent, ticket):
    add_comment(ticket=ticket, actor=by_agent, body="Проверьте.")
    path = ticket.get_absolute_url()
    assert writes_of(client, path, HTTP_SEC_PURPOSE="prefetch;prerender") == 0
    client.head(path)
    assert is_marked(client, ticket)


# The organization


def test_colleague_sees_short_names_and_no_addresses(client, anna, by_agent, colleague, ticket):
    add_comment(ticket=ticket, actor=by_agent, body="Тайный отчёт", internal=True)
    client.force_login(colleague)
    page = text(client.get(LIST, {"tab": "organization"}))
    row = row_of(page, ticket)
    assert "Анна К." in row
    assert "<span>коллега Анна К.</span> <time" in row
    for hidden in (anna.email, "office@alpha.example", "Кузнецова", "Тайный отчёт"):
        assert hidden not in page
    assert listed(client) == listed(client, tab="awaiting") == listed(client, tab="closed") == []


def test_what_waits_for_a_colleague_does_not_wait_for_oneself(client, anna, colleague):
    theirs = TicketFactory(requester=anna, status="waiting")
    client.force_login(colleague)
    page = text(client.get(LIST, {"tab": "organization"}))
    assert "badge" not in page
    assert "awaits" not in row_of(page, theirs)


@pytest.mark.parametrize("case", ["outsider", "other firm", "former", "switched off", "nobody"])
def test_others_have_no_such_tab(client, anna, boris, colleague, ticket, case):
    reader = boris if case in ("outsider", "other firm") else colleague
    if case == "other firm":
        reader.organization = type(anna.organization).objects.create(
            name="ООО «Бета»", shares_tickets=False
        )
    if case in ("former", "nobody"):
        reader.organization = None
    reader.save()
    if case == "switched off":
        type(anna.organization).objects.update(shares_tickets=False)
    if case == "nobody":
        Ticket.objects.update(organization=None)
    client.force_login(reader)
    for query in ({"tab": "organization"}, {"tab": "organization", "q": str(ticket.pk)}):
        page = text(client.get(LIST, query))
        assert "Открытые заявки —" in page
        assert 'tab=organization">Организация' not in page
        assert ticket.title not in page
        assert anna.short_name not in page


# Pages


@pytest.mark.each_case
@pytest.mark.parametrize("tab", TABS)
def test_pages_hold_every_ticket_once_both_ways(client, anna, colleague, product, tab):
    status = {"awaiting": "resolved", "closed": "closed"}.get(tab, "new")
    rows = TicketFactory.build_batch(
        45, requester=anna, product=product, status=status, organization=anna.organization
    )
    for number, row in enumerate(rows):
        row.changed_at = NOON + timedelta(minutes=number // 25)  # many at the same moment
    made = [row.pk for row in Ticket.objects.bulk_create(rows)][::-1]
    start = client.get(LIST, {"tab": tab})
    assert not start.context["newer"]
    assert walk(client, start) == made
    middle = client.get(start.context["older"])
    last = client.get(middle.context["older"])
    assert [len(page.context["page"].tickets) for page in (start, middle, last)] == [20, 20, 5]
    back = client.get(last.context["newer"])
    assert [row.pk for row in back.context["page"].tickets] == made[20:40]
    again = client.get(back.context["newer"])
    assert again.status_code == 302
    assert listed(client, tab=tab) == made[:20]
    assert client.get(again.url).context["page"].tickets == start.context["page"].tickets


def test_full_last_page_offers_no_more(client, anna, product):
    TicketFactory.create_batch(20, requester=anna, product=product)
    page = text(client.get(LIST))
    assert "Более ранние" not in page
    assert "Страницы списка" not in page


def test_rows_that_move_are_neither_lost_nor_doubled(client, anna, product, by_agent):
    """What moves goes to the start of the list; the rest of the way stays as it was."""
    rows = TicketFactory.build_batch(50, requester=anna, product=product, organization=None)
    for number, row in enumerate(rows):
        row.changed_at = NOON + timedelta(minutes=number)
    made = [row.pk for row in Ticket.objects.bulk_create(rows)][::-1]
    start = client.get(LIST)
    for number in (made[19], made[25], made[45]):  # the last of this page among them
        add_comment(ticket=Ticket.objects.get(pk=number), actor=by_agent, body="Проверьте.")
    second = client.get(start.context["older"])
    left = [number for number in made[20:] if number not in (made[25], made[45])]
    assert walk(client, second) == left
    assert listed(client)[:3] == [made[45], made[25], made[19]]
    before = client.get(second.context["newer"]).context["page"].tickets
    assert [row.pk for row in before] == [made[19], *made[:19]]


def test_newer_page_ends_where_the_other_began(client, anna, product):
    rows = TicketFactory.build_batch(60, requester=anna, product=product, organization=None)
    for number, row in enumerate(rows):
        row.changed_at = NOON + timedelta(minutes=number)
    made = [row.pk for row in Ticket.objects.bulk_create(rows)][::-1]
    last = client.get(client.get(client.get(LIST).context["older"]).context["older"])
    Ticket.objects.filter(pk__in=made[20:25]).update(changed_at=timezone.now())
    back = client.get(last.context["newer"])
    assert [row.pk for row in back.context["page"].tickets] == made[15:20] + made[25:40]


@pytest.mark.each_case
@pytest.mark.parametrize("name", ["older", "newer", "before"])
@pytest.mark.parametrize(
    "place",
    ["x", "-1", "٥.٥", "1e9.1", "1", "1.2.3", ".", "0.0", "9" * 30 + ".1", "9" * 18 + ".1", "1;--",
     "1764236193000000.x", "\u202e1.1", "1.9223372036854775808"],
)  # fmt: skip
def test_odd_page_is_the_first(client, ticket, name, place):
    response = client.get(LIST, {name: place})
    assert response.status_code == 200
    assert ticket.title in text(response)


# Queries


@pytest.mark.each_case
@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize("tab", TABS)
def test_list_queries(client, anna, colleague, rows, tab, django_assert_num_queries):
    status = {"awaiting": "waiting", "closed": "closed"}.get(tab, "new")
    for number in range(rows):
        TicketFactory(requester=anna, status=status, last_word_by=colleague if number % 2 else anna)
    with django_assert_num_queries(6):
        page = text(client.get(LIST, {"tab": tab}))
    assert page.count('<li class="ticket') == min(rows, 20)


def test_empty_list_asks_for_no_products(client, anna, django_assert_num_queries):
    with django_assert_num_queries(5):
        assert "Открытых заявок нет" in text(client.get(LIST))


def test_filtered_list_queries(client, anna, product, django_assert_num_queries):
    TicketFactory.create_batch(30, requester=anna, product=product, title="Сеть")
    query = {"product": product.pk, "status": "new", "q": "сеть", "tab": "open"}
    of_search = 3 if connection.vendor == "postgresql" else 0  # SQLite's is a part of the list's
    with django_assert_num_queries(6 + of_search):
        assert len(client.get(LIST, query).context["page"].tickets) == 20
