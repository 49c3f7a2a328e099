"""What an agent does beside answering, in a browser: a ticket for who called, tools of the card.

With PICTURES set to a folder it leaves its pictures there.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from tests.factories import PASSWORD, AgentFactory, ProductFactory, SpecialistFactory, open_ticket
from tests.files import PDF, pdf
from tickets.canned import save_answer
from tickets.models import CannedAnswer, Ticket

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RIGHTS = (
    "view_ticket",
    "change_ticket",
    "add_comment",
    "add_user",
    "view_user",
    "view_cannedanswer",
)
WIDTHS = (1280, 390)
NEW = reverse("admin:tickets_ticket_new")


@pytest.fixture
def olga(transactional_db) -> Any:
    agent: Any = AgentFactory(username="olga", first_name="Ольга", last_name="Орлова")
    agent.user_permissions.set(Permission.objects.filter(codename__in=RIGHTS))
    return agent


@pytest.fixture
def desk(page, live_server, olga):
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(reduced_motion="reduce")  # else colours are on their way when axe looks
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Логин или почта").fill(olga.username)
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()
    page.get_by_role("navigation", name="Очереди").wait_for()
    return page


def open_new(desk) -> None:
    desk.get_by_role("link", name="Новая заявка").click()
    desk.wait_for_url(f"**{NEW}")  # and its scripts listen


@contextmanager
def typing_without_a_stop(page) -> Iterator[None]:
    """Asked for once, at its end: who is offered anew after a choice is not chosen any more."""
    page.clock.pause_at(timezone.now() + timedelta(hours=1))
    yield
    page.clock.resume()


def check(page, name: str, part: str = "body") -> None:
    """Nothing for axe to find in either theme in a part, nothing wider than the screen."""
    page.wait_for_load_state()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            found = Axe().run(page, context=part)
            assert found.violations_count == 0, found.generate_report()
            if folder := os.environ.get("PICTURES"):
                page.screenshot(path=Path(folder) / f"{name}-{width}-{theme}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_ticket_for_a_customer_who_called(desk, anna, product):
    desk.clock.install()
    open_new(desk)
    check(desk, "new-ticket")
    desk.get_by_role("button", name="Создать заявку").click()
    desk.get_by_role("alert").wait_for()
    check(desk, "new-ticket-errors")
    with typing_without_a_stop(desk):
        desk.get_by_label("Клиент").press_sequentially("кузн")
    desk.get_by_role("radio", name=str(anna)).check()
    check(desk, "new-ticket-found")
    asked = []
    desk.on("request", lambda request: asked.append(request.url) if "people" in request.url else 0)
    desk.get_by_label("Продукт").select_option(str(product.pk))
    desk.get_by_label("Тема").fill("Не печатает принтер")
    desk.get_by_label("Тема").press("Enter")  # looks for nobody: the chosen one would be gone
    desk.clock.run_for(1000)
    desk.get_by_label("Описание").fill("Звонила в 10:00, принтер мигает красным.")
    desk.get_by_role("button", name="Создать заявку").click()
    desk.get_by_role("heading", name="Не печатает принтер").wait_for()
    ticket = Ticket.objects.get()
    assert (ticket.requester, ticket.assignee.username) == (anna, "olga")
    assert asked == []


def test_search_for_people_that_fails_says_so(desk, anna):
    open_new(desk)
    desk.route("**/people/**", lambda route: route.abort())
    desk.get_by_label("Клиент").fill("кузн")
    desk.get_by_role("button", name="Найти").click()
    desk.get_by_text("Поиск сейчас не отвечает").wait_for()
    desk.unroute("**/people/**")
    desk.get_by_label("Клиент").press("Enter")
    desk.get_by_role("radio", name=str(anna)).wait_for()


def test_ready_answer_stands_in_a_new_ticket(desk, olga, anna, product):
    answer = CannedAnswer(title="Звонок", body="{имя}, ваша заявка № {номер}.")
    save_answer(answer=answer, actor=olga, for_all=False, files=[pdf("памятка.pdf")])
    desk.clock.install()
    open_new(desk)
    desk.get_by_label("Описание").press_sequentially("/звон")
    desk.get_by_role("option", name="Звонок").click()
    desk.get_by_role("list", name="Файлы готовых ответов").get_by_text("памятка.pdf").wait_for()
    expect(desk.get_by_label("Описание")).to_have_value(answer.body)
    expect(desk.get_by_label("Заполнить слова в фигурных скобках")).to_be_checked()
    desk.locator("#id_attachments").set_input_files(
        [{"name": "снимок.pdf", "mimeType": "application/pdf", "buffer": PDF}]
    )
    with typing_without_a_stop(desk):
        desk.get_by_label("Клиент").fill("кузн")
        desk.get_by_role("button", name="Найти").click()
    desk.get_by_role("radio", name=str(anna)).check()
    check(desk, "new-ticket-ready")
    desk.get_by_label("Продукт").select_option(str(product.pk))
    desk.get_by_label("Тема").fill("Нет доступа")
    desk.get_by_role("button", name="Создать заявку").click()
    desk.get_by_role("heading", name="Нет доступа").wait_for()
    ticket = Ticket.objects.get()
    assert ticket.description == f"Анна, ваша заявка № {ticket.pk}."
    assert [file.name for file in ticket.attachments.all()] == ["снимок.pdf", "памятка.pdf"]


def test_customer_is_made_on_the_spot(desk, product):
    open_new(desk)
    desk.get_by_text("Клиента ещё нет в системе").click()
    desk.get_by_label("Почта").fill("nina@new.example")
    desk.get_by_label("Имя").fill("Нина")
    check(desk, "new-ticket-newcomer")
    desk.get_by_label("Продукт").select_option(str(product.pk))
    desk.get_by_label("Тема").fill("Нет доступа")
    desk.get_by_label("Описание").fill("Первый звонок.")
    desk.get_by_role("button", name="Создать заявку").dblclick()
    desk.get_by_role("heading", name="Нет доступа").wait_for()
    assert Ticket.objects.get().requester == User.objects.get(email="nina@new.example")


def test_tools_of_the_card(desk, live_server, anna, boris, product):
    ticket, other = open_ticket(anna, product=product), open_ticket(boris, title="Похожая")
    ProductFactory(name="Сеть")
    desk.goto(f"{live_server.url}{reverse('admin:tickets_ticket_change', args=[ticket.pk])}")
    desk.get_by_label("№", exact=True).fill(str(other.pk))
    desk.get_by_role("button", name="Связать").click()
    desk.get_by_role("link", name=f"№ {other.pk} Похожая").wait_for()
    desk.get_by_role("button", name="завтра в 9:00").click()
    desk.get_by_text("Отложена до").first.wait_for()
    desk.get_by_role("button", name="Следить", exact=True).click()
    desk.get_by_text("Вы следите за заявкой.").wait_for()
    check(desk, "card-tools", ".around")
    desk.get_by_role("button", name="Вернуть сейчас").click()
    desk.get_by_text("Заявка больше не отложена.").wait_for()
    desk.get_by_role("link", name="Изменить тему и продукт").click()
    desk.get_by_label("Тема").wait_for()
    check(desk, "card-details")
    desk.get_by_label("Тема").fill("Отчёт пуст")
    desk.get_by_label("Продукт").select_option("Сеть")
    desk.get_by_role("button", name="Сохранить").click()
    desk.get_by_role("heading", name="Отчёт пуст").wait_for()
    assert Ticket.objects.get(pk=ticket.pk).product.name == "Сеть"


def test_colleague_is_offered_while_a_note_is_written(desk, live_server, anna, product):
    SpecialistFactory(username="igor", first_name="Игорь", last_name="Петров")
    ticket = open_ticket(anna, product=product)
    desk.goto(f"{live_server.url}{reverse('admin:tickets_ticket_change', args=[ticket.pk])}")
    desk.get_by_role("radio", name="Внутренняя заметка").check()
    text = desk.locator("#note-form textarea")
    text.press_sequentially("Спроси @ig")
    desk.get_by_role("option", name="@igor Игорь Петров").wait_for()
    found = Axe().run(desk, context=".agents-offered")
    assert found.violations_count == 0, found.generate_report()
    text.press("Enter")
    expect(text).to_have_value("Спроси @igor ")
    text.press_sequentially("про @Петр")
    desk.get_by_role("option", name="@igor Игорь Петров").wait_for()
    text.press("Escape")
    desk.locator(".agents-offered").wait_for(state="hidden")
