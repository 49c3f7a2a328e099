"""Words survive what happens to a browser: closed tabs, ended sessions, too long a text."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Session
from tests.factories import PASSWORD, AgentFactory, open_ticket
from tests.files import PDF
from tickets import recording, services
from tickets.models import Comment, Draft
from tickets.status import TicketStatus

WORDS = "Полчаса собирала журналы и пишу подробно."


@pytest.fixture
def ticket(transactional_db, anna):
    return open_ticket(anna, title="Нет связи")


@pytest.fixture
def staff(ticket):
    return AgentFactory(username="olga", first_name="Ольга", is_superuser=True)


@pytest.fixture
def open_as(page, live_server):
    """Log in as somebody on the way to a page."""

    def open_as(username: str, path: str) -> None:
        page.clock.install()
        page.goto(live_server.url + path)
        log_in(page, username)
        page.wait_for_url(live_server.url + path)  # and its scripts listen

    return open_as


def log_in(page, username: str) -> None:
    page.get_by_label("Логин или почта").fill(username)
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()


def type_and_pause(page, words: str):
    """Type a comment and stop; the answer to the script's own save."""
    field = comment_field(page)
    with page.expect_response(re.compile("/drafts/$")) as answer:
        field.fill(words)
        page.clock.fast_forward(4000)
    return answer.value


def comment_field(page):
    return page.get_by_label("Ваш комментарий")


def test_draft_survives_a_closed_tab_and_is_cleared(page, open_as, ticket):
    open_as("anna", ticket.get_absolute_url())
    assert type_and_pause(page, WORDS).status == 204
    page.reload()
    page.get_by_text(re.compile(r"Черновик от \d\d:\d\d восстановлен")).wait_for()
    expect(comment_field(page)).to_have_value(WORDS)
    page.get_by_role("button", name="Очистить").click()
    expect(comment_field(page)).to_have_value("")
    assert not Draft.objects.exists()


def test_words_survive_a_page_that_is_left_while_they_are_saved(page, open_as, ticket):
    open_as("anna", ticket.get_absolute_url())
    page.route("**/drafts/", lambda route: None)  # the answer never comes
    comment_field(page).fill(WORDS)
    with page.expect_request(re.compile("/drafts/$")):
        page.clock.fast_forward(4000)
    card = page.url
    page.get_by_role("link", name="Заявки").first.click()
    page.get_by_role("link", name="Нет связи").wait_for()
    page.unroute("**/drafts/")
    page.goto(card)
    expect(comment_field(page)).to_have_value(WORDS)


def test_draft_says_that_its_files_are_gone(page, open_as, ticket):
    open_as("anna", ticket.get_absolute_url())
    page.locator("input[type=file]").set_input_files(
        [{"name": "счёт.pdf", "mimeType": "application/pdf", "buffer": PDF}]
    )
    assert type_and_pause(page, WORDS).status == 204
    page.reload()
    page.get_by_text("Файлы не сохранились: приложите их заново.").wait_for()


def test_lost_session_gives_the_words_back(page, open_as, ticket):
    open_as("anna", ticket.get_absolute_url())
    comment_field(page).fill(WORDS)
    Session.objects.all().delete()
    page.get_by_role("button", name="Отправить").click()
    page.get_by_text("Ваш текст сохранён: войдите снова").wait_for()
    log_in(page, "anna")
    page.get_by_text("Вы вошли снова. Ваш текст сохранён — проверьте и отправьте.").wait_for()
    expect(comment_field(page)).to_have_value(WORDS)
    page.get_by_role("button", name="Отправить").click()
    page.get_by_text("Комментарий добавлен.").wait_for()
    assert Comment.objects.get().body == WORDS
    page.wait_for_load_state("networkidle")  # what is put back is asked for first
    expect(comment_field(page)).to_have_value("")
    page.reload(wait_until="networkidle")
    expect(comment_field(page)).to_have_value("")


def test_words_survive_another_form_of_the_page(page, open_as, staff, ticket):
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=recording.agent(staff), answer="Готово"
    )
    open_as("anna", ticket.get_absolute_url())
    page.get_by_text("Проблема осталась? Вернуть в работу").click()
    page.get_by_label("Что осталось нерешённым?").fill("Не работает")
    page.clock.pause_at(timezone.now() + timedelta(hours=1))  # the script has not saved them yet
    comment_field(page).fill(WORDS)
    page.get_by_role("button", name="Вернуть в работу").click()
    page.get_by_text("Заявка снова в работе").wait_for()
    expect(comment_field(page)).to_have_value(WORDS)


def test_text_of_megabytes_comes_back(page, open_as, ticket):
    open_as("anna", ticket.get_absolute_url())
    comment_field(page).evaluate("field => (field.value = 'a'.repeat(2_900_000))")
    page.get_by_role("button", name="Отправить").click()
    page.get_by_role("heading", name="Текст слишком длинный").wait_for()
    page.get_by_text("Ваш текст не потерян.").wait_for()
    page.go_back()
    expect(comment_field(page)).to_have_value("a" * 2_900_000)


def test_note_of_an_ended_session_stays_a_note(page, open_as, staff, ticket):
    open_as("olga", f"/admin/tickets/ticket/{ticket.pk}/change/")
    page.get_by_text("Внутренняя заметка").first.click()
    page.get_by_role("textbox", name="Внутренняя заметка").fill(WORDS)
    Session.objects.all().delete()
    page.get_by_role("button", name="Заметка", exact=True).click()
    log_in(page, "olga")
    page.get_by_text("Вы вошли снова.").wait_for()
    expect(page.get_by_role("textbox", name="Внутренняя заметка")).to_have_value(WORDS)
    expect(page.locator("#kind-note")).to_be_checked()
    assert not Comment.objects.exists()


def test_saving_after_the_session_ended_bothers_nobody(page, open_as, ticket):
    open_as("anna", ticket.get_absolute_url())
    Session.objects.all().delete()
    assert type_and_pause(page, WORDS).status == 401
    expect(page.get_by_role("heading", name="Нет связи")).to_be_visible()
    page.reload()
    log_in(page, "anna")
    page.get_by_text("Вы вошли снова.").wait_for()
    expect(comment_field(page)).to_have_value(WORDS)


def test_draft_cleared_in_another_tab_takes_nothing_from_what_is_sent(page, open_as, ticket):
    open_as("anna", ticket.get_absolute_url())
    assert type_and_pause(page, WORDS).status == 204
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_role("button", name="Очистить").click()
    expect(comment_field(other)).to_have_value("")
    page.get_by_role("button", name="Отправить").click()
    page.get_by_text("Комментарий добавлен.").wait_for()
    assert [comment.body for comment in Comment.objects.all()] == [WORDS]


def test_way_back_offers_nothing_that_was_sent(page, open_as, staff, ticket):
    open_as("olga", f"/admin/tickets/ticket/{ticket.pk}/change/")
    answer = page.get_by_role("textbox", name="Ответ клиенту")
    answer.fill(WORDS)
    page.get_by_role("button", name="Ответить", exact=True).click()
    page.get_by_text("сохранена").wait_for()
    page.go_back()
    page.locator(".said-own", has_text=WORDS).wait_for()
    page.wait_for_load_state("networkidle")  # what is put back is asked for first
    expect(answer).to_have_value("")


def test_refused_words_are_kept_when_their_page_is_left(page, open_as, staff, ticket):
    card = f"/admin/tickets/ticket/{ticket.pk}/change/"
    open_as("olga", card)
    answer = page.get_by_role("textbox", name="Ответ клиенту")
    answer.fill(WORDS)
    page.locator("#card-form input[name=seen]").evaluate("field => (field.value = 0)")
    with page.expect_response(lambda one: one.request.method == "POST" and "/drafts/" in one.url):
        page.get_by_role("button", name="Ответить", exact=True).click()
    page.get_by_text("Прочитайте новое и отправьте ещё раз").wait_for()
    page.goto(page.url.replace(card, "/admin/tickets/ticket/"))
    page.goto(page.url.replace("/admin/tickets/ticket/", card))
    expect(answer).to_have_value(WORDS)


def test_words_left_in_a_hurry_wait_for_their_customer(
    page, live_server, open_as, staff, anna, boris
):
    """They are kept in the tab when its page is left before the draft was saved."""
    new = "/admin/tickets/ticket/new/?requester="
    open_as("olga", f"{new}{anna.pk}")
    page.get_by_label("Описание").fill(WORDS)
    page.goto(f"{live_server.url}{new}{boris.pk}")
    page.wait_for_load_state("networkidle")
    expect(page.get_by_label("Описание")).to_have_value("")
    page.goto(f"{live_server.url}{new}{anna.pk}")
    expect(page.get_by_label("Описание")).to_have_value(WORDS)
