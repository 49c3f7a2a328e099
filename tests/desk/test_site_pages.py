"""Pages of the desk that are about no single table: who sees them. What is new is entered here."""

import pytest
from django.contrib import admin
from django.urls import URLPattern, reverse

from tests import factories

WHO = ("customer", "trainee", "specialist", "head", "administrator", "superuser")
STAFF, AGENTS, HEADS, ADMINISTRATORS = WHO[1:], WHO[2:], WHO[3:], WHO[4:]
# Per page who gets in, and how it is asked
PAGES: dict[str, tuple[tuple[str, ...], str]] = {
    "index": (STAFF, "get"),
    "overview": (AGENTS, "get"),
    "report": (HEADS, "get"),
    "report_csv": (HEADS, "get"),
    "test_letter": (ADMINISTRATORS, "post"),
    "task_queue": (ADMINISTRATORS, "get"),
    "own_tokens": (AGENTS, "get"),
    "password_change": (STAFF, "get"),
    "password_change_done": (STAFF, "get"),
    "autocomplete": ((), "get"),  # asks each table; without one nobody gets anything
    "jsi18n": (STAFF, "get"),
}
OPEN = {"login", "logout"}  # the ways in and out
# lead only where their row or section may be seen
OF_A_ROW = {"view_on_site", "app_list", "own_token_revoke"}


def names() -> set[str]:
    return {url.name for url in admin.site.get_urls() if isinstance(url, URLPattern) and url.name}


def test_every_page_is_in_the_table():
    assert names() == PAGES.keys() | OPEN | OF_A_ROW


@pytest.fixture
def customer(anna):
    return anna


@pytest.fixture
def trainee(db):
    """Staff without a role."""
    return factories.AgentFactory()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", [*WHO, "anonymous"])
def test_who_gets_in(client, request, db, page, who):
    if who != "anonymous":
        client.force_login(request.getfixturevalue(who))
    allowed, method = PAGES[page]
    answer = getattr(client, method)(reverse(f"admin:{page}"))
    sent_away = answer.status_code == 302 and "login/?next=" in answer.url
    assert (answer.status_code != 403 and not sent_away) == (who in allowed)
