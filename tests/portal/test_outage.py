"""A database that cannot be written to or is gone: 503 and the typed text, never 400 or 500."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests import factories
from tests.database import gone, read_only
from tests.portal.pages import text, url
from tickets.models import Comment

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "Первая строка\nвторая <b>строка</b>"


@pytest.fixture
def browser(anna):
    browser = Client(raise_request_exception=False)
    browser.force_login(anna)
    return browser


def require_unavailable(response) -> str:
    page = text(response)
    assert response.status_code == 503, page
    assert "повторите через минуту" in page
    assert response["Retry-After"] == "60"
    assert "no-store" in response["Cache-Control"]
    return page


@pytest.fixture
def pages(ticket):
    return [reverse("ticket_list"), reverse("profile"), ticket.get_absolute_url()]


def test_every_page_says_come_back(browser, ticket, pages):
    pages.append(reverse("admin:tickets_ticket_change", args=[ticket.pk]))
    with gone():
        for page in pages:
            require_unavailable(browser.get(page))


def test_pages_of_a_database_that_takes_nothing_can_be_read(browser, pages):
    with read_only():
        assert {browser.get(page).status_code for page in pages} == {200}


def test_session_that_cannot_be_kept_alive_says_come_back(browser, pages, clock):
    clock.advance(minutes=2)
    with read_only():
        for page in pages:
            require_unavailable(browser.get(page))


@pytest.mark.parametrize("trouble", [read_only, gone])
def test_typed_text_comes_back_and_can_be_sent_again(browser, ticket, trouble):
    file = SimpleUploadedFile("a.txt", b"x")
    with trouble():
        response = browser.post(url("ticket_comment", ticket), {"body": TEXT, "attachments": file})
        page = require_unavailable(response)
    assert "Первая строка\nвторая &lt;b&gt;строка&lt;/b&gt;</textarea>" in page
    assert 'name="attachments" multiple' in page
    action = re.findall(r'<form method="post" action="([^"]+)"', page)[0]
    browser.post(action, {"body": TEXT})
    assert Comment.objects.get().body == TEXT


def test_agent_keeps_the_answer(agent, ticket):
    desk = Client(raise_request_exception=False)
    agent.is_superuser = True
    agent.save()
    desk.force_login(agent)
    path = reverse("admin:tickets_ticket_change", args=[ticket.pk])
    with read_only():
        page = require_unavailable(desk.post(path, {"answer": "Ответ клиенту", "status": "new"}))
    assert "Ответ клиенту</textarea>" in page


@pytest.mark.parametrize("trouble", [read_only, gone])
def test_passwords_never_come_back(trouble):
    factories.UserFactory(username="viktor")
    data = {"username": "viktor", "password": factories.PASSWORD}
    with trouble():
        browser = Client(raise_request_exception=False)
        page = require_unavailable(browser.post(reverse("login"), data))
    assert factories.PASSWORD not in page
    assert "viktor" not in page


def test_another_site_cannot_put_its_words_there(anna, ticket):
    browser = Client(raise_request_exception=False, enforce_csrf_checks=True)
    browser.force_login(anna)
    with gone():
        page = require_unavailable(browser.post(url("ticket_comment", ticket), {"body": TEXT}))
    assert "Первая строка" not in page
    assert "<form" not in page


def test_fault_of_our_own_stays_one(browser, monkeypatch):
    def fail(*args: object) -> None:
        raise ValueError("ours")

    monkeypatch.setattr("portal.views.lists.page_after", fail)
    response = browser.get(reverse("ticket_list"))
    assert response.status_code == 500
    assert "Что-то сломалось у нас" in text(response)
