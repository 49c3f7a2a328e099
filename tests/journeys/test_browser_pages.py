"""Every page of the portal as it looks: readable to all in both themes, never wider than a screen.

With PICTURES set to a folder each page leaves its pictures there.
"""

import os
import re
from base64 import b32decode
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import expect

from accounts.invitations import prepare_invitation
from accounts.models import ApiToken, JoinRequest, OrganizationRole, Scope
from accounts.security import Origin
from accounts.tokens import make_token, revoke_token
from portal.urls import urlpatterns
from telegram_bot.models import BotHeartbeat, Group, GroupTicket
from tests.factories import (
    PASSWORD,
    AgentFactory,
    MessengerAccountFactory,
    ProductFactory,
    UserFactory,
    open_ticket,
)
from tests.second_factor import code_of
from tickets import recording, services
from tickets.comments import add_comment
from tickets.models import Delivery, Face, Ticket
from tickets.status import TicketStatus
from webhooks.models import Attempt, Endpoint, HookKind, Message
from webhooks.services import add_endpoint, set_on

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

GUESTS = {
    "login", "password_reset", "password_reset_done", "password_reset_confirm", "sign_up",
    "sign_up_sent", "sign_up_confirm", "invitation", "second_step",
}  # fmt: skip
PAGES = {  # and what of the ticket or a link their addresses need
    "ticket_list": {},
    "ticket_detail": {"number": Ticket},
    "ticket_close": {"number": Ticket},
    "new_ticket": {},
    "bot_registration": {},
    "bot_phone": {},
    "bot_unlink": {},
    "bot_withdraw": {},
    "group_list": {},
    "organization": {},
    "organization_sharing": {},
    "notifications": {},
    "integrations": {},
    "integrations_token_new": {},
    "integrations_organization_token_new": {},
    "integrations_token_revoke": {"number": ApiToken},
    "integrations_webhook_new": {},
    "integrations_organization_webhook_new": {},
    "integrations_webhook": {"number": Endpoint},
    "integrations_webhook_change": {"number": Endpoint},
    "integrations_webhook_secret": {"number": Endpoint},
    "integrations_webhook_remove": {"number": Endpoint},
    "help": {},
    "personal_data": {},
    "personal_data_erase": {},
    "profile": {},
    "profile_edit": {},
    "email_change": {},
    "email_confirm": {"token": "1:forged"},
    "password_change": {},
    "login": {},
    "sign_up": {},
    "sign_up_sent": {},
    "sign_up_confirm": {"token": "1:forged"},
    "password_reset": {},
    "password_reset_done": {},
    "password_reset_confirm": {"uidb64": "x", "token": "y"},
    "invitation": {"token": "forged"},
    "second_step": {},
    "second_factor_on": {},
    "second_factor_app": {},
    "second_factor_codes": {},
    "second_factor_off": {},
}
STAFF = {"second_factor_on", "second_factor_app", "second_factor_codes", "second_factor_off"}
# Forms that lead back to one of those, downloads and answers to scripts
NO_PAGES = {
    "ticket_comment", "ticket_return", "ticket_rate", "attachment_download",
    "bot_registration_state", "bot_test_message", "drafts", "data_download", "email_resend",
    "email_cancel", "end_all_sessions", "logout", "live", "ticket_live", "ticket_news",
    "new_ticket_similar", "ticket_follow", "organization_join", "organization_decide",
    "organization_role", "integrations_webhook_switch", "integrations_webhook_test",
    "integrations_webhook_again",
}  # fmt: skip
DESKTOP, ZOOMED = {"width": 1280, "height": 900}, {"width": 640, "height": 450}  # 200 %
PHONE, NARROW = {"width": 390, "height": 844}, {"width": 320, "height": 568}
LONG_WORD = "ПереполнениеЖурналаТранзакций" * 3


@pytest.fixture
def ticket(transactional_db, anna, agent, settings) -> Ticket:
    """One with all that a card can show, others of each status, and an organization to run."""
    settings.SIGN_UP = True
    anna.organization_role = OrganizationRole.ADMINISTRATOR
    anna.save()
    UserFactory(organization=anna.organization)
    asking = UserFactory(first_name="Пётр", last_name="Новый")
    JoinRequest.objects.create(user=asking, organization=anna.organization)
    give_tokens(anna)
    give_webhooks(anna)
    BotHeartbeat.objects.create(bot_id=1, username="help_bot", seen_at=timezone.now())
    MessengerAccountFactory(user=anna, username="anna_k")
    product, staff = ProductFactory(icon="☁️"), recording.agent(agent)
    tickets = {
        status: open_ticket(anna, product=product, title=f"Не отвечает узел vm-prod-{number}")
        for number, status in enumerate(TicketStatus.values)
    }
    for status, ticket in tickets.items():
        if status != TicketStatus.NEW:
            services.change_status(ticket=ticket, to=status, actor=staff, answer="Посмотрели.")
    group = Group.objects.create(chat_id=-1001, title="Проект Альфа")
    GroupTicket.objects.create(ticket=tickets["new"], group=group, chat_id=-1001, message_id=1)
    services.set_priority(ticket=tickets["resolved"], priority="high", actor=staff)
    add_comment(
        ticket=tickets["resolved"],
        actor=recording.customer(anna, Face.BOT),
        body=f"{LONG_WORD}\n\n    for узел in узлы:\n        проверить(узел)\n"
        f"https://status.example.com/{'a' * 120}",
    )
    return tickets["resolved"]


def give_tokens(anna) -> None:
    """One that has ended, one of the organization, one of her own."""
    origin = Origin(anna)
    ended, _text = make_token(by=anna, name=LONG_WORD, scopes=[Scope.READ], origin=origin)
    revoke_token(ended, origin=origin)
    for name, organization in (("Учёт заявок", anna.organization), ("Мониторинг", None)):
        make_token(
            by=anna, name=name, scopes=list(Scope)[:2], organization=organization, origin=origin
        )


def give_webhooks(anna) -> None:
    """One of her own that has been told in every way, one of the organization that is off."""
    url = f"https://hooks.example.com/{'a' * 120}"
    given = {"by": anna, "url": url, "kinds": [kind.value for kind in HookKind]}
    endpoint = add_endpoint(**given, origin=Origin(anna))
    off = add_endpoint(**given, organization=anna.organization, origin=Origin(anna))
    set_on(off, by=anna, is_on=False, origin=Origin(anna))
    for number, state in enumerate(Delivery.State.values):
        row = Delivery.objects.create(
            channel="webhook", kind="webhook_test", address=str(endpoint.pk), key=f"t{number}",
            state=state, error="вебхук отключён", attempts=2,
        )  # fmt: skip
        Message.objects.create(delivery=row, webhook_id=f"msg_{number}", body='{"type":"test"}')
        Attempt.objects.create(delivery=row, error="Нет ответа за 10 секунд.", milliseconds=10_000)
        Attempt.objects.create(delivery=row, status=500, answer="x" * 300, milliseconds=31)


@pytest.fixture
def visit(page, live_server, anna, agent) -> Callable[[str, Ticket], None]:
    """Open a page by its name, signed in where that is needed."""

    def visit(name: str, ticket: Ticket) -> None:
        if name not in GUESTS:
            client = Client()
            client.force_login(agent if name in STAFF else anna)
            cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
            page.context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
            )
        numbers = {
            Ticket: ticket.pk,
            ApiToken: ApiToken.objects.values_list("pk", flat=True).first(),
            Endpoint: Endpoint.objects.values_list("pk", flat=True).first(),
        }
        given = {key: numbers.get(of, of) for key, of in PAGES[name].items()}
        answer = page.goto(live_server.url + reverse(name, kwargs=given))
        assert answer.status in (200, 400, 410)

    return visit


def test_every_address_is_a_page_or_is_not():
    names = {pattern.name for pattern in urlpatterns}
    assert names == PAGES.keys() | NO_PAGES
    assert not PAGES.keys() & NO_PAGES
    assert PAGES.keys() >= GUESTS


@pytest.mark.parametrize("name", PAGES)
def test_page_is_for_everybody(page, visit, ticket, name):
    visit(name, ticket if name != "ticket_close" else Ticket.objects.get(status="new"))
    look(page, name)


def test_pages_between_two_steps_are_for_everybody(page, live_server, agent):
    """Reached by a password only: by their addresses alone they lead elsewhere."""
    BotHeartbeat.objects.create(bot_id=1, username="help_bot", seen_at=timezone.now())
    give_password(page, live_server.url + reverse("second_factor_on"), agent)
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Дальше").click()
    secret = page.locator("code.secret")
    secret.wait_for()
    look(page, "second_factor_app")
    key = b32decode(secret.inner_text().replace(" ", "")).hex()
    page.get_by_label("Код").fill(code_of(TOTPDevice(user=agent, key=key)))
    page.get_by_role("button", name="Включить").click()
    page.locator(".codes").wait_for()
    look(page, "second_factor_codes")
    page.context.clear_cookies()
    give_password(page, live_server.url + reverse("login"), agent)
    page.get_by_role("heading", name="Второй шаг").wait_for()
    look(page, "second_step")
    page.goto(f"{page.url}?paper")
    look(page, "second_step_paper")


def test_invitation_is_for_everybody(page, live_server, transactional_db):
    by = Origin(actor=AgentFactory(is_superuser=True))
    letter = prepare_invitation(user=UserFactory(username="nina"), origin=by)
    page.goto(live_server.url + re.search(r"/invitation/\S+", letter.body)[0])
    page.get_by_role("heading", name="Добро пожаловать").wait_for()
    look(page, "invitation_open")


def test_token_that_is_shown_once_is_for_everybody(page, visit, ticket):
    visit("integrations_token_new", ticket)
    page.get_by_label("Последний день").wait_for(state="hidden")
    page.get_by_label("Срок действия").select_option("day")
    page.get_by_label("Последний день").wait_for()
    look(page, "integrations_token_day")
    page.get_by_role("button", name="Создать токен").click()
    page.get_by_role("link", name="Назовите токен.").wait_for()
    look(page, "integrations_token_errors")
    page.get_by_label("Название").fill("Мониторинг")
    page.get_by_label("читать заявки").check()
    page.get_by_label("Срок действия").select_option("30")
    page.get_by_role("button", name="Создать токен").click()
    page.wait_for_load_state()
    shown = page.locator("#token-text").inner_text()
    look(page, "integrations_token_made")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Скопировать токен").click()
    page.get_by_role("button", name="Токен скопирован").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == shown
    page.reload()
    page.get_by_role("heading", name="уже создан").wait_for()
    assert shown not in page.content()
    look(page, "integrations_token_again")


def test_webhook_and_its_deliveries_are_for_everybody(page, visit, ticket):
    visit("integrations_webhook_new", ticket)
    page.get_by_role("button", name="Добавить вебхук").click()
    page.get_by_role("link", name="Введите адрес.").wait_for()
    look(page, "integrations_webhook_errors")
    page.get_by_label("Адрес").fill("https://192.168.1.1/")
    page.get_by_label("поддержка ответила").check()
    page.get_by_role("button", name="Добавить вебхук").click()
    page.get_by_role("link", name="во внутреннюю сеть").wait_for()
    page.get_by_label("Адрес").fill("https://hooks.example.com/a")
    page.get_by_role("button", name="Добавить вебхук").click()
    expect(page.locator("#webhook-secret")).to_have_text(re.compile("^whsec_"))
    look(page, "integrations_webhook_made")
    page.get_by_role("link", name="Секрет сохранён, продолжить").click()
    page.get_by_text("Событий ещё не было").wait_for()
    look(page, "integrations_webhook_empty")
    page.get_by_role("button", name="Отправить пробное событие").click()
    page.get_by_text("ждёт отправки").wait_for()
    visit("integrations_webhook", ticket)
    page.locator("summary").first.click()
    look(page, "integrations_webhook_open")


def give_password(page, address: str, person) -> None:
    page.goto(address)
    page.get_by_label("Логин или почта").fill(person.username)
    page.get_by_label("Пароль").fill(PASSWORD)
    with page.expect_navigation():
        page.get_by_role("button", name="Войти").click()


def look(page, name: str) -> None:
    page.wait_for_load_state()
    page.emulate_media(color_scheme="light")
    assert violations(page) == []
    for size in (NARROW, PHONE, ZOOMED, DESKTOP):
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], size
        picture(page, name, f"{size['width']}")
    page.emulate_media(color_scheme="dark")
    assert violations(page, "color-contrast") == []
    picture(page, name, "dark")


def violations(page, *rules: str) -> list[str]:
    options = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]


def picture(page, name: str, look: str) -> None:
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}-{look}.png", full_page=True)
