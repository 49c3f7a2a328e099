import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import BotRegistration, EmailChange, LinkPin, MessengerAccount
from accounts.news import email_change_token
from telegram_bot.models import TELEGRAM, BotHeartbeat
from tests.factories import PASSWORD, ProductFactory, open_ticket
from tickets import recording, services
from tickets.status import TicketStatus

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE_SCREEN = {"width": 390, "height": 844}


@pytest.fixture
def bot(transactional_db):
    return BotHeartbeat.objects.create(bot_id=1, username="help_bot", seen_at=timezone.now())


@pytest.fixture
def visit(page, live_server):
    """Open a page by its name and check it as a whole."""

    def visit(name: str, *args: object) -> None:
        page.goto(live_server.url + reverse(name, args=args))
        check(page)

    return visit


def check(page) -> None:
    """Nothing for axe to find, nothing wider than the screen of a phone."""
    page.wait_for_load_state()
    assert Axe().run(page).response["violations"] == []
    desktop = page.viewport_size
    page.set_viewport_size(PHONE_SCREEN)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE_SCREEN["width"]
    page.set_viewport_size(desktop)


def log_in(page, visit) -> None:
    visit("login")
    page.get_by_label("Логин или почта").fill("anna")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()
    page.get_by_role("heading", name="Заявки", exact=True).wait_for()


def test_registration_for_the_bot(page, visit, bot, anna):
    log_in(page, visit)
    check(page)
    page.get_by_role("link", name="Регистрация в чат-боте").click()
    page.get_by_label("Номер телефона").wait_for()
    check(page)

    page.get_by_role("button", name="Зарегистрироваться").click()
    expect(page).to_have_title(re.compile(r"^Ошибка: "))
    expect(page.locator(".error-summary")).to_be_focused()
    check(page)
    page.get_by_role("link", name="Введите номер телефона.").click()
    expect(page.locator("#id_phone")).to_be_focused()

    page.get_by_label("Номер телефона").fill("8 916 123-45-67")
    page.get_by_label("Согласен(а) использовать данные портала через Telegram-бот").check()
    page.get_by_role("button", name="Зарегистрироваться").click()
    page.get_by_text("Вы успешно зарегистрированы в чат-боте.").wait_for()
    qr = page.get_by_alt_text("QR-код со ссылкой https://t.me/help_bot")
    page.wait_for_load_state()
    expect(qr).to_be_visible()
    assert qr.evaluate("image => image.naturalWidth") > 0
    expect(page.get_by_role("button", name="Скопировать ссылку")).to_be_visible()
    check(page)

    registration = BotRegistration.objects.get(user=anna)
    state = page.locator("#bot-state")
    expect(state).to_contain_text("Ждём номер", use_inner_text=True)
    LinkPin.objects.create(
        registration=registration,
        channel=TELEGRAM,
        address="5",
        sent_at=timezone.now(),
        expires_at=timezone.now() + timezone.timedelta(minutes=10),
    )
    page.get_by_text("ПИН-код отправлен на an***@alpha.example").wait_for()
    MessengerAccount.objects.create(user=anna, channel=TELEGRAM, address="5", username="anna_k")
    page.get_by_role("heading", name="Telegram связан").wait_for()
    check(page)

    page.get_by_role("link", name="Отвязать").click()
    page.get_by_role("button", name="Отвязать").wait_for()
    check(page)
    page.get_by_role("button", name="Отвязать").click()
    page.get_by_text("Telegram отвязан").wait_for()
    assert not MessengerAccount.objects.exists()


def test_life_of_a_ticket(page, visit, bot, anna, agent, tmp_path):
    ticket = open_ticket(anna, product=ProductFactory(icon="☁️"), title="Нет связи <b>")
    staff = recording.agent(agent)
    services.change_status(
        ticket=ticket, to=TicketStatus.WAITING, actor=staff, answer="Пришлите журнал."
    )
    log_in(page, visit)
    page.get_by_role("link", name="Нет связи <b>").click()
    page.get_by_label("Ваш комментарий").wait_for()
    check(page)
    (tmp_path / "журнал.txt").write_text("строка")
    page.get_by_label("Ваш комментарий").fill("Вот журнал")
    page.get_by_label("Файлы", exact=True).set_input_files(tmp_path / "журнал.txt")
    page.get_by_role("button", name="Отправить").click()
    page.get_by_text("Комментарий добавлен.").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="журнал.txt").click()
    assert download.value.suggested_filename == "журнал.txt"
    assert download.value.path().read_text() == "строка"

    services.change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=staff, answer="Готово.")
    page.reload()
    check(page)
    page.get_by_text("Проблема осталась? Вернуть в работу").click()
    page.get_by_role("button", name="Вернуть в работу").click()
    page.get_by_role("link", name="Напишите причину возврата.").wait_for()
    check(page)
    page.get_by_label("Что осталось нерешённым?").fill("Связи всё ещё нет")
    page.get_by_role("button", name="Вернуть в работу").click()
    page.get_by_text("Заявка снова в работе").wait_for()

    services.change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=staff, answer="Готово.")
    page.reload()
    page.get_by_label("5 — отлично").check()
    page.get_by_role("button", name="Оценить выполнение").click()
    page.get_by_text("Спасибо за оценку!").wait_for()
    check(page)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.score) == (TicketStatus.CLOSED, 5)


def test_other_pages(page, visit, anna, registration, live_server):
    visit("password_reset")
    visit("password_reset_done")
    visit("password_reset_confirm", "x", "y")
    log_in(page, visit)
    for name in ("bot_registration", "bot_phone", "bot_withdraw", "profile", "password_change"):
        visit(name)
    visit("ticket_detail", 404)
    expect(page).to_have_title(re.compile("Страница не найдена"))
    page.goto(live_server.url + "/?tab=closed")
    check(page)


def test_locked_out_page(page, visit, anna):
    visit("login")
    for _attempt in range(5):
        page.get_by_label("Логин или почта").fill("anna")
        page.get_by_label("Пароль").fill("wrong password")
        with page.expect_navigation():
            page.get_by_role("button", name="Войти").click()
    expect(page.get_by_role("heading", name="Вход приостановлен")).to_be_visible()
    check(page)


def test_everything_works_without_javascript(browser, live_server, bot, anna):
    context = browser.new_context(java_script_enabled=False, locale="ru-RU")
    page = context.new_page()
    page.goto(live_server.url + "/telegram/")
    page.get_by_label("Логин или почта").fill("anna@alpha.example")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()
    page.get_by_label("Номер телефона").fill("+79161234567")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Зарегистрироваться").click()
    state = page.locator("#bot-state")
    expect(state).to_contain_text("Ждём номер", use_inner_text=True)
    page.wait_for_load_state()
    expect(page.get_by_role("button", name="Скопировать ссылку")).to_be_hidden()
    MessengerAccount.objects.create(user=anna, channel=TELEGRAM, address="5")
    page.get_by_role("link", name="Обновить").click()
    expect(page.get_by_role("heading", name="Telegram связан")).to_be_visible()
    expect(state).to_contain_text("Связано", use_inner_text=True)
    context.close()


def test_new_email_from_the_profile_to_the_link(page, visit, anna):
    log_in(page, visit)
    page.get_by_role("link", name="Профиль").click()
    page.get_by_role("link", name="Изменить почту").wait_for()
    check(page)
    page.get_by_role("link", name="Изменить почту").click()
    page.get_by_label("Новая почта").fill("anna@new.example")
    page.get_by_label("Пароль портала").fill("wrong")
    page.get_by_role("button", name="Прислать ссылку").click()
    expect(page).to_have_title(re.compile(r"^Ошибка: "))
    expect(page.locator(".error-summary")).to_be_focused()
    check(page)
    page.get_by_role("link", name="Неверный пароль").click()
    expect(page.locator("#id_password")).to_be_focused()
    page.get_by_label("Пароль портала").fill(PASSWORD)
    page.get_by_role("button", name="Прислать ссылку").click()
    page.get_by_text("anna@new.example ждёт подтверждения.").wait_for()
    check(page)

    visit("email_confirm", email_change_token(EmailChange.objects.get()))
    page.get_by_role("button", name="Подтвердить почту").click()
    page.get_by_text("Почта подтверждена: anna@new.example.").wait_for()
    visit("email_confirm", "1:forged")
    visit("profile")
    page.get_by_role("button", name="Выйти на всех устройствах").click()
    page.get_by_text("Вы вышли на всех устройствах.").wait_for()
    check(page)
