"""Merging, an incident and a split in a browser: the whole way, axe in both themes, a phone.

With PICTURES set to a folder it leaves its pictures there.
"""

import os
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Permission
from playwright.sync_api import expect

from tests.factories import PASSWORD, AgentFactory, UserFactory, open_ticket
from tests.files import PDF, pdf
from tests.queue import run_queue
from tickets.announcements import announce
from tickets.canned import save_answer
from tickets.comments import add_comment
from tickets.models import CannedAnswer, Face, Ticket
from tickets.recording import customer

RIGHTS = (
    "view_ticket", "change_ticket", "add_comment", "view_announcement", "add_announcement",
    "change_announcement", "view_cannedanswer",
)  # fmt: skip
DROP = """({name, text}) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([text], name, {type: "application/pdf"}));
  document.body.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true}));
}"""
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def head(transactional_db) -> AgentFactory:
    agent = AgentFactory(username="olga", first_name="Ольга", last_name="Орлова")
    agent.user_permissions.set(Permission.objects.filter(codename__in=RIGHTS))
    return agent


@pytest.fixture
def pair(anna, product) -> list[Ticket]:
    titles = ["Сайт не открывается с утра", "Не подключается реплика PostgreSQL после перезапуска"]
    rows = [open_ticket(anna, product=product, title=title) for title in titles]
    add_comment(ticket=rows[0], actor=customer(anna, Face.BOT), body="И ещё счёт неверный")
    return rows


@pytest.fixture
def desk(page, live_server, head):
    page.set_viewport_size({"width": 1280, "height": 900})
    log_in(page, f"{live_server.url}/admin/", head)
    page.get_by_role("navigation", name="Очереди").wait_for()
    return page


def log_in(page, address: str, person) -> None:
    page.goto(address)
    page.get_by_label(re.compile("Логин или почта|Логин")).fill(person.username)
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()


def check(page, name: str) -> None:
    """Nothing for axe to find in either theme, nothing wider than the screen."""
    page.wait_for_load_state()
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name}: {wide} px at {width}"
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            if folder := os.environ.get("PICTURES"):
                place = Path(folder) / f"{name}-{width}-{theme}.png"
                page.screenshot(path=place, full_page=True)
            # its copies of style sheets would break the policy of these pages
            found = Axe().run(page, options={"preload": False})
            assert found.response["violations"] == [], name


def test_two_tickets_become_one(desk, live_server, pair):
    ticket, into = pair
    desk.goto(f"{live_server.url}/admin/tickets/ticket/{ticket.pk}/change/")
    desk.get_by_role("link", name="Объединить с другой заявкой").click()
    desk.get_by_label("Номер заявки, которая останется").wait_for()
    check(desk, "merge-ask")
    desk.get_by_label("Номер заявки, которая останется").fill("999999")
    desk.keyboard.press("Enter")
    desk.get_by_role("alert").get_by_text("Заявки с таким номером нет").wait_for()
    desk.get_by_label("Номер заявки, которая останется").fill(f"№ {into.pk}")
    desk.keyboard.press("Enter")
    desk.get_by_text("Отменить объединение нельзя.").wait_for()
    check(desk, "merge-both")
    desk.get_by_role("button", name=f"Объединить № {ticket.pk} с № {into.pk}").click()
    desk.get_by_text(f"Заявка № {ticket.pk} объединена с этой. Клиент узнает").wait_for()
    expect(desk).to_have_url(re.compile(f"/{into.pk}/change/"))
    desk.get_by_text("И ещё счёт неверный").wait_for()
    desk.goto(f"{live_server.url}/admin/tickets/ticket/{ticket.pk}/change/")
    expect(desk).to_have_url(re.compile(f"/{into.pk}/change/"))


def test_incident_is_filled_and_all_are_answered(desk, live_server, pair, product, head):
    incident, ticket = pair
    answer = CannedAnswer(title="Узел заменён", body="{имя}, узел заменили: № {номер}.")
    save_answer(answer=answer, actor=head, for_all=False, files=[pdf("памятка.pdf")])
    other = open_ticket(UserFactory(), product=product, title="Слово" * 12)
    desk.goto(f"{live_server.url}/admin/tickets/ticket/{incident.pk}/change/")
    desk.get_by_role("link", name="Инцидент").click()
    desk.get_by_label("Номера заявок").wait_for()
    check(desk, "incident-empty")
    desk.get_by_label("Номера заявок").fill(f"{ticket.pk}, {other.pk} 999999")
    desk.get_by_role("button", name="Добавить в инцидент").click()
    desk.get_by_text("Добавлено в инцидент: 2 заявки.").wait_for()
    check(desk, "incident")
    desk.get_by_label("Ответ", exact=True).press_sequentially("/узел")
    desk.get_by_role("option", name="Узел заменён").click()
    desk.evaluate(DROP, {"name": "акт.pdf", "text": PDF.decode()})
    desk.get_by_text("Файлов: 1 из 10").wait_for()
    check(desk, "incident-with-files")
    desk.get_by_label("Статус заявок после ответа").select_option("Выполнена")
    desk.get_by_role("button", name="Ответить всем").click()
    desk.get_by_role("progressbar").wait_for()
    check(desk, "incident-going-on")
    run_queue()
    desk.get_by_role("link", name="Обновить").click()
    desk.get_by_role("heading", name="Ответ всем отправлен").wait_for()
    check(desk, "incident-answered")
    for one in (ticket, other):
        said = one.comments.get(body=f"{one.requester.first_name}, узел заменили: № {one.pk}.")
        assert [file.name for file in said.attachments.all()] == ["акт.pdf", "памятка.pdf"]
    desk.get_by_role("button", name=f"Убрать № {other.pk} из инцидента № {incident.pk}").click()
    back = desk.get_by_role("button", name=f"Вернуть № {other.pk} в инцидент № {incident.pk}")
    back.wait_for()
    check(desk, "incident-left")
    back.click()
    desk.get_by_text("Добавлено в инцидент: 1 заявка.").wait_for()
    desk.goto(f"{live_server.url}/admin/tickets/ticket/{ticket.pk}/incident/")
    desk.get_by_role("button", name=f"Убрать из инцидента № {incident.pk}").wait_for()
    check(desk, "incident-of-ticket")


def test_message_is_split_off(desk, live_server, pair):
    desk.goto(f"{live_server.url}/admin/tickets/ticket/{pair[0].pk}/change/")
    desk.get_by_role("link", name="выделить в новую заявку").click()
    desk.get_by_label("Тема новой заявки").wait_for()
    check(desk, "split")
    desk.get_by_label("Тема новой заявки").fill("Неверный счёт")
    desk.get_by_role("button", name="Выделить в новую заявку").click()
    desk.get_by_text("Сообщение выделено в эту заявку.").wait_for()
    assert Ticket.objects.latest("pk").title == "Неверный счёт"


def test_announcement_is_made_read_and_ended(desk, browser, live_server, pair, anna):
    desk.goto(f"{live_server.url}/admin/tickets/announcement/add/?incident={pair[0].pk}")
    check(desk, "announcement-form")
    desk.get_by_label("Текст").fill("Сбой: часть серверов недоступна, чиним.")
    desk.get_by_role("button", name="Сохранить", exact=True).click()
    desk.get_by_text("показывается").wait_for()
    check(desk, "announcement-list")
    context = browser.new_context(locale="ru-RU", reduced_motion="reduce")
    portal = context.new_page()
    log_in(portal, f"{live_server.url}/", anna)
    portal.get_by_text("Сбой: часть серверов недоступна").wait_for()
    check(portal, "announced")
    desk.locator("#result_list").get_by_role("link", name="Сбой: часть").click()
    desk.get_by_role("button", name="Закончить сейчас").click()
    desk.get_by_text("Объявление больше не показывается.").wait_for()
    portal.reload()
    expect(portal.get_by_role("heading", name="Заявки", exact=True)).to_be_visible()
    assert "Сбой: часть" not in portal.content()
    context.close()


def test_two_announcements_at_once(page, live_server, anna, head):
    for number in range(2):
        announce(text=f"Сбой {number}: " + "слово" * 50, by=head)
    log_in(page, f"{live_server.url}/", anna)
    page.get_by_text("Сбой 1").wait_for()
    check(page, "announced-long")
