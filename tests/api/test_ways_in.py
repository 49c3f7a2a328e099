"""Who is let in: one token, one session, and one answer to everybody else."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, Scope, User
from tests.api.conftest import Program, program_of, revoke_all, token_of
from tests.factories import AgentFactory, open_ticket

pytestmark = pytest.mark.django_db


def refusal(response):
    return response.status_code, response["WWW-Authenticate"], response.json()


def ended(anna, how) -> Program:
    text = token_of(anna)
    match how:
        case "unknown":
            return Program("vks_" + "x" * 43)
        case "expired":
            ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        case "revoked":
            revoke_all()
        case "of somebody out":
            User.objects.update(is_active=False)
        case "another scheme":
            return Program(Authorization=f"Basic {text}")
        case "nothing but the scheme":
            return Program(Authorization="Bearer")
        case "not ASCII":
            return Program(Authorization="Bearer vks_ключ")
        case "very long":
            return Program("vks_" + "x" * 6000)
    return Program(text)


HOWS = [
    "unknown", "expired", "revoked", "of somebody out", "another scheme", "nothing but the scheme",
    "not ASCII", "very long",
]  # fmt: skip


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_everybody_else_gets_one_answer(anna, stranger, how, method):
    expected = refusal(stranger.send(method, "tickets/"))
    assert expected[:2] == (401, "Bearer")
    assert refusal(ended(anna, how).send(method, "tickets/")) == expected


def test_wrong_token_is_not_helped_by_a_session(anna):
    http = Client()
    http.force_login(anna)
    answer = http.get("/api/v1/me/", headers={"Authorization": "Bearer vks_wrong"})
    assert answer.status_code == 401


def test_session_reads(anna):
    http = Client()
    http.force_login(anna)
    answer = http.get("/api/v1/me/").json()
    assert (answer["person"]["email"], answer["token"]) == (anna.email, None)
    assert answer["scopes"] == ["tickets:read", "tickets:write"]


def test_session_changes_nothing_without_the_token_of_a_form(anna, product):
    http = Client(enforce_csrf_checks=True)
    http.force_login(anna)
    body = {"product": product.pk, "title": "Сбой", "description": "Не отвечает"}
    send = {"content_type": "application/json"}
    refused = http.post("/api/v1/tickets/", body, **send)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    http.get("/login/")
    key = {"X-CSRFToken": str(http.get("/profile/").context["csrf_token"])}
    assert http.post("/api/v1/tickets/", body, **send, headers=key).status_code == 201


def test_session_of_an_agent_serves_if_the_agent_may_see_tickets(agent, anna):
    number = open_ticket(anna).pk
    http = Client()
    http.force_login(agent)
    assert http.get("/api/v1/me/").json()["scopes"][0] == "desk"
    assert http.get(f"/api/v1/tickets/{number}/").status_code == 200
    http.force_login(AgentFactory())
    assert "desk" not in http.get("/api/v1/me/").json()["scopes"]
    assert http.get(f"/api/v1/tickets/{number}/").status_code == 404


def test_token_leaves_no_session(annas, anna):
    answer = annas.get("me/")
    assert answer.cookies == {}
    assert annas.http.cookies == {}


def test_who_may_serve_no_more_is_a_customer(agent, anna):
    desk = program_of(agent, Scope.DESK)
    User.objects.filter(pk=agent.pk).update(is_staff=False)
    answer = desk.get("tickets/")
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


@pytest.mark.parametrize(
    ("scope", "method", "path", "missing"),
    [
        (Scope.WRITE, "get", "tickets/", "tickets:read"),
        (Scope.READ, "post", "tickets/", "tickets:write"),
        (Scope.READ, "patch", "tickets/1/", "desk"),
    ],
)
def test_missing_scope_is_named(anna, scope, method, path, missing):
    answer = program_of(anna, scope).send(method, path, {})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert missing in answer.json()["detail"]


def test_call_costs_one_query_for_its_token(annas, django_assert_num_queries):
    annas.get("me/")
    with django_assert_num_queries(1):
        annas.get("nowhere/")


def test_nothing_is_shared_with_other_sites(annas):
    answer = annas.get("me/", Origin="https://evil.example")
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert "no-store" in answer["Cache-Control"]
