"""The portal's page of groups."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone

from portal.views import groups
from telegram_bot.models import BotHeartbeat, GroupProduct
from tests.factories import ProductFactory, TicketFactory
from tests.groups import make_group, make_ticket
from tests.portal.pages import text

PAGE = reverse("group_list")
PAGE_QUERIES = 8


@pytest.fixture
def client(client, anna):
    BotHeartbeat.objects.create(bot_id=1, username="help_bot", seen_at=timezone.now())
    client.force_login(anna)
    return client


def test_page_shows_only_groups_of_ones_own_tickets(client, anna, boris, product):
    group = make_group("Проект Альфа", product=product, chosen_by=anna)
    mine = make_ticket(group, anna, title="Не открывается консоль")
    foreign = make_ticket(group, boris, title="Чужая беда")
    others = make_group("Чужая группа", product=product, chosen_by=boris)
    make_ticket(others, boris)
    TicketFactory(requester=anna, title="Не из группы")
    page = text(client.get(PAGE))
    for words in ("Проект Альфа", "Настроена", product.name, mine.title, f"№ {mine.pk}"):
        assert words in page
    for words in (foreign.title, others.title, "Не из группы"):
        assert words not in page


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({}, "Услуга не выбрана"),
        ({"bot_is_admin": False}, "Бот не администратор"),
        ({"bot_is_admin": False, "removed_at": timezone.now()}, "Бот удалён из группы"),
    ],
)
def test_page_says_what_a_group_lacks(client, anna, state, words):
    make_ticket(make_group("Проект Альфа", **state), anna)
    page = text(client.get(PAGE))
    assert words in page
    assert "Настроена" not in page


def test_page_names_products_of_topics_and_those_switched_off(client, anna, product):
    group = make_group("Проект Альфа", product=product, chosen_by=anna)
    off = ProductFactory(name="Базы данных", is_active=False)
    GroupProduct.objects.create(group=group, topic=7, product=off, chosen_by=anna)
    make_ticket(group, anna)
    assert "Базы данных (в одной из тем) — больше не доступна" in text(client.get(PAGE))


def test_page_counts_open_tickets_and_names_the_newest(client, anna):
    group = make_group("Проект Альфа")
    for number in range(5):
        make_ticket(group, anna, title=f"Беда {number}")
    make_ticket(group, anna, title="Закрытая беда", status="closed")
    response = client.get(PAGE)
    [row] = response.context["rows"]
    assert row["open"] == "5"
    assert [ticket.title for ticket in row["tickets"]] == ["Беда 4", "Беда 3", "Беда 2"]
    assert "Закрытая беда" not in text(response)


@pytest.mark.parametrize(("opened", "leads_on"), [(0, False), (3, False), (4, True)])
def test_tickets_a_group_does_not_name_are_a_link_away(client, anna, opened, leads_on):
    group = make_group("Проект Альфа")
    make_ticket(group, anna, status="closed")
    for _number in range(opened):
        make_ticket(group, anna)
    link = f'<a href="{reverse("ticket_list")}">Все мои открытые заявки</a>'
    assert (link in text(client.get(PAGE))) is leads_on


def test_count_of_open_tickets_is_bounded(client, anna, monkeypatch):
    monkeypatch.setattr(groups, "TICKETS_COUNTED", 2)
    group = make_group("Проект Альфа")
    for _number in range(3):
        make_ticket(group, anna)
    response = client.get(PAGE)
    assert response.context["rows"][0]["open"] == "2+"
    assert "Все мои открытые заявки" in text(response)


def test_empty_page_explains_how_to_add_the_bot(client):
    page = text(client.get(PAGE))
    for words in ("Заявок из групп пока нет", "Назначьте его администратором", "/config@help_bot"):
        assert words in page


def test_markup_in_a_title_is_shown_literally(client, anna):
    make_ticket(make_group("<script>alert(1)</script>"), anna)
    page = text(client.get(PAGE))
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("size", [1, 3])
def test_page_needs_the_same_queries_for_any_number_of_groups(
    client, anna, product, size, django_assert_num_queries
):
    for number in range(size):
        group = make_group(f"Группа {number}", product=product, chosen_by=anna)
        for _number in range(size):
            make_ticket(group, anna)
    with django_assert_num_queries(PAGE_QUERIES):
        client.get(PAGE)


def test_page_is_for_signed_in_people(client):
    client.logout()
    assert client.get(PAGE).status_code == 302


def test_menu_leads_to_the_page(client):
    page = text(client.get(PAGE))
    assert f'<a href="{PAGE}" aria-current="page">' in page
    assert f'<a href="{PAGE}">' in text(client.get(reverse("ticket_list")))


# In the browser


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("with_groups", [False, True])
def test_page_is_accessible_and_fits_a_phone(page, live_server, client, anna, with_groups):
    if with_groups:
        product = ProductFactory()
        group = make_group("Очень" * 20, product=product, chosen_by=anna)
        make_ticket(group, anna, title="Ж" * 60)
        make_ticket(make_group("Без администратора", bot_is_admin=False), anna)
        make_ticket(make_group("Без бота", removed_at=timezone.now()), anna)
    session = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page.goto(live_server.url + PAGE)
    for opened in page.locator("summary").all():
        opened.click()
    assert Axe().run(page).response["violations"] == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
