"""Overview, report and queue of tasks in a browser: axe in both themes, a phone, a download.

With PICTURES set to a folder it leaves its pictures there.
"""

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from config.queue import enqueue
from tests.factories import (
    PASSWORD,
    AgentFactory,
    OrganizationFactory,
    ProductFactory,
    TicketFactory,
    UserFactory,
)
from tickets.models import Delivery, TicketEvent

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = (1280, 1024, 390, 320)


@pytest.fixture
def desk(page, live_server, transactional_db):
    AgentFactory(username="root", is_superuser=True, first_name="Ольга", last_name="Орлова")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(reduced_motion="reduce")  # else colours are on their way when axe looks
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Логин или почта").fill("root")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()
    page.get_by_role("navigation", name="Очереди").wait_for()
    return page


@pytest.fixture
def past(transactional_db):
    """A month of tickets, some of them solved and rated."""
    now = timezone.now()
    organization = OrganizationFactory(name="Общество с очень длинным названием «Альфа и компания»")
    anna = UserFactory(username="anna", organization=organization)
    solver = AgentFactory(first_name="Игорь", last_name="Петров")
    products = [ProductFactory(name=name) for name in ("Базы данных", "Балансировщик нагрузки")]
    for days in range(30):
        created_at = now - timedelta(days=days, hours=1)
        closed_at = created_at + timedelta(minutes=40 + 7 * days)
        ticket = TicketFactory(
            requester=anna, product=products[days % 2], assignee=solver, status="closed",
            created_at=created_at, answered_at=created_at + timedelta(minutes=days),
            closed_at=closed_at, score=5 - days % 5 % 3, rating_comment="Спасибо, помогли! " * days,
        )  # fmt: skip
        TicketEvent.objects.create(
            ticket=ticket, kind="status", old_value="in_progress", new_value="resolved",
            by_agent=True, actor=solver, created_at=closed_at, face="admin",
        )  # fmt: skip
    TicketFactory(requester=anna, product=products[0], next_due_at=now - timedelta(hours=3))
    Delivery.objects.create(channel="email", kind="comment", address="a@b.example", state="failed")


def picture(page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def check(page, name: str) -> None:
    """Nothing for axe to find in either theme, nothing wider than the screen."""
    page.wait_for_load_state()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name}: {wide} px at {width}"
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            picture(page, f"{name}-{width}-{theme}")
            if width in (1280, 390):
                found = Axe().run(page).response["violations"]
                assert found == [], [(one["id"], one["nodes"][0]["html"]) for one in found]


def test_overview_of_a_new_installation(desk):
    desk.get_by_role("link", name="Обзор").click()
    desk.get_by_role("heading", name="Что ещё настроить").wait_for()
    check(desk, "overview-new")
    desk.get_by_role("link", name="Добавить").first.click()
    desk.get_by_role("heading", name="Продукт: добавление").wait_for()


def test_overview_of_a_month(desk, live_server, past):
    desk.get_by_role("link", name="Обзор").click()
    desk.get_by_role("button", name="Отправить пробное письмо").click()
    desk.get_by_text("Письмо ждёт обработчика задач").wait_for()
    desk.get_by_text("Таблица").click()
    desk.get_by_role("columnheader", name="Новых заявок").wait_for()
    check(desk, "overview")
    desk.get_by_role("link", name="Просрочены").click()
    desk.get_by_role("navigation", name="Очереди").wait_for()
    desk.wait_for_load_state()
    expect(desk.locator("#result_list tbody tr")).to_have_count(1)


def test_report_is_asked_for_read_and_taken_along(desk, past):
    desk.get_by_role("link", name="Отчёт").click()
    desk.get_by_role("heading", name="По продуктам").wait_for()
    check(desk, "report")
    desk.set_viewport_size({"width": 1280, "height": 900})
    desk.get_by_label("Продукт", exact=True).select_option("Базы данных")
    desk.get_by_role("button", name="Показать").click()
    expect(desk).to_have_url(re.compile("product="))
    with desk.expect_navigation():
        desk.get_by_role("link", name="7 дней").click()
    chosen = desk.get_by_label("Продукт", exact=True).locator("option:checked")
    expect(chosen).to_have_text("Базы данных")
    with desk.expect_download() as taken:
        desk.get_by_role("link", name="Скачать заявки").click()
    lines = taken.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith('"№";"Тема";"Продукт"')
    assert len(lines) > 1
    assert all("Балансировщик" not in line for line in lines)


def test_wrong_period_is_said_beside_its_field(desk, live_server):
    desk.goto(f"{live_server.url}/admin/report/?since=2026-02-01&until=2026-01-01&organization=zz")
    desk.get_by_text("Конец периода раньше начала.").wait_for()
    expect(desk).to_have_title(re.compile("^Ошибка: "))
    wrong = desk.get_by_label("По", exact=True)
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_have_attribute("aria-describedby", re.compile("id_until_error"))
    check(desk, "report-wrong")


def test_report_of_nothing(desk, live_server):
    desk.goto(f"{live_server.url}/admin/report/")
    check(desk, "report-empty")


def test_queue_of_tasks(desk, live_server):
    desk.goto(f"{live_server.url}/admin/tasks/")
    check(desk, "tasks-empty")
    enqueue("tickets.tasks.drain", "email")
    desk.reload()
    desk.get_by_text("Отправка уведомлений").wait_for()
    check(desk, "tasks")
