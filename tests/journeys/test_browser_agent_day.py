"""An agent's day, from the log-in to the last answer, at a desk and on a phone."""

import pytest
from django.contrib.auth.models import Permission
from playwright.sync_api import expect

from tests.factories import PASSWORD, AgentFactory, open_ticket
from tickets.comments import add_comment
from tickets.models import CannedAnswer, Face
from tickets.recording import customer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
RIGHTS = ("view_ticket", "change_ticket", "add_comment", "view_cannedanswer")


@pytest.fixture
def ticket(anna, product):
    return open_ticket(anna, product=product, title="Не поднимается VPN")


@pytest.fixture
def olga(transactional_db, product):
    agent = AgentFactory(username="olga", first_name="Ольга", last_name="Орлова")
    agent.user_permissions.set(Permission.objects.filter(codename__in=RIGHTS))
    CannedAnswer.objects.create(title="Проверьте", body="{имя}, проверьте № {номер}.", owner=agent)
    return agent


class Desk:
    def __init__(self, page, url: str) -> None:
        self.page, self.url = page, url

    def open(self, tab: str) -> None:
        """A tab of the queue, by its name."""
        self.page.goto(f"{self.url}/admin/tickets/ticket/")
        self.page.get_by_role("link", name=tab).click()
        tabs = self.page.get_by_role("navigation", name="Очереди")
        expect(tabs.locator("[aria-current=page]")).to_contain_text(tab)
        self.page.wait_for_load_state()  # with all its rows

    def shows(self, title: str) -> None:
        expect(self.page.get_by_role("link", name=title)).to_be_visible()

    def lacks(self, title: str) -> None:
        expect(self.page.get_by_role("link", name=title)).to_have_count(0)

    def enter(self, title: str) -> None:
        self.page.get_by_role("link", name=title).click()
        expect(self.page.get_by_role("heading", name=title)).to_be_visible()

    def write(self, words: str, button: str) -> None:
        self.page.get_by_role("textbox", name="Ответ клиенту").fill(words)
        self.press(button)

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button, exact=True).first.click()

    def says(self, words: str) -> None:
        expect(self.page.get_by_text(words).first).to_be_visible()


@pytest.fixture
def desk(page, live_server, olga):
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Логин или почта").fill("olga")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()
    page.wait_for_url("**/admin/tickets/ticket/")
    return Desk(page, live_server.url)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_day_of_an_agent(desk, page, ticket, anna, product, olga, size):
    later = open_ticket(anna, product=product, title="Квота на вырост")
    page.set_viewport_size(size)

    desk.open("Без исполнителя")
    desk.enter(ticket.title)
    desk.press("Взять себе")
    desk.says("исполнитель: Ольга О.")
    desk.write("Пришлите журнал, пожалуйста.", "Ответить и ждать клиента")
    desk.says("Ожидает ответа клиента")
    desk.open("Ждут клиента")
    desk.shows(ticket.title)

    add_comment(ticket=ticket, actor=customer(anna, Face.PORTAL), body="Журнал приложен.")
    desk.open("Клиент ответил")
    expect(page.get_by_role("row").filter(has_text=ticket.title)).to_contain_text("новое")
    desk.enter(ticket.title)
    desk.says("Журнал приложен.")
    desk.open("Клиент ответил")
    expect(page.get_by_role("row").filter(has_text=ticket.title)).not_to_contain_text("новое")

    desk.enter(ticket.title)
    desk.press("📋 Готовый ответ")
    page.get_by_role("option", name="Проверьте").click()
    words = page.get_by_role("textbox", name="Ответ клиенту")
    expect(words).to_have_value(f"Анна, проверьте № {ticket.number}.")
    desk.press("Ответить и выполнить")
    desk.says("Выполнена")

    desk.open("Без исполнителя")
    desk.lacks(ticket.title)
    desk.enter(later.title)
    desk.press("через час")
    desk.says("Отложена до")
    desk.open("Без исполнителя")
    desk.lacks(later.title)
    desk.open("Все открытые")
    desk.shows(later.title)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]

    ticket.refresh_from_db()
    later.refresh_from_db()
    assert (ticket.status, ticket.assignee) == ("resolved", olga)
    assert (later.status, later.assignee) == ("new", None)
    assert [row.body for row in ticket.comments.filter(by_agent=True)] == [
        "Пришлите журнал, пожалуйста.",
        f"Анна, проверьте № {ticket.number}.",
    ]
