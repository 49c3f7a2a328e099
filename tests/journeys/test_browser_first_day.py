"""From an empty database to the first answered ticket, by what the pages say."""

import re
from importlib import import_module

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.apps import apps
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.db.migrations import RunPython
from playwright.sync_api import expect

from accounts.models import User
from tests.factories import PASSWORD
from tests.queue import run_queue
from tickets.models import Ticket

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# What makes the roles that a new installation has; other tests leave none behind
ROLES = (
    "tickets.migrations.0003_support_group",
    "telegram_bot.migrations.0003_desk_sees_groups",
    "accounts.migrations.0012_desk_confirms_joins",
    "accounts.migrations.0015_roles",
    "tickets.migrations.0017_rights_of_desk_tables",
)


@pytest.fixture
def installed(db):
    """As after `migrate` and `createsuperuser`."""
    with connection.schema_editor() as editor:
        for name in ROLES:
            for operation in import_module(name).Migration.operations:
                if isinstance(operation, RunPython):
                    operation.code(apps, editor)
    call_command("createsuperuser", username="root", email="root@desk.example", interactive=False)
    root = User.objects.get()
    root.set_password(PASSWORD)
    root.save()
    return root


NAMES = {"Продукты": "Облако", "Организации": "Альфа"}


class Person:
    """One of them at a browser of their own."""

    def __init__(self, browser, url: str) -> None:
        self.url = url
        self.page = browser.new_context(locale="ru-RU", reduced_motion="reduce").new_page()

    def log_in(self, login: str, path: str = "/login/") -> None:
        self.page.goto(self.url + path)
        self.page.locator("[name=username]").fill(login)
        self.page.locator("[name=password]").fill(PASSWORD)
        self.press("Войти")
        expect(self.page.locator("[name=password]")).to_have_count(0)

    def accept_invitation(self) -> None:
        """By the link of the newest letter."""
        path = re.search(r"(/invitation/\S+/)", mail.outbox[-1].body)[1]
        self.page.goto(self.url + path)
        self.page.get_by_label("Новый пароль", exact=True).fill(PASSWORD)
        self.page.locator("[name=new_password2]").fill(PASSWORD)
        self.press("Сохранить пароль")
        expect(self.page.get_by_text("Пароль сохранён")).to_be_visible()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name).first.click()

    def fill(self, **given: str) -> None:
        for name, text in given.items():
            self.page.locator(f"[name={name}]").fill(text)

    def check(self) -> None:
        self.page.wait_for_load_state()
        for theme in ("light", "dark"):
            self.page.emulate_media(color_scheme=theme)
            assert Axe().run(self.page).response["violations"] == []
        self.page.set_viewport_size({"width": 390, "height": 800})
        assert self.page.evaluate("document.documentElement.scrollWidth") <= 390
        self.page.set_viewport_size({"width": 1280, "height": 800})


@pytest.fixture
def person(browser, live_server):
    people: list[Person] = []

    def make() -> Person:
        people.append(Person(browser, live_server.url))
        return people[-1]

    yield make
    for one in people:
        one.page.context.close()


def test_new_administrator_sets_up_and_the_first_ticket_is_answered(person, installed):
    root = person()
    root.log_in("root@desk.example", "/admin/login/")
    set_up(root)
    agent = add_agent(root, person)
    client = add_client(root, person)

    client.follow("Создать заявку")
    client.page.get_by_label("Облако").check()
    client.fill(title="Не открывается панель", description="С утра ошибка 502.")
    client.page.get_by_role("button", name="Создать").click()
    expect(client.page.get_by_text("Не открывается панель").first).to_be_visible()

    agent.page.goto(f"{agent.url}/admin/")
    agent.follow("Не открывается панель")
    agent.page.locator("textarea:visible").first.fill("Перезапустили, проверьте.")
    answers = re.compile("^(Ответить|Сохранить)$")
    agent.page.get_by_role("button", name=answers).first.click()
    expect(agent.page.get_by_text("Перезапустили, проверьте.").first).to_be_visible()

    client.page.goto(f"{client.url}/tickets/{Ticket.objects.get().number}/")
    expect(client.page.get_by_text("Перезапустили, проверьте.")).to_be_visible()
    run_queue()
    assert "Перезапустили, проверьте." in mail.outbox[-1].body


def set_up(root: Person) -> None:
    """What the list on «Обзор» asks for, each from its link."""
    for step in ("Продукты", "Организации"):
        root.follow("Обзор")
        asked = root.page.get_by_role("listitem").filter(has_text=f"{step}: нет")
        asked.get_by_role("link", name="Добавить").click()
        root.page.get_by_label("Название").fill(NAMES[step])
        root.press("Сохранить")
        expect(root.page.locator(".messagelist")).to_contain_text(NAMES[step])
    root.follow("Обзор")


def add_agent(root: Person, person) -> Person:
    asked = root.page.get_by_role("listitem").filter(has_text="Специалисты: нет")
    asked.get_by_role("link", name="Добавить").click()
    root.page.get_by_label("Специалист поддержки").wait_for()
    root.check()
    root.fill(email="igor@desk.example", first_name="Игорь", last_name="Петров")
    root.page.get_by_label("Специалист поддержки").check()
    root.press("Добавить и пригласить")
    expect(root.page.get_by_text("Приглашение отправлено на igor@desk.example")).to_be_visible()
    agent = person()
    agent.accept_invitation()
    agent.log_in("igor@desk.example", "/admin/login/")
    return agent


def add_client(root: Person, person) -> Person:
    root.follow("Пользователи")
    root.follow("Новый клиент")
    root.page.locator("[name=new_organization]").wait_for()
    root.check()
    root.fill(email="anna@alpha.example", first_name="Анна", last_name="К", new_organization="Бета")
    root.press("Добавить и пригласить")
    expect(root.page.get_by_text("Приглашение отправлено на anna@alpha.example")).to_be_visible()
    client = person()
    client.accept_invitation()
    client.log_in("anna@alpha.example")
    return client
