"""Tools of the card: put off, link, follow; title and product. Each once, each for who may."""

from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from desk.ticket_tools import read_until
from tests.factories import ProductFactory, TicketFactory, UserFactory, open_ticket
from tickets.comments import add_comment
from tickets.details import change_title
from tickets.links import link_tickets, linked_tickets
from tickets.models import Face, Follower, Ticket
from tickets.recording import agent as serves
from tickets.recording import customer
from tickets.refusals import SnoozeRefused
from tickets.snoozing import snooze

pytestmark = pytest.mark.django_db
MOSCOW = ZoneInfo("Europe/Moscow")
TOOLS = ("snooze", "wake", "link", "unlink", "follow", "unfollow", "details")


@pytest.fixture
def ticket(anna, product):
    return open_ticket(anna, product=product)


def url(name: str, ticket) -> str:
    return reverse(f"admin:tickets_ticket_{name}", args=[ticket.pk])


def card(ticket) -> str:
    return url("change", ticket)


def text(response) -> str:
    return response.content.decode()


def post(client, name, ticket, **given):
    return text(client.post(url(name, ticket), {"key": str(uuid4()), **given}, follow=True))


# Who may


@pytest.mark.parametrize("role", ["specialist", "head", "administrator"])
def test_every_role_has_the_tools(client, request, ticket, role):
    client.force_login(request.getfixturevalue(role))
    page = text(client.get(card(ticket)))
    assert all(url(name, ticket) in page for name in ("snooze", "link", "follow", "details"))
    assert "Вы следите за заявкой" in post(client, "follow", ticket)


@pytest.mark.parametrize("name", TOOLS)
def test_who_only_looks_changes_nothing(client, agent, ticket, name):
    agent.user_permissions.add(Permission.objects.get(codename="view_ticket"))
    client.force_login(agent)
    assert url(name, ticket) not in text(client.get(card(ticket)))
    assert client.post(url(name, ticket), {"when": "hour", "number": 1}).status_code == 403
    assert not Follower.objects.exists()
    assert client.get(reverse("admin:tickets_ticket_logins")).status_code == 403


@pytest.mark.parametrize("name", TOOLS)
def test_customers_come_to_the_login(client, anna, ticket, name):
    client.force_login(anna)
    assert client.post(url(name, ticket)).status_code == 302
    assert ticket.events.count() == 1


@pytest.mark.parametrize("name", TOOLS)
def test_unknown_ticket_is_not_found(desk, name):
    address = reverse(f"admin:tickets_ticket_{name}", args=[99999])
    assert desk.post(address).status_code == 404


# Put off


def test_ticket_is_put_off_and_brought_back(desk, ticket):
    page = post(desk, "snooze", ticket, when="hour")
    assert "Заявка отложена до" in page
    assert "Отложена до" in page
    ticket.refresh_from_db()
    assert 3500 < (ticket.snoozed_until - timezone.now()).total_seconds() < 3700
    page = post(desk, "wake", ticket)
    assert "Заявка больше не отложена." in page
    ticket.refresh_from_db()
    assert ticket.snoozed_until is None


def test_woken_ticket_says_so(desk, ticket, agent, clock):
    snooze(ticket=ticket, until=timezone.now() + timedelta(hours=1), actor=serves(agent))
    clock.advance(hours=2)
    page = text(desk.get(card(ticket)))
    assert "🔔 Вернулась" in page
    assert "Снять отметку" in page


def test_press_sent_twice_puts_off_once(desk, ticket):
    key = str(uuid4())
    pages = [post(desk, "snooze", ticket, when="hour", key=key) for _press in range(2)]
    assert all("Заявка отложена до" in page for page in pages)
    assert ticket.events.filter(kind="snoozed").count() == 1


@pytest.mark.parametrize(
    "until", ["", "вчера", "2020-01-01T10:00", "9999-12-31T23:59", "0001-01-01T00:00"]
)
def test_time_that_is_none_is_refused_in_words(desk, ticket, until):
    assert "Отложить можно до времени в будущем" in post(desk, "snooze", ticket, until=until)


@pytest.mark.parametrize(
    ("now", "when", "until"),
    [
        ("2026-11-27T23:30", "hour", "2026-11-28T00:30"),
        ("2026-11-27T23:30", "tomorrow", "2026-11-28T09:00"),  # a Friday
        ("2026-11-27T08:00", "monday", "2026-11-30T09:00"),
        ("2026-11-30T08:00", "monday", "2026-12-07T09:00"),  # on a Monday: the next one
        ("2026-12-31T08:00", "tomorrow", "2027-01-01T09:00"),
    ],
)
def test_presets_are_of_the_agents_zone(monkeypatch, now, when, until):
    zone = ZoneInfo("Asia/Vladivostok")
    moment = datetime.fromisoformat(now).replace(tzinfo=zone)
    monkeypatch.setattr("desk.ticket_tools.timezone.localtime", lambda: moment)
    with timezone.override(zone):
        assert read_until(when, "") == datetime.fromisoformat(until).replace(tzinfo=zone)


def test_typed_time_is_of_the_agents_zone():
    with timezone.override(ZoneInfo("Asia/Vladivostok")):
        found = read_until("", "2026-12-01T10:00")
    assert found == datetime(2026, 12, 1, 3, 0, tzinfo=MOSCOW)
    with pytest.raises(SnoozeRefused):
        read_until("", "скоро")


# Link


def test_tickets_are_linked_and_seen_on_both_cards(desk, ticket, boris):
    other = open_ticket(boris, title="Похожая")
    assert f"Заявка связана с № {other.pk}" in post(desk, "link", ticket, number=f" № {other.pk}")
    assert "Похожая" in text(desk.get(card(ticket)))
    assert f"№ {ticket.pk} {ticket.title}" in text(desk.get(card(other)))
    assert "убрана" in post(desk, "unlink", other, number=ticket.pk)
    assert linked_tickets(ticket) == []


@pytest.mark.parametrize(
    "address", ["http://x.example/admin/tickets/ticket/{}/change/?list=1", "/tickets/{}/"]
)
def test_address_of_a_card_is_as_good_as_its_number(desk, ticket, boris, address):
    other = open_ticket(boris)
    assert "Заявка связана" in post(desk, "link", ticket, number=address.format(other.pk))
    assert "с ней самой" in post(desk, "link", ticket, number=address.format(ticket.pk))


def test_time_before_the_customer_wrote_is_offered_again(desk, ticket, agent, anna, clock):
    until = timezone.localtime().replace(second=0, microsecond=0) + timedelta(days=2)
    snooze(ticket=ticket, until=until, actor=serves(agent))
    field = f'value="{until:%Y-%m-%dT%H:%M}"'
    assert field not in text(desk.get(card(ticket)))
    clock.advance(minutes=1)
    add_comment(ticket=ticket, actor=customer(anna, Face.PORTAL), body="Спасибо, жду")
    assert field in text(desk.get(card(ticket)))


def test_morning_is_at_nine_though_the_clocks_change_in_between(monkeypatch):
    zone = ZoneInfo("Europe/Berlin")
    moment = datetime(2027, 3, 27, 20, 0, tzinfo=zone)
    monkeypatch.setattr("desk.ticket_tools.timezone.localtime", lambda: moment)
    with timezone.override(zone):
        assert read_until("tomorrow", "") == datetime(2027, 3, 28, 9, 0, tzinfo=zone)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("", "Впишите номер заявки."),
        ("99999", "Заявки № 99999 нет."),
        ("9" * 30, "нет."),
        ("<b>", "Заявки № &lt;b&gt; нет."),
        ("self", "Связать заявку с ней самой нельзя."),
        ("again", "Эти заявки уже связаны."),
    ],
)
def test_link_is_refused_in_words(desk, ticket, boris, agent, number, words):
    other = open_ticket(boris)
    link_tickets(ticket=ticket, number=other.pk, actor=serves(agent))
    given = {"self": ticket.pk, "again": other.pk}.get(number, number)
    assert words in post(desk, "link", ticket, number=given)


# Follow


def test_agent_follows_and_stops(desk, ticket, specialist):
    assert "Вы следите за заявкой." in post(desk, "follow", ticket)
    assert Follower.objects.get().user == specialist
    page = post(desk, "unfollow", ticket)
    assert "Вы больше не следите" in page
    assert not Follower.objects.exists()


def test_others_are_added_by_login_or_email(desk, ticket, head, anna):
    anna.organization.shares_tickets = True
    anna.organization.save()
    colleague = UserFactory(organization=anna.organization, first_name="Олег")
    assert "следит" in post(desk, "follow", ticket, person="@head")
    page = post(desk, "follow", ticket, person=colleague.email)
    assert {row.user for row in Follower.objects.all()} == {head, colleague}
    assert "Больше не следит: Олег Гость" in page
    assert "больше не следит" in post(desk, "unfollow", ticket, person="head")


@pytest.mark.parametrize("person", ["nobody", "anna", "boris", "gone", "roleless"])
def test_who_may_not_see_it_does_not_follow(desk, ticket, boris, person):
    UserFactory(username="gone", is_staff=True, is_superuser=True, is_active=False)
    UserFactory(username="roleless", is_staff=True)
    page = post(desk, "follow", ticket, person=person)
    assert ("Человека с таким" if person == "nobody" else "Следить могут специалисты") in page
    assert not Follower.objects.exists()


def test_logins_are_offered(desk, head, specialist, anna):
    address = reverse("admin:tickets_ticket_logins")
    rows = [{"login": "head", "name": str(head)}]
    assert desk.get(address, {"term": "HE"}).json() == {"agents": rows}
    assert desk.get(address, {"term": head.last_name[:4].lower()}).json()["agents"][0] == rows[0]
    assert desk.get(address, {"term": "ann"}).json() == {"agents": []}
    assert desk.get(address, {"term": ""}).json() == {"agents": []}


# Title and product


def details(ticket, **given):
    shown = {"title": ticket.title, "product": ticket.product_id}
    return shown | {f"was_{name}": value for name, value in shown.items()} | given


def test_title_and_product_are_changed(desk, ticket):
    product = ProductFactory(name="Сеть")
    page = post(desk, "details", ticket, **details(ticket, title="Иначе", product=product.pk))
    assert "Тема и продукт сохранены." in page
    ticket.refresh_from_db()
    assert (ticket.title, ticket.product) == ("Иначе", product)
    assert "Тема: «Не открывается отчёт» → «Иначе»" in page


def test_details_sent_twice_change_once(desk, ticket):
    given = details(ticket, title="Иначе", key=str(uuid4()))
    for _press in range(2):
        assert "Тема и продукт сохранены." in post(desk, "details", ticket, **given)
    assert ticket.events.filter(kind="title").count() == 1


def test_stale_details_overwrite_nothing_and_can_be_saved_then(desk, ticket, agent):
    given = details(ticket, title="Моё")
    change_title(ticket=ticket, title="Чужое", was=ticket.title, actor=serves(agent))
    response = desk.post(url("details", ticket), {**given, "key": str(uuid4())})
    page = text(response)
    assert "Сейчас сохранено: «Чужое»" in page
    assert 'value="Моё"' in page
    assert Ticket.objects.get().title == "Чужое"
    form = response.context["form"]
    again = {name: form[name].value() for name in form.fields}
    post(desk, "details", ticket, **again)
    assert Ticket.objects.get().title == "Моё"


def test_nothing_changed_is_said(desk, ticket):
    assert "Это уже сделано." in post(desk, "details", ticket, **details(ticket))


def test_product_that_is_off_is_not_offered_and_refused(desk, ticket):
    off = ProductFactory(name="Старое", is_active=False)
    assert "Старое" not in text(desk.get(url("details", ticket)))
    page = post(desk, "details", ticket, **details(ticket, product=off.pk))
    assert "Этот продукт больше не доступен" in page


@pytest.mark.parametrize(
    "given", [{"title": " "}, {"title": "я" * 61}, {"product": ""}, {"product": "x"}]
)
def test_unfit_details_come_back(desk, ticket, given):
    response = desk.post(url("details", ticket), details(ticket, **given))
    assert response.status_code == 200
    assert response.context["form"].errors
    assert ticket.events.count() == 1


@pytest.mark.parametrize("number", [1, 3])
def test_query_count_of_what_stands_around(desk, ticket, agent, number, django_assert_num_queries):
    for other in TicketFactory.create_batch(number):
        link_tickets(ticket=ticket, number=other.pk, actor=serves(agent))
        colleague = UserFactory(organization=ticket.organization)
        Follower.objects.create(user=colleague, ticket=ticket)
    ticket.organization.shares_tickets = True
    ticket.organization.save()
    desk.get(card(ticket))  # which marks it seen, and keeps the session
    with django_assert_num_queries(17 + 2):  # 17 without links and followers
        page = desk.get(card(ticket)).content.decode()
    assert page.count("коллега клиента") == number
