"""The queue in a browser: axe in both themes, a phone, filters that last, boxes without surprises.

With PICTURES set to a folder it leaves its pictures there.
"""

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Permission
from django.utils import timezone
from playwright.sync_api import expect

from tests.factories import PASSWORD, AgentFactory, TicketFactory, UserFactory, open_ticket
from tickets.models import Ticket
from tickets.queue import Queue
from tickets.status import TicketStatus

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RIGHTS = ("view_ticket", "change_ticket", "add_comment")
WIDTHS = (1280, 1024, 390, 320)


@pytest.fixture
def olga(transactional_db) -> AgentFactory:
    agent = AgentFactory(username="olga", first_name="Ольга", last_name="Орлова")
    agent.user_permissions.set(Permission.objects.filter(codename__in=RIGHTS))
    return agent


@pytest.fixture
def tickets(olga, anna, product) -> list[Ticket]:
    """Some for each tab."""
    now = timezone.now()
    other = AgentFactory(username="igor", first_name="Игорь", last_name="Петров")
    guest = UserFactory(username="viktor")
    common = {"product": product, "requester": anna}
    return [
        TicketFactory(
            **common, title="Не подключается реплика PostgreSQL после перезапуска узла", face="bot",
            priority="critical", next_due_at=now - timedelta(hours=26),
        ),
        TicketFactory(
            **common, title="Таймауты балансировщика", priority="high", assignee=olga,
            status=TicketStatus.IN_PROGRESS, answered_at=now, next_due_at=now + timedelta(hours=3),
        ),
        TicketFactory(
            product=product, requester=guest, title="Вопрос по счёту", assignee=other,
            status=TicketStatus.WAITING, last_word_by_agent=True, priority="low",
        ),
        TicketFactory(**common, title="Слово" * 12, assignee=other, status=TicketStatus.RESOLVED),
        TicketFactory(
            **common, title="Квота на диски", status=TicketStatus.CLOSED, score=5, closed_at=now
        ),
    ]  # fmt: skip


@pytest.fixture
def desk(page, live_server, olga, tickets):
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(reduced_motion="reduce")  # else colours are on their way when axe looks
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Логин или почта").fill(olga.username)
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()
    page.get_by_role("navigation", name="Очереди").wait_for()
    page.wait_for_load_state()  # its script listens
    return page


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
                assert Axe().run(page).response["violations"] == []


def test_agent_lands_in_a_queue_that_all_can_read(desk):
    expect(desk).to_have_title(re.compile("^Все открытые"))
    check(desk, "queue")


def test_every_tab_can_be_read(desk, live_server):
    for tab in Queue.values:
        desk.goto(f"{live_server.url}/admin/tickets/ticket/?tab={tab}")
        assert Axe().run(desk).response["violations"] == []
    check(desk, "queue-closed")
    desk.goto(f"{live_server.url}/admin/tickets/ticket/?q=нет+такого")
    check(desk, "queue-empty")


def test_filters_last_through_a_card_and_its_saving(desk):
    desk.get_by_role("link", name="Мои").click()
    desk.wait_for_url("**tab=mine**")
    desk.get_by_label("Приоритет").select_option("Высокий")
    desk.get_by_label("Организация").fill("альфа")
    desk.get_by_role("button", name="Показать").click()
    expect(desk).to_have_url(re.compile("(?=.*tab=mine).*priority=high"))
    desk.get_by_role("link", name="Таймауты балансировщика").click()
    desk.get_by_role("textbox", name="Ответ клиенту").fill("Проверяем.")
    desk.get_by_role("button", name="Ответить", exact=True).click()
    desk.get_by_text("сохранена").wait_for()
    desk.get_by_role("link", name="к списку").click()
    expect(desk.get_by_label("Приоритет")).to_have_value("high")
    expect(desk.get_by_label("Организация")).to_have_value("альфа")
    desk.wait_for_load_state()
    expect(desk.locator("#result_list tbody tr")).to_have_count(1)


def test_one_box_ticks_all_rows(desk):
    every = desk.get_by_label("Отметить все на странице")
    boxes = desk.locator("input[name=_selected_action]")
    every.check()
    assert boxes.evaluate_all("boxes => boxes.every(box => box.checked)")
    boxes.first.uncheck()
    expect(every).not_to_be_checked()
    every.check()
    every.uncheck()
    assert boxes.evaluate_all("boxes => boxes.every(box => !box.checked)")


def test_phone_shows_cards_with_everything(desk):
    desk.set_viewport_size({"width": 390, "height": 844})
    late = desk.locator("#result_list tbody tr").first
    box = late.bounding_box()
    assert box["width"] <= 390
    for words in ("реплика PostgreSQL", "ООО «Альфа»", "Критический", "Новая", "просрочена"):
        expect(late).to_contain_text(words, use_inner_text=True)


def test_news_announce_themselves_and_move_nothing(desk, live_server, anna, product):
    desk.clock.install()
    desk.goto(f"{live_server.url}/admin/tickets/ticket/?tab=free")
    place = desk.locator("#result_list").bounding_box()
    title = desk.title()
    open_ticket(anna, product=product, title="Пропали письма")
    desk.clock.run_for(12_000)
    desk.get_by_role("link", name="1 новая — показать").wait_for()
    expect(desk).to_have_title(f"(1) {title}")
    assert desk.locator("#result_list").bounding_box() == place
    expect(desk.get_by_text("Пропали письма")).to_have_count(0)
    check(desk, "queue-news")
    desk.get_by_role("link", name="1 новая — показать").click()
    desk.get_by_role("link", name="Пропали письма").wait_for()
    expect(desk).to_have_title(title)


def test_new_ticket_is_marked_until_it_was_opened(desk, live_server, anna, product):
    open_ticket(anna, product=product, title="Пропали письма")
    desk.goto(f"{live_server.url}/admin/tickets/ticket/?tab=free")
    row = desk.locator("#result_list tbody tr", has_text="Пропали письма")
    expect(row).to_contain_text("Есть новое", use_inner_text=True)
    check(desk, "queue-marks")
    row.get_by_role("link").click()
    desk.get_by_role("link", name="к списку").click()
    expect(row).to_have_count(1)
    desk.wait_for_load_state()
    expect(row).not_to_contain_text("Есть новое")


def test_filters_are_saved_under_a_name(desk, live_server):
    desk.get_by_label("Приоритет").select_option("Высокий")
    desk.get_by_role("button", name="Показать").click()
    desk.get_by_role("link", name="Сохранить или изменить вид").click()
    desk.get_by_label("Название", exact=True).fill("Высокие")
    desk.get_by_role("button", name="Сохранить").click()
    own = desk.get_by_role("navigation", name="Мои виды")
    expect(own.get_by_role("link", name="Высокие")).to_have_attribute("aria-current", "page")
    desk.goto(f"{live_server.url}/admin/")
    own.get_by_role("link", name="Высокие").click()
    expect(desk.get_by_label("Приоритет")).to_have_value("high")
    desk.get_by_role("link", name="Сохранить или изменить вид").click()
    desk.get_by_label("Название", exact=True).fill("Ещё раз")
    desk.get_by_role("button", name="Сохранить").click()
    desk.get_by_text("Такой вид у вас уже есть: «Высокие».").wait_for()
    check(desk, "views")
    with desk.expect_navigation():
        desk.get_by_role("button", name="Удалить").click()
    expect(desk.get_by_role("button", name="Удалить")).to_have_count(0)


def test_several_tickets_are_resolved_with_words(desk, tickets):
    desk.get_by_label(f"№ {tickets[1].pk}").check()
    desk.get_by_label(f"№ {tickets[3].pk}").check()  # is resolved already
    desk.get_by_label("С отмеченными").select_option("Выполнить")
    desk.get_by_role("button", name="Применить").click()
    desk.get_by_label("Текст для клиента").wait_for()
    check(desk, "bulk")
    desk.get_by_label("Текст для клиента").fill("Исправили.")
    desk.get_by_role("button", name="Выполнить").click()
    desk.get_by_text("Готово: 1 заявка.").wait_for()
    told = desk.locator(".messagelist")
    expect(told).to_contain_text(f"№ {tickets[3].pk}: ", use_inner_text=True)
    tickets[1].refresh_from_db()
    assert tickets[1].status == TicketStatus.RESOLVED
    assert tickets[1].comments.get().body == "Исправили."
