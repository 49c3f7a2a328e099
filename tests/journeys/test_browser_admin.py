import re
from base64 import b64decode

import pytest
from django.contrib.auth.models import Permission

from tests.factories import PASSWORD, AgentFactory, SpecialistFactory, open_ticket
from tickets import recording
from tickets.models import Comment
from tickets.services import change_status
from tickets.status import TicketStatus

PICTURE = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
RIGHTS = ("view_ticket", "change_ticket", "add_comment", "view_user")


@pytest.fixture
def staff(live_server):
    agent = AgentFactory(username="olga", first_name="Ольга", last_name="Орлова")
    agent.user_permissions.set(Permission.objects.filter(codename__in=RIGHTS))
    return agent


@pytest.fixture
def ticket(anna, product):
    return open_ticket(anna, product=product, title="Не открывается отчёт")


@pytest.fixture
def desk(page, live_server, staff, ticket):
    """The page of an agent who has logged in and looks at the tickets."""
    page.set_viewport_size({"width": 1400, "height": 900})
    page.goto(f"{live_server.url}/admin/tickets/ticket/")
    page.get_by_label("Логин или почта").fill(staff.email)
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()
    return page


def open_card(desk, ticket):
    desk.get_by_role("link", name=ticket.title).click()
    words(desk).wait_for()


def words(desk):
    return desk.get_by_role("textbox", name="Ответ клиенту")


def note(desk):
    return desk.get_by_role("textbox", name="Внутренняя заметка")


def press(desk, name):
    desk.get_by_role("button", name=name, exact=True).click()


def saved(desk):
    desk.get_by_text(re.compile("Заявка № .* сохранена|Заметка сохранена")).wait_for()


def test_agent_answers_and_waits_for_the_customer(desk, ticket):
    open_card(desk, ticket)
    words(desk).fill("Пришлите, пожалуйста, журнал.")
    press(desk, "Ответить и ждать клиента")
    saved(desk)
    newest = desk.locator(".timeline > li").last
    assert "Ожидает ответа клиента" in newest.inner_text()
    assert "Пришлите, пожалуйста, журнал." in newest.inner_text()
    newest.get_by_text("Уведомления").click()
    assert "anna@alpha.example" in newest.inner_text()
    ticket.refresh_from_db()
    assert ticket.status == "waiting"


def test_note_is_yellow_and_internal(desk, ticket):
    open_card(desk, ticket)
    assert desk.get_by_text("Ответ увидит клиент").is_visible()
    colour = "area => getComputedStyle(area).backgroundColor"
    public = words(desk).evaluate(colour)
    desk.get_by_text("Внутренняя заметка").first.click()
    assert not words(desk).is_visible()
    assert note(desk).evaluate(colour) != public
    assert desk.get_by_text("Заметку увидят только специалисты").is_visible()
    note(desk).fill("Диск заполнен.")
    desk.keyboard.press("Control+Enter")
    saved(desk)
    assert desk.locator(".timeline .note").inner_text() == "Диск заполнен."
    assert Comment.objects.get().is_internal


def test_control_enter_answers(desk, ticket):
    open_card(desk, ticket)
    words(desk).fill("Смотрим.")
    desk.keyboard.press("Control+Enter")
    saved(desk)
    ticket.refresh_from_db()
    assert (ticket.status, Comment.objects.get().body) == ("in_progress", "Смотрим.")


def test_facts_change_beside_what_is_being_written(desk, ticket, staff):
    igor = SpecialistFactory(username="igor", first_name="Игорь", last_name="Петров")
    open_card(desk, ticket)
    words(desk).fill("Ещё не всё")
    desk.get_by_label("Исполнитель").select_option("Игорь Петров")
    desk.get_by_label("Приоритет").select_option("Высокий")
    press(desk, "Изменить")
    newest = desk.locator(".timeline > li", has_text="Исполнитель")
    newest.wait_for()
    assert "Игорь П." in newest.inner_text()
    assert words(desk).input_value() == "Ещё не всё"
    press(desk, "Взять себе")
    desk.locator("#card-head .chip-in_progress").wait_for()
    ticket.refresh_from_db()
    assert (ticket.assignee, ticket.priority) == (staff, "high")
    assert igor != staff
    press(desk, "Ответить")
    saved(desk)
    assert Comment.objects.get().body == "Ещё не всё"


def test_resolving_asks_for_an_answer(desk, ticket):
    open_card(desk, ticket)
    press(desk, "Ответить и выполнить")
    assert "Напишите клиенту, что сделано" in desk.get_by_role("alert").inner_text()
    assert desk.title().startswith("Ошибка:")
    words(desk).fill("Отчёт починен.")
    press(desk, "Ответить и выполнить")
    saved(desk)
    ticket.refresh_from_db()
    assert ticket.status == "resolved"


def test_picture_is_shown_and_can_be_taken_back(desk, ticket):
    open_card(desk, ticket)
    png = {"name": "screen.png", "mimeType": "image/png", "buffer": PICTURE}
    desk.locator("#card-form input[type=file]").set_input_files([png])
    desk.locator("#card-form canvas.preview").wait_for()
    desk.get_by_role("button", name="Убрать screen.png").click()
    assert desk.locator("#card-form .picked li").count() == 0
    words(desk).fill("Без снимка.")
    press(desk, "Ответить")
    saved(desk)
    assert not Comment.objects.get().attachments.exists()


def test_action_of_the_list_takes_a_ticket_to_work(desk, ticket, staff):
    desk.locator(f"input[name=_selected_action][value='{ticket.pk}']").check()
    desk.locator("select[name=action]").select_option("Взять в работу")
    desk.locator("button[name=index]").click()
    assert "Готово: 1 заявка." in desk.locator(".messagelist").inner_text()
    assert "В работе" in desk.locator("#result_list .chip").inner_text()


@pytest.mark.parametrize("width", [1280, 390])
def test_chips_stand_between_words_and_fit_their_lines(desk, ticket, staff, width):
    actor = recording.agent(staff)
    change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=actor)
    change_status(ticket=ticket, to=TicketStatus.WAITING, actor=actor, answer="Пришлите журнал.")
    desk.set_viewport_size({"width": width, "height": 900})
    desk.reload()
    chip = desk.locator("#result_list .chip-waiting")
    line = chip.evaluate("chip => parseFloat(getComputedStyle(chip).lineHeight)")
    assert chip.bounding_box()["height"] < 3 * line
    open_card(desk, ticket)
    middles = desk.locator(".event-status .event-what", has_text="Новая").evaluate(
        """words => {
          const box = document.createRange();
          const middle = node => {
            box.selectNode(node);
            const {top, bottom} = box.getBoundingClientRect();
            return (top + bottom) / 2;
          };
          return [...words.childNodes].filter(node => node.textContent.trim()).map(middle);
        }"""
    )
    assert len(middles) == 3
    assert max(middles) - min(middles) <= 1
