"""Ready answers on the card: found while typing, put at the caret, sent with copies of files."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import Permission
from django.test import Client
from playwright.sync_api import expect

from tests.factories import open_ticket
from tests.files import pdf
from tickets.canned import save_answer
from tickets.models import CannedAnswer, Comment

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RIGHTS = ("view_ticket", "change_ticket", "add_comment", "view_cannedanswer")


@pytest.fixture
def card(page, live_server, anna, agent, product):
    """The card of a ticket, before an agent who has ready answers."""
    agent.user_permissions.set(Permission.objects.filter(codename__in=RIGHTS))
    for title, body, files in (
        ("Журнал", "{имя}, пришлите журнал по заявке № {номер}.", [pdf()]),
        ("Спасибо", "Спасибо, что помогли. {специалист}", []),
    ):
        answer = CannedAnswer(title=title, body=body)
        save_answer(answer=answer, actor=agent, for_all=False, files=files)
    ticket = open_ticket(anna, product=product)
    client = Client()
    client.force_login(agent)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
    )
    page.goto(f"{live_server.url}/admin/tickets/ticket/{ticket.pk}/change/")
    return page


def words(card):
    return card.locator("#id_answer")


def test_answers_are_stacked_at_the_caret(card):
    text = words(card)
    text.fill("Здравствуйте!\n\nДо свидания.")
    text.evaluate("area => area.setSelectionRange(14, 14)")
    card.keyboard.type("/ЖУРН")
    option = card.locator("#ready-list li")
    expect(option).to_have_count(1)
    expect(text).to_have_attribute("aria-activedescendant", "ready-0")
    card.keyboard.press("Enter")
    number = Comment._meta.get_field("ticket").related_model.objects.get().number
    asked = f"Здравствуйте!\nАнна, пришлите журнал по заявке № {number}."
    expect(text).to_have_value(f"{asked}\nДо свидания.")
    card.keyboard.type("\n/спас")
    expect(option).to_have_count(1)
    card.keyboard.press("Enter")
    expect(text).to_have_value(f"{asked}\nСпасибо, что помогли. Ольга О.\nДо свидания.")
    expect(card.locator("#ready-list li")).to_have_count(0)


def test_answer_is_chosen_with_the_keyboard_and_sent_with_its_file(card):
    opener = card.get_by_role("button", name="Готовый ответ")
    opener.focus()
    card.keyboard.press("Enter")
    search = card.get_by_role("combobox", name="Слова из готового ответа")
    expect(search).to_be_focused()
    expect(card.locator("#ready-list li")).to_have_count(2)
    assert Axe().run(card, options={"preload": False}).response["violations"] == []
    card.keyboard.press("ArrowDown")
    expect(search).to_have_attribute("aria-activedescendant", "ready-1")
    card.keyboard.press("ArrowDown")
    card.keyboard.press("Enter")
    expect(words(card)).to_be_focused()
    expect(words(card)).to_have_value(re.compile("^Анна, пришлите журнал"))
    expect(card.get_by_role("list", name="Файлы готовых ответов")).to_contain_text("счёт.pdf")
    words(card).evaluate("area => area.form.requestSubmit()")
    card.get_by_text("сохранена").wait_for()
    expect(card.get_by_text("пришлите журнал").first).to_be_visible()
    sent = Comment.objects.get()
    assert [file.name for file in sent.attachments.all()] == ["счёт.pdf"]


def test_file_is_taken_away_before_sending(card):
    words(card).focus()
    card.keyboard.type("/журн")
    card.locator("#ready-list li").click()
    card.get_by_role("button", name="Убрать: 📎 счёт.pdf", exact=True).click()
    expect(card.locator("input[name=canned_files]")).to_have_count(0)
    expect(words(card)).to_be_focused()


def test_escape_leaves_what_was_typed(card):
    words(card).focus()
    card.keyboard.type("/журн")
    expect(card.locator("#ready-list li")).to_have_count(1)
    card.keyboard.press("Escape")
    expect(card.locator("#ready-list li")).to_have_count(0)
    card.keyboard.type("ал")
    card.keyboard.press("Enter")
    expect(words(card)).to_have_value("/журнал\n")


def test_path_at_the_beginning_of_a_line_is_only_words(card):
    words(card).focus()
    card.keyboard.type("/etc/журнал")
    card.keyboard.press("Enter")
    expect(words(card)).to_have_value("/etc/журнал\n")


def test_insertion_can_be_undone(card):
    words(card).fill("Было. ")
    card.get_by_role("button", name="Готовый ответ").click()
    card.locator("#ready-list li").first.click()
    expect(words(card)).to_have_value(re.compile("журнал"))
    card.keyboard.press("Control+z")
    expect(words(card)).to_have_value("Было. ")


def test_list_fits_a_phone(card):
    card.set_viewport_size({"width": 390, "height": 844})
    card.get_by_role("button", name="Готовый ответ").click()
    expect(card.locator("#ready-list li")).to_have_count(2)
    box = card.locator(".ready-box").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
