"""A new ticket in a browser: on a phone and a desktop, with and without JavaScript."""

import os
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from accounts.models import Session
from tests.factories import PASSWORD, ProductFactory, TicketFactory, open_ticket
from tickets.models import Ticket
from tickets.services import TICKETS_AN_HOUR

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NEW = reverse("new_ticket")
TITLE, DESCRIPTION = "Не открывается отчёт", "Белый экран <после> входа."
SIZES = [(1280, 900), (390, 844), (320, 640)]
PICTURES = os.environ.get("PICTURES")  # a folder: keeps what the pages looked like


@pytest.fixture
def products(transactional_db):
    return [ProductFactory(name=name, icon="☁️") for name in ("Облачный сервер", "Базы данных")]


@pytest.fixture
def journal(tmp_path):
    def journal(name: str = "журнал.txt", content: str = "строка") -> Path:
        path = tmp_path / name
        path.write_text(content)
        return path

    return journal


@pytest.fixture
def visit(page, live_server, anna):
    """Log in on the way to a page."""

    def visit(path: str = NEW, page=page):
        page.goto(live_server.url + path)
        page.get_by_label("Логин или почта").fill("anna")
        page.get_by_label("Пароль").fill(PASSWORD)
        page.get_by_role("button", name="Войти").click()
        page.wait_for_url(live_server.url + path)
        return page

    return visit


def check(page, name: str = "") -> None:
    """Nothing for axe to find, nothing wider than the screen."""
    page.wait_for_load_state()
    assert Axe().run(page).response["violations"] == []
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if PICTURES and name:
        page.screenshot(path=Path(PICTURES) / f"{name}-{width}.png", full_page=True)


def fill(page, title: str = TITLE) -> None:
    page.get_by_label("Облачный сервер").check()
    page.get_by_label("Кратко о проблеме").fill(title)
    page.get_by_label("Подробно").fill(DESCRIPTION)


def files_field(page):
    return page.get_by_label("Файлы", exact=True)


def chosen(page) -> list[str]:
    return files_field(page).evaluate("input => [...input.files].map((file) => file.name)")


def send(page) -> None:
    page.get_by_role("button", name="Создать заявку").click()


def see_created(page) -> Ticket:
    """The newest ticket, once its page has come and says so."""
    page.wait_for_url(re.compile("/tickets/[0-9]+/$"))
    ticket = Ticket.objects.latest("pk")
    expect(page.get_by_text(f"Заявка № {ticket.pk} создана.")).to_be_visible()
    return ticket


@pytest.mark.parametrize("size", SIZES)
def test_ticket_with_files(page, visit, products, journal, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    visit()
    check(page, "new")
    send(page)
    page.get_by_role("link", name="Выберите продукт.").wait_for()
    expect(page.locator(".error-summary")).to_be_focused()
    expect(page).to_have_title(re.compile(r"^Ошибка: "))
    check(page, "new-errors")
    fill(page)
    files_field(page).set_input_files([journal(), journal("error.log.1"), journal("run.exe")])
    page.get_by_text("Файлов: 2 из 10").wait_for()
    page.get_by_text("не будет отправлен: такой тип не поддерживается").wait_for()
    check(page, "new-filled")
    page.get_by_role("button", name="Убрать журнал.txt").click()
    assert chosen(page) == ["error.log.1"]
    send(page)
    see_created(page)
    ticket = Ticket.objects.get()
    banner = page.get_by_text(f"Заявка № {ticket.pk} создана. Ответ придёт: портал, почта")
    expect(banner).to_be_in_viewport()
    check(page, "new-created")
    assert (ticket.title, ticket.description) == (TITLE, DESCRIPTION)
    assert [file.name for file in ticket.attachments.all()] == ["error.log.1"]


@pytest.mark.parametrize("size", SIZES[:2])
def test_ticket_without_javascript(browser, visit, products, anna, journal, size):
    context = browser.new_context(
        java_script_enabled=False,
        locale="ru-RU",
        viewport={"width": size[0], "height": size[1]},
    )
    page = visit(page=context.new_page())
    alike = open_ticket(anna, product=products[0], title=TITLE)
    fill(page, title="а" * 61)
    files_field(page).set_input_files(journal())
    send(page)
    expect(page.get_by_role("link", name="В заголовке 61 символ")).to_be_visible()
    expect(page.get_by_role("link", name="Выберите файлы заново")).to_be_visible()
    expect(page.get_by_label("Подробно")).to_have_value(DESCRIPTION)
    page.wait_for_load_state()
    expect(page.get_by_role("button", name="Взять этот")).to_be_hidden()
    page.get_by_label("Кратко о проблеме").fill(TITLE)
    files_field(page).set_input_files(journal())
    send(page)
    ticket = see_created(page)
    expect(page.get_by_role("link", name=f"№ {alike.pk} {TITLE}")).to_be_visible()
    assert ticket.attachments.get().name == "журнал.txt"
    page.get_by_role("link", name="Вопрос решён, закрыть заявку").click()
    page.get_by_label("5 — отлично").check()
    page.get_by_role("button", name="Вопрос решён, закрыть").click()
    expect(page.get_by_text("Спасибо за оценку! Заявка закрыта.")).to_be_visible()
    ticket.refresh_from_db()
    assert (ticket.status, ticket.score) == ("closed", 5)
    page.get_by_role("link", name="Создать на основе").click()
    expect(page.get_by_label("Кратко о проблеме")).to_have_value(TITLE)
    context.close()


def test_title_is_counted_and_a_shorter_one_taken(page, visit, products):
    visit()
    title = page.get_by_label("Кратко о проблеме")
    counter = page.locator(".counter")
    for text, count in (("Не  открывается ", "14 из 60"), ("👍" * 61, "61 из 60")):
        title.fill(text)
        expect(counter).to_have_text(count)
    expect(counter).to_contain_class("over")
    fill(page, "Не подключается реплика PostgreSQL после перезапуска сервера ночью")
    send(page)
    page.get_by_role("button", name="Взять этот").click()
    expect(title).to_have_value(re.compile("^.{60}$"))
    send(page)
    see_created(page)
    assert Ticket.objects.get().title.endswith("…")


def test_similar_open_ticket_is_pointed_out_while_typing(page, visit, products, anna):
    alike = TicketFactory(requester=anna, title=TITLE)
    visit()
    page.get_by_label("Кратко о проблеме").fill("Отчёт не открывается")
    link = page.get_by_role("link", name=f"№ {alike.pk} {TITLE}")
    link.wait_for()
    check(page, "new-similar")
    fill(page, "Отчёт не открывается")
    link.wait_for()
    send(page)
    see_created(page)
    expect(page.get_by_text("Похоже, об этом")).to_have_count(0)


DROP = """([target, names]) => {
    const carried = new DataTransfer();
    for (const name of names) carried.items.add(new File(["строка"], name));
    if (!names.length) carried.setData("text/plain", "слова");
    const at = document.querySelector(target);
    const drag = (kind) => at.dispatchEvent(
        new DragEvent(kind, {dataTransfer: carried, bubbles: true, cancelable: true}));
    return ["dragover", "drop"].map(drag); // false: the browser does not open the file
}"""
PASTE = """([name, text]) => {
    const carried = new DataTransfer();
    carried.items.add(new File(["\\x89PNG"], name, {type: "image/png"}));
    if (text) carried.setData("text/plain", text);
    document.querySelector("textarea").dispatchEvent(
        new ClipboardEvent("paste", {clipboardData: carried, bubbles: true, cancelable: true}));
}"""


def test_files_are_dropped_anywhere_pasted_and_added_to(page, visit, products, journal):
    visit()
    assert page.evaluate(DROP, ["h1", ["а.txt", "б.txt"]]) == [False, False]
    assert page.evaluate(DROP, ["textarea", []]) == [True, True]  # words go where they are dropped
    expect(page.locator(".over")).to_have_count(0)
    assert chosen(page) == ["а.txt", "б.txt"]
    files_field(page).set_input_files(journal())
    assert chosen(page) == ["а.txt", "б.txt", "журнал.txt"]
    page.evaluate(PASTE, ["снимок.png", ""])
    page.evaluate(PASTE, ["таблица.png", "A1\tB1"])  # words: as an office program has copied them
    assert chosen(page)[3:] == ["снимок.png"]
    page.evaluate(DROP, ["body", [f"{number}.txt" for number in range(8)]])
    assert len(chosen(page)) == 10
    expect(page.get_by_text("файлов уже достаточно")).to_have_count(2)
    page.get_by_role("button", name="Убрать а.txt").click()
    assert len(chosen(page)) == 10
    expect(page.get_by_text("файлов уже достаточно")).to_have_count(1)


@pytest.mark.parametrize("problem", ["title", "kind", "hour"])
def test_files_stay_when_the_form_comes_back(page, visit, products, anna, journal, problem):
    visit()
    fill(page, "а" * 61 if problem == "title" else TITLE)
    if problem == "hour":
        TicketFactory.create_batch(TICKETS_AN_HOUR, requester=anna)
    bad = journal("снимок.png", "не картинка")
    files_field(page).set_input_files([journal(), *([bad] if problem == "kind" else [])])
    send(page)
    page.locator(".error-summary").wait_for()
    expect(page.get_by_text("Выберите файлы заново")).to_have_count(0)
    expect(page.get_by_label("Подробно")).to_have_value(DESCRIPTION)
    page.get_by_text("журнал.txt").first.wait_for()
    if problem == "kind":
        page.get_by_role("button", name="Убрать снимок.png").click()
    Ticket.objects.all().delete()
    page.get_by_label("Кратко о проблеме").fill(TITLE)
    send(page)
    see_created(page)
    assert [file.name for file in Ticket.objects.get().attachments.all()] == ["журнал.txt"]


@pytest.mark.parametrize("fault", ["unreachable", "broken after the commit"])
def test_nothing_is_lost_when_no_answer_comes(page, visit, products, journal, monkeypatch, fault):
    """Whether the ticket was made or not: pressed again there is one, with its file."""
    visit()
    fill(page)
    files_field(page).set_input_files(journal())
    with monkeypatch.context() as patch:
        if fault == "unreachable":
            page.route("**" + NEW, lambda route: route.abort())
        else:
            patch.setattr("portal.views.new_ticket._say_what_happened", None)
        send(page)
        page.get_by_text("Сервер не ответил. Текст и файлы на месте").wait_for()
    expect(page.get_by_role("button", name="Создать заявку")).to_be_enabled()
    check(page, "new-failed")
    assert Ticket.objects.count() == (fault != "unreachable")
    page.unroute("**" + NEW)
    assert chosen(page) == ["журнал.txt"]
    expect(page.locator(".counter")).to_have_text("20 из 60")
    expect(page.locator("[data-sum]")).to_have_text("Файлов: 1 из 10, всего 12 Б")
    send(page)
    see_created(page)
    assert Ticket.objects.get().attachments.count() == 1


@pytest.mark.parametrize("fate", ["changed", "deleted"])
def test_file_that_is_not_as_it_was_chosen_is_named(page, visit, products, journal, fate):
    visit()
    fill(page)
    files_field(page).set_input_files([journal(), journal("error.log")])
    page.get_by_text("Файлов: 2 из 10").wait_for()
    path = journal("error.log", "стала длиннее, пока форма заполнялась")
    os.utime(path, (0, 0)) if fate == "changed" else path.unlink()
    send(page)
    page.get_by_text("Файл «error.log» изменился или удалён").wait_for()
    page.get_by_role("button", name="Убрать error.log").click()
    files_field(page).set_input_files(journal("error.log", "новая"))
    send(page)
    see_created(page)
    assert Ticket.objects.get().attachments.count() == 2


def test_lost_session_gives_the_words_back(page, visit, products, journal):
    visit()
    fill(page)
    files_field(page).set_input_files(journal())
    Session.objects.all().delete()
    send(page)
    page.get_by_text("Ваш текст сохранён: войдите снова").wait_for()
    page.get_by_label("Логин или почта").fill("anna")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()
    page.get_by_text("Файлы не сохранились: приложите их заново.").wait_for()
    expect(page.get_by_label("Кратко о проблеме")).to_have_value(TITLE)
    expect(page.get_by_label("Облачный сервер")).to_be_checked()


def test_login_in_another_tab_costs_no_words(page, visit, products, live_server):
    visit()
    fill(page)
    page.context.add_cookies([{"name": "csrftoken", "value": "b" * 32, "url": live_server.url}])
    send(page)
    page.get_by_text("текст сохранён").wait_for()
    page.goto(live_server.url + NEW)
    page.get_by_text("Вы вошли снова. Ваш текст сохранён").wait_for()
    expect(page.get_by_label("Кратко о проблеме")).to_have_value(TITLE)
    assert not Ticket.objects.exists()


def test_text_of_megabytes_comes_back(page, visit, products):
    visit()
    fill(page)
    long = "a" * 2_900_000
    page.get_by_label("Подробно").evaluate("(field, text) => (field.value = text)", long)
    send(page)
    page.get_by_role("heading", name="Текст слишком длинный").wait_for()
    page.get_by_text("Ваш текст не потерян.").wait_for()
    page.go_back()
    expect(page.get_by_label("Подробно")).to_have_value(long)


def test_double_press_and_the_way_back_make_one_ticket(page, visit, products):
    visit()
    fill(page)
    page.get_by_role("button", name="Создать заявку").dblclick()
    see_created(page)
    page.go_back()
    page.get_by_role("heading", name="Создать заявку").wait_for()
    page.wait_for_load_state()
    assert Ticket.objects.count() == 1
    assert page.evaluate("Object.keys(sessionStorage).length") == 0


@pytest.mark.parametrize("size", SIZES)
def test_closing(page, visit, anna, products, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    ticket = open_ticket(anna, product=products[0], title=TITLE)
    visit(ticket.get_absolute_url())
    page.get_by_role("link", name="Вопрос решён, закрыть заявку").click()
    page.get_by_label("4 — хорошо").wait_for()
    check(page, "close")
    page.get_by_label("4 — хорошо").check()
    page.get_by_label("Комментарий (необязательно)").fill("Сами нашли причину")
    page.get_by_role("button", name="Вопрос решён, закрыть").click()
    page.get_by_text("Спасибо за оценку! Заявка закрыта.").wait_for()
    check(page, "closed")
    ticket.refresh_from_db()
    assert (ticket.score, ticket.rating_comment) == (4, "Сами нашли причину")


def test_no_products_and_many(page, visit, transactional_db):
    visit()
    check(page, "new-none")
    ProductFactory.create_batch(13)
    page.reload()
    assert page.get_by_label("Продукт", exact=True).evaluate("field => field.tagName") == "SELECT"
    check(page, "new-many")
