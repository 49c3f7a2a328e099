"""Every refusal is a problem of RFC 9457: of views, of middleware, of Django itself."""

import re

import pytest
from django.conf import settings
from django.db import OperationalError

from api.reasons import reasons
from tests.api.conftest import Program, codes

pytestmark = pytest.mark.django_db
DEEP = b'{"title":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def require_problem(answer, status, code):
    body = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["type"] == f"{settings.PORTAL_URL}/api/v1/docs/#{code}"
    assert body["title"]
    assert body["detail"]
    assert body.keys() <= {"type", "title", "status", "detail", "code", "errors"}
    assert "no-store" in answer["Cache-Control"]


def require_russian(answer):
    """The framework's own words are not all translated."""
    assert all(re.search("[а-яё]", error["detail"]) for error in answer.json()["errors"])


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"1", b"null", b'"x"', b"{}{}", b"\xef\xbb\xbf{}", b'{"title": NaN}',
        b'{"title": Infinity}', b'{"title": -Infinity}', b'{"title": 1e999}',
        b'{"title": "a", "title": "b"}', b'{"\\ud800": 1}', DEEP,
        b'{"title": ["\\udfff"]}', b'{"status": "\\ud800"}', b'{"score": "\\udc00\\ud800"}',
        b'{"product": ' + b"9" * 5000 + b"}",
        b'{"title": "\xff"}', '{"title": "x"}'.encode("utf-16"), b"\x00",
        b"{'title': 1}", b"{title: 1}",
        b'{"title": "a\nb"}', b'{"title": 1,}', b'{"title": 01}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_broken_json(annas, body):
    answer = annas.post("tickets/", body)
    expected = "invalid" if body == b"" else "bad_json"
    require_problem(answer, 400, expected)


@pytest.mark.each_case
@pytest.mark.parametrize(
    "body",
    [
        b'{"title": "\\u0000", "description": "x", "product": 1}',
        b'{"title": {"a": "b"}, "description": ["\\u0000"], "product": true}',
        b'{"title": 1, "description": "x", "product": "1"}',
        b'{"title": "x", "description": "x", "product": 1.0}',
        b'{"title": "x", "description": "x", "product": -1}',
        b'{"title": "x", "description": "x", "product": 99999999999999999999}',
        b'{"title": null, "description": null, "product": null}',
    ],
)
def test_values_of_another_kind(annas, body):
    answer = annas.post("tickets/", body)
    require_problem(answer, 400, "invalid")
    require_russian(answer)


def test_values_of_another_kind_from_an_agent(desk):
    answer = desk.post("tickets/1/comments/", {"body": 1, "internal": "yes"})
    assert codes(answer) == [("#/body", "invalid"), ("#/internal", "invalid")]
    require_russian(answer)


def test_words_are_for_programs():
    """There is no page before them, and no form."""
    said = " ".join(str(reason.detail) for reason in reasons().values())
    assert "карточка" not in said.lower()
    assert "форма" not in said.lower()


def test_unknown_and_read_only_keys_are_named(annas, product):
    body = {"product": product.pk, "title": "Сбой", "description": "Не отвечает"}
    answer = annas.post("tickets/", body | {"status": "closed", "a/b~c": 1, "ключ": 2, "": 3})
    require_problem(answer, 400, "invalid")
    assert codes(answer) == [
        ("#/status", "unknown"),
        ("#/a~1b~0c", "unknown"),
        ("#/%D0%BA%D0%BB%D1%8E%D1%87", "unknown"),
        ("#/", "unknown"),
    ]


def test_what_is_missing_or_too_long_is_named(annas):
    answer = annas.post("tickets/", {"title": "я" * 61, "description": "\u200b"})
    require_problem(answer, 400, "invalid")
    assert codes(answer) == [
        ("#/product", "required"),
        ("#/title", "text_too_long"),
        ("#/description", "text_required"),
    ]


def test_unknown_parameters_are_named(annas):
    answer = annas.get("tickets/?titel=x&status=new&status=closed&format=json&assignee=none")
    require_problem(answer, 400, "invalid")
    assert codes(answer) == [
        ("titel", "unknown"), ("status", "repeated"), ("format", "unknown"),
        ("assignee", "unknown"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("get", "nowhere/", {}, 404, "not_found"),
        ("get", "/api/", {}, 404, "not_found"),
        ("get", "/api/v2/tickets/", {}, 404, "not_found"),
        ("post", "/api/v1/tickets", {}, 404, "not_found"),
        ("get", "tickets/999/", {}, 404, "not_found"),
        ("get", f"tickets/{'9' * 30}/", {}, 404, "not_found"),
        ("delete", "tickets/", {}, 405, "method_not_allowed"),
        ("trace", "me/", {}, 405, "method_not_allowed"),
        ("get", "me/", {"Accept": "text/html"}, 406, "not_acceptable"),
        ("post", "tickets/", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (
            "post",
            "tickets/",
            {"Content-Type": "multipart/form-data"},
            415,
            "unsupported_media_type",
        ),
        ("post", "tickets/", {"Content-Type": ""}, 415, "unsupported_media_type"),
        ("post", "tickets/", {"Content-Type": "*/*"}, 415, "unsupported_media_type"),
        ("post", "tickets/", {"Transfer-Encoding": "chunked"}, 411, "length_required"),
        ("get", "me/?x=%00", {}, 400, "bad_request"),
        ("get", "me/", {"Host": "evil.example"}, 400, "bad_request"),
    ],
)
def test_whoever_refuses(annas, method, path, headers, status, code):
    require_problem(annas.send(method, path, {"x": 1}, **headers), status, code)


def test_body_over_the_limit_is_refused_unread(annas):
    body = b'{"title": "' + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"}'
    require_problem(annas.post("tickets/", body), 413, "too_large")


@pytest.mark.parametrize("who", ["annas", "stranger"])
def test_fault_of_ours_says_nothing_of_it(request, monkeypatch, who):
    """A stranger's call fails before the token is looked at."""
    program: Program = request.getfixturevalue(who)
    message = "secret of the database"
    target = "api.accounts.MeOut" if who == "annas" else "api.base.counted_address"

    def fail(*_args):
        raise ZeroDivisionError(message)

    monkeypatch.setattr(target, fail)
    answer = program.get("me/")
    require_problem(answer, 500, "server_error")
    assert message not in answer.content.decode()


def test_database_away(annas, monkeypatch):
    def fail(_text):
        raise OperationalError("could not connect to 10.0.0.5")

    monkeypatch.setattr("api.callers.access_of", fail)
    answer = annas.get("me/")
    require_problem(answer, 503, "unavailable")
    assert answer["Retry-After"] == "60"
    assert "10.0.0.5" not in answer.content.decode()


def test_database_away_before_any_view(stranger, monkeypatch):
    """The session is read by middleware, and the portal would answer with a page."""

    def fail(_session):
        raise OperationalError("could not connect to 10.0.0.5")

    monkeypatch.setattr("accounts.sessions.SessionStore._get_session_from_db", fail)
    stranger.http.cookies["sessionid"] = "x" * 32
    answer = stranger.get("me/")
    require_problem(answer, 503, "unavailable")
    assert answer["Retry-After"] == "60"


def test_allowed_methods_are_said(annas):
    answer = annas.send("put", "tickets/1/", {})
    assert answer["Allow"] == "GET, PATCH, HEAD, OPTIONS"
    options = annas.send("options", "tickets/1/", {})
    assert (options.status_code, options.content, options["Allow"]) == (204, b"", answer["Allow"])


def test_head_is_a_get_without_its_body(annas):
    head, get = annas.send("head", "me/"), annas.get("me/")
    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Length"] == get["Content-Length"]
