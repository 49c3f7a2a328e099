import re
from base64 import b64decode

import pytest
from django.contrib.auth.models import Permission
from playwright.sync_api import expect

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
    page.wait_for_url("**/admin/tickets/ticket/")
    return page


def open_card(desk, ticket):
    desk.get_by_role("link", name=ticket.title).click()
    words(desk).wait_for()
    desk.wait_for_load_state()  # its scripts listen


def words(desk):
    return desk.get_by_role("textbox", name="Ответ клиенту")


def note(desk):
    return desk.get_by_role("textbox", name="Внутренняя заметка")


def press(desk, name):
    desk.get_by_role("button", name=name, exact=True).click()


def saved(desk):
    desk.get_by_text(re.compile("Заявка № .* сохранена|Заметка сохранена")).wait_for()
    desk.wait_for_load_state()


def test_agent_answers_and_waits_for_the_customer(desk, ticket):
    open_card(desk, ticket)
    words(desk).fill("Пришлите, пожалуйста, журнал.")
    press(desk, "Ответить и ждать клиента")
    saved(desk)
    newest = desk.locator(".timeline > li").last
    for said in ("Ожидает ответа клиента", "Пришлите, пожалуйста, журнал."):
        expect(newest).to_contain_text(said, use_inner_text=True)
    newest.get_by_text("Уведомления").click()
    expect(newest).to_contain_text("anna@alpha.example", use_inner_text=True)
    ticket.refresh_from_db()
    assert ticket.status == "waiting"


def test_note_is_yellow_and_internal(desk, ticket):
    open_card(desk, ticket)
    expect(desk.get_by_text("Ответ увидит клиент")).to_be_visible()
    colour = "area => getComputedStyle(area).backgroundColor"
    public = words(desk).evaluate(colour)
    desk.get_by_text("Внутренняя заметка").first.click()
    expect(words(desk)).to_be_hidden()
    assert note(desk).evaluate(colour) != public
    expect(desk.get_by_text("Заметку увидят только специалисты")).to_be_visible()
    note(desk).fill("Диск заполнен.")
    desk.keyboard.press("Control+Enter")
    saved(desk)
    expect(desk.locator(".timeline .note")).to_have_text("Диск заполнен.", use_inner_text=True)
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
    expect(newest).to_contain_text("Игорь П.", use_inner_text=True)
    expect(words(desk)).to_have_value("Ещё не всё")
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
    told = desk.get_by_role("alert")
    expect(told).to_contain_text("Напишите клиенту, что сделано", use_inner_text=True)
    expect(desk).to_have_title(re.compile("^Ошибка:"))
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
    expect(desk.locator("#card-form .picked li")).to_have_count(0)
    words(desk).fill("Без снимка.")
    press(desk, "Ответить")
    saved(desk)
    assert not Comment.objects.get().attachments.exists()


def test_action_of_the_list_takes_a_ticket_to_work(desk, ticket, staff):
    desk.locator(f"input[name=_selected_action][value='{ticket.pk}']").check()
    desk.locator("select[name=action]").select_option("Взять в работу")
    desk.locator("button[name=index]").click()
    told, chip = desk.locator(".messagelist"), desk.locator("#result_list .chip")
    expect(told).to_contain_text("Готово: 1 заявка.", use_inner_text=True)
    expect(chip).to_contain_text("В работе", use_inner_text=True)


@pytest.mark.parametrize("width", [1280, 390])
def test_chips_stand_between_words_and_fit_their_lines(desk, ticket, staff, width):
    actor = recording.agent(staff)
    change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=actor)
    change_status(ticket=ticket, to=TicketStatus.WAITING, actor=actor, answer="Пришлите журнал.")
    desk.set_viewport_size({"width": width, "height": 900})
    desk.reload()
    chip = desk.locator("#result_list .chip-waiting")
    expect(chip).to_be_visible()
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
