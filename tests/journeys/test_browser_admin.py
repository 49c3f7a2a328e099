import re

import pytest
from django.contrib.auth.models import Permission

from tests.factories import PASSWORD, AgentFactory, open_ticket
from tickets import recording
from tickets.models import Comment
from tickets.services import change_status
from tickets.status import TicketStatus

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
    desk.get_by_role("heading", name="История").wait_for()


def save(desk):
    desk.get_by_role("button", name="Сохранить").click()
    desk.get_by_text(re.compile("Заявка № .* сохранена")).wait_for()


def test_agent_answers_and_changes_the_status(desk, ticket):
    open_card(desk, ticket)
    desk.get_by_label("Текст", exact=True).fill("Пришлите, пожалуйста, журнал.")
    desk.get_by_label("Статус").select_option("Ожидает ответа клиента")
    save(desk)
    newest = desk.locator(".timeline > li").first
    assert "Ожидает ответа клиента" in newest.inner_text()
    assert "Пришлите, пожалуйста, журнал." in newest.inner_text()
    assert "anna@alpha.example" in newest.inner_text()
    ticket.refresh_from_db()
    assert ticket.status == "waiting"


def test_note_is_yellow_and_internal(desk, ticket):
    open_card(desk, ticket)
    answer = desk.get_by_label("Текст", exact=True)
    assert desk.get_by_text("Ответ увидит клиент").is_visible()
    public = answer.evaluate("area => getComputedStyle(area).backgroundColor")
    desk.get_by_label("Внутренняя заметка").check()
    assert answer.evaluate("area => getComputedStyle(area).backgroundColor") != public
    assert desk.get_by_text("Заметку увидят только специалисты").is_visible()
    answer.fill("Диск заполнен.")
    save(desk)
    assert desk.locator(".timeline .note").inner_text() == "Диск заполнен."
    assert Comment.objects.get().is_internal


def test_assignee_is_found_among_staff(desk, ticket, staff):
    AgentFactory(username="igor", first_name="Игорь", last_name="Петров")
    open_card(desk, ticket)
    desk.locator(".select2-selection").click()
    desk.locator(".select2-search__field").fill("Игорь")
    desk.locator(".select2-results__option", has_text="Игорь Петров").click()
    save(desk)
    assert "Игорь П." in desk.locator(".timeline > li").first.inner_text()


def test_resolving_asks_for_an_answer_and_keeps_the_choice(desk, ticket):
    open_card(desk, ticket)
    desk.get_by_label("Статус").select_option("Выполнена")
    desk.get_by_role("button", name="Сохранить").click()
    assert "Напишите клиенту, что сделано" in desk.get_by_role("alert").inner_text()
    assert desk.title().startswith("Ошибка:")
    assert desk.get_by_label("Статус").input_value() == "resolved"
    desk.get_by_label("Текст", exact=True).fill("Отчёт починен.")
    save(desk)
    assert re.search(r"В работе|Новая", desk.locator(".timeline > li").first.inner_text())
    ticket.refresh_from_db()
    assert ticket.status == "resolved"


def test_action_of_the_list_takes_a_ticket_to_work(desk, ticket, staff):
    desk.locator(f"input[name=_selected_action][value='{ticket.pk}']").check()
    desk.locator("select[name=action]").select_option("Взять в работу")
    desk.get_by_role("button", name="Выполнить").click()
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
