"""«Мои данные» in a browser: every state of the page, on a desktop and on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.factories import PASSWORD, open_ticket
from tests.tickets.personal_data import work_off
from tickets.models import Ticket
from tickets.status import TicketStatus

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SCREENS = ({"width": 1280, "height": 900}, {"width": 390, "height": 844})


def check(page) -> None:
    page.wait_for_load_state()
    for screen in SCREENS:
        page.set_viewport_size(screen)
        assert Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= screen["width"]


def test_archive_and_the_end_of_an_account(page, live_server, anna):
    open_ticket(anna)
    page.goto(f"{live_server.url}/login/?next=/personal-data/")
    page.get_by_label("Логин или почта").fill("anna")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()
    page.get_by_role("button", name="Собрать архив").click()
    page.get_by_text("Готовим архив").wait_for()
    check(page)
    work_off()
    with page.expect_navigation():
        page.get_by_role("link", name="Обновить").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Скачать архив").click()
    assert download.value.suggested_filename.endswith(".zip")
    check(page)
    page.get_by_role("link", name="Удалить аккаунт…").click()
    page.get_by_text("Сейчас удалить нельзя.").wait_for()
    check(page)
    Ticket.objects.update(status=TicketStatus.CLOSED)
    page.reload()
    page.get_by_role("button", name="Удалить аккаунт").click()
    page.get_by_role("alert").wait_for()
    check(page)
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_label("Понимаю, что вернуть удалённое нельзя").check()
    page.get_by_role("button", name="Удалить аккаунт").click()
    page.get_by_text("Аккаунт закрыт, данные удаляются.").wait_for()
    check(page)
