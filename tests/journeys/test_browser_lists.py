from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from tests.factories import PASSWORD, ProductFactory, TicketFactory, open_ticket
from tickets import recording
from tickets.comments import add_comment

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG_AGO = timezone.now() - timedelta(days=3)


@pytest.fixture
def plain_page(browser):
    """A page without scripts."""
    context = browser.new_context(locale="ru-RU", java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()


@pytest.fixture(params=["page", "plain_page"])
def any_page(request):
    return request.getfixturevalue(request.param)


def check(page) -> None:
    """Nothing for axe to find; the narrowest screen needs no sideways scroll."""
    page.wait_for_load_state()
    assert Axe().run(page).response["violations"] == []
    usual = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.set_viewport_size(usual)


def log_in(page, live_server) -> None:
    page.goto(f"{live_server.url}/login/")
    page.get_by_label("Логин или почта").fill("anna")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()
    page.get_by_role("heading", name="Заявки", exact=True).wait_for()


def test_what_is_chosen_stays_through_a_card_and_back(any_page, live_server, anna, agent):
    page, disks = any_page, ProductFactory(name="Диски")
    for number in range(25):
        made = {"product": disks, "created_at": LONG_AGO, "changed_at": LONG_AGO}
        TicketFactory(requester=anna, title=f"Сбой диска {number}", **made)
    asked = open_ticket(anna, product=disks, title="Сбой после перезапуска")
    actor = recording.agent(agent)
    add_comment(ticket=asked, actor=actor, body="Какая версия?", takes_to_work=False)
    log_in(page, live_server)
    page.get_by_label("Номер или слова").fill("сбой")
    page.get_by_label("Продукт").select_option("Диски")
    page.get_by_label("Статус").select_option("Новая")
    page.get_by_role("button", name="Показать").click()
    page.wait_for_url("**status=new**")
    page.get_by_role("link", name="Новое: Сбой после перезапуска").click()
    page.get_by_label("Ваш комментарий").fill("Пятая")
    page.get_by_role("button", name="Отправить").click()
    page.get_by_text("Пятая").wait_for()
    page.get_by_role("link", name="← Открытые заявки").click()
    expect(page.get_by_label("Номер или слова")).to_have_value("сбой")
    expect(page.get_by_label("Продукт")).to_have_value(str(disks.pk))
    expect(page.get_by_label("Статус")).to_have_value("new")
    expect(page.locator(".ticket")).to_have_count(20)
    expect(page.get_by_role("link", name="Новое:")).to_have_count(0)
    page.get_by_role("link", name="Более ранние").click()
    expect(page.locator(".ticket")).to_have_count(6)
    page.get_by_role("link", name="Новее").click()
    expect(page.locator(".ticket")).to_have_count(20)
    page.get_by_role("link", name="Сбросить фильтры").click()
    expect(page.get_by_label("Номер или слова")).to_have_value("")


def test_pages_of_the_list_suit_everybody(page, live_server, anna, agent):
    made = {"status": "waiting", "created_at": LONG_AGO}
    TicketFactory.create_batch(22, requester=anna, title="Длинное_имя-vm-prod" * 3, **made)
    type(anna.organization).objects.update(shares_tickets=True)
    asked = open_ticket(anna, title="Сбой")
    add_comment(ticket=asked, actor=recording.agent(agent), body="Какая версия?")
    log_in(page, live_server)
    for query in ("", "?tab=awaiting", "?tab=closed", "?tab=organization", "?q=нет", "?older=1.1"):
        page.goto(f"{live_server.url}/{query}")
        check(page)
    page.goto(live_server.url)
    badge = page.get_by_role("link", name="22 ждут вас")
    badge.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/?tab=awaiting")
    expect(page).to_have_title("Ждут вас · 22 — Поддержка")
