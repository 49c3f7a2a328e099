"""Every page of the desk as it looks: readable to all in both themes, never wider than a screen.

With PICTURES set to a folder each page leaves its pictures there.
"""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group as Role
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import JoinRequest, Scope, SecurityEvent
from accounts.security import Origin
from accounts.tokens import make_token
from telegram_bot.models import BotHeartbeat, Dialog, Group, GroupTicket, IncomingUpdate
from tests.factories import AgentFactory, MessengerAccountFactory, UserFactory, open_ticket
from tickets import recording
from tickets.attachments import NewFile
from tickets.canned import save_answer
from tickets.comments import add_comment
from tickets.models import Announcement, CannedAnswer, Delivery, Product, Target
from webhooks.services import add_endpoint

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label_lower)
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
NAMED = """() => [...document.querySelectorAll("select.admin-autocomplete")].every(
  (field) => field.parentElement.querySelector(".select2-selection[aria-label]"))"""


@pytest.fixture
def everything(transactional_db, anna, agent, product):
    """A row of everything that has a page."""
    anna.organization.mail_domain = "alpha.example"
    anna.organization.save()
    MessengerAccountFactory(user=anna, username="anna_k")
    asking = UserFactory(first_name="Пётр", last_name="Новый")
    JoinRequest.objects.create(user=asking, organization=anna.organization)
    ticket = open_ticket(anna, product=product, title="Не отвечает узел vm-prod-1")
    add_comment(ticket=ticket, actor=recording.agent(agent), body="Смотрим.")
    Delivery.objects.update(state="failed", error="Нет такого ящика")
    answer = CannedAnswer(title="Журнал", body="{имя}, пришлите журнал.", product=product)
    file = NewFile("a.txt", 1, "", ContentFile(b"a", "a.txt"))
    save_answer(answer=answer, actor=AgentFactory(is_superuser=True), for_all=True, files=[file])
    Role.objects.create(name="Стажёр").permissions.add(*Permission.objects.all()[:3])
    Announcement.objects.create(text="Сбой сети в Москве")
    Target.objects.create(priority="high", answer_minutes=30, solution_minutes=600)
    IncomingUpdate.objects.create(bot_id=1, update_id=1, chat_id=510, telegram_id=510)
    Dialog.objects.create(telegram_id=510, chat_id=510)
    BotHeartbeat.objects.create(bot_id=1, username="help_bot", seen_at=timezone.now())
    group = Group.objects.create(chat_id=-1001, title="Проект Альфа")
    GroupTicket.objects.create(ticket=ticket, group=group, chat_id=-1001, message_id=1)
    token = {"name": "Мониторинг", "scopes": [Scope.READ], "origin": Origin(anna)}
    make_token(by=anna, **token)
    hook = {"url": "https://hooks.example.com/support", "kinds": ["created"]}
    add_endpoint(by=anna, **hook, origin=Origin(anna))
    SecurityEvent.objects.create(user=anna, actor=anna, kind="login", address="203.0.113.9")
    return ticket


@pytest.fixture
def desk(page, live_server, everything):
    """The page of a superuser, who sees it all."""
    client = Client()
    root = AgentFactory(username="root", is_superuser=True)
    given = {"name": "Дежурный", "scopes": list(Scope), "origin": Origin(root)}
    make_token(by=root, at_desk=True, **given)
    client.force_login(root)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
    )
    return page


def addresses(model) -> dict[str, str]:
    """Its list, the form of a row and, where there are such, of a new one and of deleting."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    row = model._default_manager.order_by("-pk").first()
    assert row is not None, f"{name}: the test has no row of it"
    found = {
        "list": reverse(f"{name}_changelist"),
        "form": reverse(f"{name}_change", args=[row.pk]),
    }
    superuser = AgentFactory._meta.model.objects.get(username="root")
    request = type("Request", (), {"user": superuser, "GET": {}, "POST": {}, "method": "GET"})()
    page = admin.site._registry[model]
    if page.has_add_permission(request):
        found["new"] = reverse(f"{name}_add")
    if model is Product:
        found["delete"] = reverse(f"{name}_delete", args=[row.pk])
        found["history"] = reverse(f"{name}_history", args=[row.pk])
    return found


@pytest.mark.parametrize("app", sorted({model._meta.app_label for model in MODELS}))
def test_pages_are_for_everybody(desk, live_server, app):
    found = []
    for model in MODELS:
        for kind, address in addresses(model).items() if model._meta.app_label == app else ():
            found += look_at(desk, live_server.url + address, f"{model._meta.label_lower}-{kind}")
    assert found == []


def test_pages_of_our_own_are_for_everybody(desk, live_server, everything, anna):
    ticket, people = f"/admin/tickets/ticket/{everything.pk}", "/admin/accounts/user/"
    pages = {
        "user-new-agent": f"{people}new-agent/",
        "user-new-client": f"{people}new-client/",
        "user-access": f"{people}{anna.pk}/access/",
        "organization-people": f"/admin/accounts/organization/{anna.organization_id}/people/",
        "ticket-details": f"{ticket}/details/",
        "ticket-merge": f"{ticket}/merge/",
        "ticket-incident": f"{ticket}/incident/",
        "ticket-views": "/admin/tickets/ticket/views/",
        "sections": "/admin/?sections=1",
        "overview": reverse("admin:overview"),
        "report": reverse("admin:report"),
        "tasks": reverse("admin:task_queue"),
        "own-tokens": reverse("admin:own_tokens"),
        "ticket-new": reverse("admin:tickets_ticket_new"),
        "ticket-canned": f"{ticket}/canned/",
        "user-data": f"/admin/accounts/user/{anna.pk}/data/",
        "user-erase": f"/admin/accounts/user/{anna.pk}/erase/",
    }
    found = []
    for name, address in pages.items():
        found += look_at(desk, live_server.url + address, name)
    assert found == []


def test_all_sections_stand_in_one_line(desk, live_server):
    AgentFactory._meta.model.objects.filter(username="root").update(first_name="Константин")
    desk.set_viewport_size(DESKTOP)
    desk.goto(f"{live_server.url}/admin/")
    links = desk.locator("#header :is(.sections a, #user-tools a)").all()
    middles = [box["y"] + box["height"] / 2 for link in links if (box := link.bounding_box())]
    assert len(middles) == 10
    assert max(middles) - min(middles) < 4


def test_login_is_for_everybody(page, live_server):
    assert look_at(page, f"{live_server.url}/admin/login/", "login") == []


def look_at(page, address: str, name: str) -> list[str]:
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(DESKTOP)
    assert page.goto(address).status == 200, address
    page.wait_for_function(NAMED)
    found = [f"{name}: {one}" for one in violations(page)]
    picture(page, name, "wide")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(PHONE)
    picture(page, name, "phone")
    found += [f"{name}, phone: {one}" for one in violations(page, "color-contrast", "target-size")]
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > PHONE["width"]:
        found.append(f"{name}: {wide} pixels wide on a phone")
    return found


def violations(page, *rules: str) -> list[str]:
    """Without preloading: axe would put styles into the page, which its policy forbids."""
    only = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    found = Axe().run(page, options={"preload": False, **only}).response["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


def picture(page, name: str, look: str) -> None:
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}-{look}.png", full_page=True, caret="initial")
