"""The headers of security, on every address that has a name: collected, so none is forgotten."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import SESSION_KEY
from django.core.files.base import ContentFile
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import UUIDConverter

from tests.factories import AgentFactory, UserFactory, open_ticket
from tickets.attachments import NewFile
from tickets.models import Attachment

# What an address needs that no number fits.
NEEDED: dict[str, dict[str, Any]] = {
    "sign_up_confirm": {"token": "1:sign"},
    "email_confirm": {"token": "1:sign"},
    "invitation": {"token": "1:sign"},
    "password_reset_confirm": {"uidb64": "MQ", "token": "set-password"},
    "admin:app_list": {"app_label": "tickets"},
}
SAMPLES = {UUIDConverter: UUID(int=1)}  # of any other kind: 1
# Pages for guests that nobody may keep all the same: what is typed or mailed stands on them
SECRET_FOR_GUESTS = {"login", "admin:login", "password_reset_confirm"}
METHODS = ["get", "head", "post", "put", "delete", "options", "trace"]
GUEST, CUSTOMER, SUPERUSER = "guest", "customer", "superuser"


def collect(
    patterns: list[URLPattern | URLResolver], prefix: str = "", given: dict[str, Any] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each name with what its address needs; its own pattern's, and of those it stands in."""
    for one in patterns:
        parts = {
            **(given or {}),
            **dict.fromkeys(one.pattern.regex.groupindex, 1),
            **{name: SAMPLES.get(type(kind), 1) for name, kind in one.pattern.converters.items()},
        }
        if isinstance(one, URLResolver):
            inner = f"{prefix}{one.namespace}:" if one.namespace else prefix
            yield from collect(one.url_patterns, inner, parts)
        elif one.name:
            name = f"{prefix}{one.name}"
            yield name, NEEDED.get(name, parts)


ADDRESSES = dict(sorted(collect(get_resolver().url_patterns), key=lambda pair: pair[0]))
NAMES = list(ADDRESSES)


def address(name: str) -> str:
    return reverse(name, kwargs=ADDRESSES[name])


def policy(response) -> dict[str, str]:
    rules = [rule.strip().partition(" ") for rule in response["Content-Security-Policy"].split(";")]
    return {name: sources for name, _space, sources in rules}


def require_headers(response) -> None:
    rules = policy(response)
    assert rules["default-src"] in ("'self'", "'none'")
    assert rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Server" not in response
    assert "X-Powered-By" not in response


@pytest.mark.parametrize("who", [GUEST, CUSTOMER, SUPERUSER])
@pytest.mark.parametrize("name", NAMES)
def test_every_answer_has_them(client, db, name, who):
    if who != GUEST:
        user = AgentFactory(is_superuser=True) if who == SUPERUSER else UserFactory()
    for method in METHODS:
        if who != GUEST and SESSION_KEY not in client.session:  # there are ways out among them
            client.force_login(user)
        response = getattr(client, method)(address(name))
        assert response.status_code < 500 or name == "readyz", (method, response)
        require_headers(response)
        if who != GUEST or name in SECRET_FOR_GUESTS:
            assert {"no-store", "private"} <= set(response["Cache-Control"].split(", ")), method


def test_names_are_all_of_them():
    assert {"ticket_list", "healthz", "admin:index", "admin:tickets_ticket_change"} <= set(NAMES)
    assert NEEDED.keys() | SECRET_FOR_GUESTS <= set(NAMES)


@pytest.mark.parametrize("name", ["picture.png", "page.html", "drawing.svg", "notes.txt"])
def test_file_may_do_nothing_in_a_browser(client, anna, product, name):
    """Only those that are taken can be tried: the row is made behind the services."""
    png = b"\x89PNG\r\n\x1a\n" + bytes(32)
    file = NewFile("picture.png", len(png), content=ContentFile(png))
    open_ticket(anna, product=product, files=[file])
    Attachment.objects.update(name=name)
    client.force_login(anna)
    response = client.get(reverse("attachment_download", args=[Attachment.objects.get().pk]))
    b"".join(response.streaming_content)
    require_headers(response)
    assert policy(response) == {
        "default-src": "'none'", "frame-ancestors": "'none'", "sandbox": ""
    }  # fmt: skip
    assert response["Content-Disposition"].startswith("attachment")
    assert response["Content-Type"] in ("application/octet-stream", "image/png")
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/nowhere/", "testserver", 404),
        ("/login/?next=%00", "testserver", 400),
        ("/login/", "evil.example", 400),
        ("/tickets/999999999999999999999999/", "testserver", 404),
        ("/admin/nowhere/", "testserver", 404),
    ],
)
def test_error_pages_have_them(client, anna, path, host, status):
    client.force_login(anna)
    response = client.get(path, headers={"host": host})
    assert response.status_code in (status, 302)
    require_headers(response)


def test_refused_form_has_them(db, anna):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(anna)
    response = client.post(reverse("profile"), {"x": "y"})
    assert response.status_code == 403
    require_headers(response)


def test_cookies_are_for_this_site_only(client, db):
    client.post(
        "/login/", {"username": UserFactory().username, "password": "correct horse battery"}
    )
    assert {"sessionid", "csrftoken"} <= client.cookies.keys()
    for name in ("sessionid", "csrftoken"):
        cookie = client.cookies[name]
        assert (bool(cookie["httponly"]), cookie["samesite"]) == (True, "Lax")
