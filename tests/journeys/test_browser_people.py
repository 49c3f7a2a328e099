"""Organization, notifications, profile, help and sign-up in a browser: axe, phones, no script."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import JoinRequest, Organization, User
from telegram_bot.models import BotHeartbeat
from tests.factories import (
    PASSWORD,
    BotRegistrationFactory,
    MessengerAccountFactory,
    SpecialistFactory,
    UserFactory,
    open_ticket,
)
from tests.queue import run_queue
from tickets.models import Follower, NoticePreference

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = (1280, 390, 320)
THEMES = ("light", "dark")


@pytest.fixture
def head(anna):
    """Anna runs her organization, whose tickets are shared."""
    anna.organization_role = "administrator"
    anna.save()
    return anna


def check(page) -> None:
    """Nothing for axe to find in either theme, nothing wider than the screen."""
    page.wait_for_load_state()
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        assert Axe().run(page).response["violations"] == []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{page.url}: {wide} px at {width}"


@pytest.fixture
def visit(page, live_server):
    def visit(name: str, *args: object) -> None:
        page.goto(live_server.url + reverse(name, args=args))
        check(page)

    return visit


def log_in(page, live_server, person) -> None:
    page.goto(live_server.url + reverse("login"))
    page.get_by_label("Логин или почта").fill(person.username)
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()
    page.get_by_role("heading", name="Заявки", exact=True).wait_for()


def test_administrator_runs_the_organization(page, visit, live_server, head, vera):
    nina = UserFactory(
        username="nina", email="nina@alpha.example", first_name="Нина", last_name="Новая"
    )
    Organization.objects.update(mail_domain="alpha.example", shares_tickets=False)
    JoinRequest.objects.create(user=nina, organization=head.organization)
    log_in(page, live_server, head)
    visit("organization")
    page.get_by_role("link", name="Открыть коллегам…").click()
    page.get_by_role("button", name="Открыть").wait_for()
    check(page)
    page.get_by_role("button", name="Открыть").click()
    page.get_by_text("Коллеги теперь видят заявки друг друга.").wait_for()
    page.get_by_role("button", name="Принять Нина Новая").click()
    page.get_by_text("Человек принят в организацию.").wait_for()
    page.get_by_role("button", name=re.compile("Сделать администратором.*Вера М.")).click()
    page.get_by_text("Вера М. теперь администратор.").wait_for()
    check(page)
    assert User.objects.get(pk=nina.pk).organization == head.organization


def test_colleague_follows(page, live_server, anna, vera, product):
    ticket = open_ticket(anna, product=product)
    log_in(page, live_server, vera)
    page.goto(live_server.url + ticket.get_absolute_url())
    page.get_by_role("button", name="Следить", exact=True).click()
    page.get_by_role("button", name="Не следить").wait_for()
    check(page)
    assert Follower.objects.get().user == vera


def test_choices_and_profile(page, visit, live_server, anna):
    MessengerAccountFactory(user=anna)
    log_in(page, live_server, anna)
    visit("notifications")
    group = page.get_by_role("group", name="Ответы поддержки")
    group.get_by_label("Письмом").uncheck()
    page.get_by_role("button", name="Сохранить").click()
    page.get_by_text("Сохранено.").wait_for()
    assert not NoticePreference.objects.get(topic="answers").by_mail
    visit("profile_edit")
    page.get_by_label("Имя").fill("Поддержка")
    page.get_by_role("button", name="Сохранить").click()
    expect(page).to_have_title(re.compile(r"^Ошибка: "))
    check(page)
    page.get_by_label("Имя").fill("Анна")
    page.get_by_label("Часовой пояс").select_option("Asia/Omsk")
    page.get_by_role("button", name="Сохранить").click()
    page.get_by_text("Омск (UTC+6)").wait_for()


@pytest.mark.parametrize("shared", ["", "desk@support.example"])
def test_choices_of_an_agent(page, visit, live_server, settings, transactional_db, shared):
    settings.STAFF_EMAIL = shared
    log_in(page, live_server, SpecialistFactory(username="olga"))
    visit("notifications")
    page.get_by_role("heading", name="Специалисту поддержки").wait_for()
    told = page.get_by_text(f"Письма приходят на {shared or '—'}")
    expect(told).to_be_visible(visible=bool(shared))


def test_help_for_guests_and_people(page, visit, live_server, anna):
    visit("help")
    log_in(page, live_server, anna)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("link", name="Справка").click()
    page.wait_for_url(live_server.url + reverse("help"))
    check(page)


def test_sign_up(page, visit, live_server, settings, db):
    settings.SIGN_UP = True
    settings.PORTAL_URL = live_server.url
    page.goto(live_server.url + reverse("login"))
    page.get_by_role("link", name="Зарегистрироваться").click()
    page.get_by_role("button", name="Прислать ссылку").wait_for()
    check(page)
    page.get_by_label("Почта").fill("nina@new.example")
    page.get_by_role("button", name="Прислать ссылку").click()
    page.get_by_role("heading", name="Проверьте почту").wait_for()
    check(page)
    run_queue()
    page.goto(re.search(r"http://\S+/signup/\S+", mail.outbox[0].body)[0])
    check(page)
    page.get_by_role("button", name="Создать аккаунт").click()
    expect(page).to_have_title(re.compile(r"^Ошибка: "))
    check(page)
    page.get_by_label("Имя").fill("Нина")
    page.get_by_label("Фамилия").fill("Новая")
    page.get_by_label("Пароль", exact=True).fill("длинный пароль на память")
    page.get_by_label("Пароль ещё раз").fill("длинный пароль на память")
    page.get_by_label("Согласен(а)").check()
    page.get_by_role("button", name="Создать аккаунт").click()
    page.get_by_text("Аккаунт создан.").wait_for()
    assert User.objects.get().email == "nina@new.example"


@pytest.mark.parametrize("works", [True, False])
@pytest.mark.parametrize("linked", [True, False])
def test_registration_page_on_a_narrow_phone(page, visit, live_server, anna, works, linked):
    if works:
        BotHeartbeat.objects.create(
            bot_id=1, username="a_rather_long_support_bot", seen_at=timezone.now()
        )
    log_in(page, live_server, anna)
    visit("bot_registration")
    (MessengerAccountFactory if linked else BotRegistrationFactory)(user=anna)
    visit("bot_registration")
