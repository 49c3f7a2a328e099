"""The page that shows the API, under the portal's own Content Security Policy."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from tests.api.conftest import token_of
from tickets.models import Ticket

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def operation(page, name: str):
    return page.locator(f"[id$='-{name}'].opblock")


def carry_out(page, name: str) -> None:
    operation(page, name).locator(".opblock-summary-control").click()
    operation(page, name).get_by_role("button", name="Try it out").click()
    operation(page, name).get_by_role("button", name="Execute").click()


def answer(page, name: str):
    return operation(page, name).locator(".live-responses-table .response").first


def test_guest_tries_a_token(page, live_server, anna, product):
    page.goto(live_server.url + reverse("api:docs"))
    expect(page.locator(".opblock")).to_have_count(18)
    expect(page.locator("#not_rateable")).to_contain_text("Оценить можно выполненную заявку")
    page.locator("button.authorize").click()
    page.locator(".auth-container input[type=text]").first.fill(token_of(anna))
    page.locator(".auth-container").first.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close", exact=True).first.click()
    carry_out(page, "me")
    expect(answer(page, "me")).to_contain_text("anna@alpha.example")


def test_session_is_enough_for_who_is_signed_in(page, live_server, anna, product):
    client = Client()
    client.force_login(anna)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
    )
    page.goto(live_server.url + reverse("api:docs"))
    operation(page, "ticket_create").locator(".opblock-summary-control").click()
    operation(page, "ticket_create").get_by_role("button", name="Try it out").click()
    body = operation(page, "ticket_create").locator("textarea")
    expect(body).to_have_value(re.compile(r'"product": \d+'))
    body.fill(re.sub(r'"product": \d+', f'"product": {product.pk}', body.input_value()))
    operation(page, "ticket_create").get_by_role("button", name="Execute").click()
    expect(answer(page, "ticket_create")).to_contain_text("201")
    assert Ticket.objects.get().requester == anna
