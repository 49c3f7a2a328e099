"""The agent's card in a browser: two agents at once, both themes, a phone, its weight.

With PICTURES set to a folder it leaves its pictures there.
"""

import os
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from playwright.sync_api import Route, expect

from desk.beside import EVENTS_SHOWN
from tests.factories import (
    PASSWORD,
    AgentFactory,
    BotRegistrationFactory,
    UserFactory,
    open_ticket,
)
from tickets import recording
from tickets.attachments import NewFile
from tickets.comments import add_comment, correct_comment
from tickets.models import Comment, Delivery, Face
from tickets.recording import customer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RIGHTS = (
    "view_ticket", "change_ticket", "add_comment", "view_user", "view_organization",
    "view_cannedanswer", "change_delivery",
)  # fmt: skip
KILOBYTE = 1024
WIDER = """() => [...document.querySelectorAll("main *")]
    .filter((one) => one.getBoundingClientRect().right > innerWidth)
    .map((one) => `${one.tagName}.${one.className}`).slice(0, 9)"""


def agent(username: str, first: str, last: str) -> AgentFactory:
    made = AgentFactory(username=username, first_name=first, last_name=last)
    made.user_permissions.set(Permission.objects.filter(codename__in=RIGHTS))
    return made


@pytest.fixture
def olga(transactional_db):
    return agent("olga", "Ольга", "Орлова")


@pytest.fixture
def maria(transactional_db):
    return agent("maria", "Мария", "Ли")


@pytest.fixture
def ticket(olga, maria, anna, product):
    """Each voice, a file, an event, a letter that did not arrive."""
    BotRegistrationFactory(user=anna)
    open_ticket(anna, product=product, title="Другая заявка того же клиента")
    ticket = open_ticket(anna, product=product, title="Не поднимается VPN до офиса")
    log = NewFile("vpn.log", 5, "text/plain", ContentFile(b"hello"))
    add_comment(ticket=ticket, actor=recording.agent(olga), body="Пришлите, пожалуйста, журнал.")
    add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Вот он.", files=[log])
    add_comment(ticket=ticket, actor=recording.agent(maria), body="Похоже на MTU.", internal=True)
    add_comment(ticket=ticket, actor=recording.agent(maria), body="Уменьшите MTU до 1400.")
    colleague = UserFactory(first_name="Пётр", last_name="Ким", organization=anna.organization)
    type(anna.organization).objects.update(shares_tickets=True)
    colleague.refresh_from_db()
    add_comment(ticket=ticket, actor=customer(colleague, Face.PORTAL), body="У меня так же.")
    Delivery.objects.filter(channel="email", recipient=anna).update(
        state="failed", error="SMTP 552 5.2.2 Mailbox full"
    )
    return ticket


def open_as(context, live_server, who, ticket):
    page = context.new_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(reduced_motion="reduce")  # else colours are on their way when axe looks
    page.goto(f"{live_server.url}/admin/tickets/ticket/{ticket.pk}/change/")
    page.get_by_label("Логин или почта").fill(who.username)
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()
    words(page).wait_for()
    page.wait_for_load_state()  # its scripts listen
    return page


def words(page):
    return page.get_by_role("textbox", name="Ответ клиенту")


def send(page):
    page.get_by_role("button", name="Ответить", exact=True).click()


@pytest.fixture
def two(browser, live_server, olga, maria, ticket):
    """The same card in the browsers of two agents."""
    contexts = [browser.new_context(), browser.new_context()]
    pages = [
        open_as(context, live_server, who, ticket)
        for context, who in zip(contexts, (olga, maria), strict=True)
    ]
    yield pages
    for context in contexts:
        context.close()


def test_two_agents_see_each_other_and_who_writes(two):
    first, second = two
    first.get_by_text("Карточка открыта ещё у: Мария Л.").wait_for()
    second.evaluate("performance.now = () => 0")  # whenever it asks, the last key was just now
    words(second).press_sequentially("Сейчас")
    first.get_by_text("Сейчас пишет: Мария Л.").wait_for()
    second.close()
    first.locator("[data-others]:empty").wait_for(state="attached")


def test_words_of_the_other_are_read_before_ones_own_are_sent(two):
    first, second = two
    words(first).fill("Мой ответ")
    words(second).fill("Ответ Марии")
    send(second)
    second.get_by_text("сохранена").wait_for()
    first.get_by_role("button", name="Другой специалист ответил клиенту — показать").wait_for()
    expect(first).to_have_title(re.compile(r"^\("))
    asking: list[Route] = []
    first.route("**/presence/", lambda route: asking.append(route), times=1)
    with first.expect_request("**/presence/"):
        pass
    send(first)
    first.get_by_text("Прочитайте и отправьте ещё раз").wait_for()
    asking[0].continue_()  # the answer tells of words that have been put into the page since
    fresh = first.locator(".event-fresh").last
    expect(fresh).to_contain_text("Ответ Марии", use_inner_text=True)
    expect(words(first)).to_have_value("Мой ответ")
    assert not Comment.objects.filter(body="Мой ответ").exists()
    for _asked in range(2):  # the second time it has shown what it was told the first time
        with first.expect_request("**/presence/"):
            pass
    expect(first.get_by_text("Прочитайте и отправьте ещё раз")).to_be_visible()
    send(first)
    first.get_by_text("сохранена").wait_for()
    assert Comment.objects.filter(body="Мой ответ").count() == 1


def test_news_are_put_in_without_touching_what_is_typed(two, anna, ticket):
    first, _second = two
    words(first).fill("Мой ответ")
    before = words(first).bounding_box()
    add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Уже заработало!")
    news = first.get_by_role("button", name="Новый комментарий клиента — показать")
    news.wait_for()
    assert words(first).bounding_box() == before
    news.click()
    first.locator(".event-fresh", has_text="Уже заработало!").wait_for()
    expect(words(first)).to_have_value("Мой ответ")
    send(first)
    first.get_by_text("сохранена").wait_for()


def test_card_can_be_read_by_all(browser, live_server, olga, ticket):
    context = browser.new_context()
    page = open_as(context, live_server, olga, ticket)
    for kind in ("Ответ клиенту", "Внутренняя заметка"):
        page.locator(".visibility label", has_text=kind).click()
        for width in (1280, 390, 320):
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{wide} px at {width}: {page.evaluate(WIDER)}"
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme)
                if folder := os.environ.get("PICTURES"):
                    name = f"card-{kind[:3]}-{width}-{theme}.png"
                    page.screenshot(path=Path(folder) / name, full_page=True)
                if width != 320:
                    assert Axe().run(page).response["violations"] == []
    context.close()


def test_card_weighs_little(browser, live_server, olga, ticket):
    """Uncached, as it comes over the wire of a server that compresses nothing."""
    context = browser.new_context()
    page = open_as(context, live_server, olga, ticket)
    weights: dict[str, int] = {}
    page.on("response", lambda response: weights.update({response.url: len(response.body())}))
    page.reload(wait_until="networkidle")
    assert sum(weights.values()) <= 150 * KILOBYTE, weights
    assert not [url for url in weights if "jquery" in url or "jsi18n" in url or "select2" in url]
    context.close()


def test_words_that_were_corrected_are_shown_anew(two, anna, ticket):
    first, _second = two
    said = Comment.objects.get(body="Вот он.")
    words(first).fill("Мой ответ")
    correct_comment(
        comment=said, actor=customer(anna, Face.BOT), old="Вот он.", new="Вот он, целиком."
    )
    first.get_by_role("button", name="Заявка изменилась — показать").click()
    first.locator(".said .words", has_text="Вот он, целиком.").wait_for()
    expect(words(first)).to_have_value("Мой ответ")


def test_more_than_a_page_of_news_is_shown_without_a_gap(two, anna, ticket):
    first, _second = two
    for number in range(EVENTS_SHOWN + 5):
        add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body=f"Слова {number}.")
    first.get_by_role("button", name="Новые комментарии клиента — показать").click()
    first.get_by_text("Слова 24.").wait_for()
    first.get_by_role("link", name="Показать более ранние").click()
    first.get_by_text("Слова 0.").wait_for()
