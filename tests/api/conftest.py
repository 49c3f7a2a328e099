"""The API as programs call it, and the tokens of the cast."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import ApiToken, OrganizationRole, Scope, User
from accounts.security import Origin
from accounts.tokens import make_token
from tests.factories import UserFactory

BOTH = {Scope.READ, Scope.WRITE}
RIGHTS = ("view_ticket", "change_ticket", "add_comment")


class Program:
    """What calls with one token, or with none."""

    def __init__(self, token: str = "", **headers: str) -> None:
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        self.headers = bearer | headers
        self.http = Client(raise_request_exception=False)

    def get(self, path: str, params: Any = None, **headers: str):
        return self.http.get(url(path), params, headers=self.headers | headers)

    def post(self, path: str, body: Any = None, **headers: str):
        return self.send("post", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str):
        return self.send("patch", path, body, **headers)

    def send(self, method: str, path: str, body: Any = None, **headers: str):
        """`body` is sent as it is when it is bytes, else as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        return self.http.generic(
            method.upper(),
            url(path),
            data,
            content_type=headers.pop("Content-Type", "application/json"),
            headers=self.headers | headers,
        )

    def upload(self, path: str, fields: dict[str, Any], **headers: str):
        return self.http.post(url(path), fields, headers=self.headers | headers)


def url(path: str) -> str:
    return path if path.startswith(("/", "http")) else f"/api/v1/{path}"


def token_of(person: User, *scopes: Scope, **given: Any) -> str:
    _row, text = make_token(
        by=person,
        name="Программа",
        scopes=scopes or BOTH,
        at_desk=person.is_staff and not given.get("organization"),
        lifetime=timedelta(days=30),
        origin=Origin(person),
        **given,
    )
    return text


def program_of(person: User, *scopes: Scope, **given: Any) -> Program:
    return Program(token_of(person, *scopes, **given))


def revoke_all() -> None:
    from django.utils import timezone

    ApiToken.objects.update(revoked_at=timezone.now())


def give_rights(person: User, *names: str) -> None:
    person.user_permissions.add(*Permission.objects.filter(codename__in=names or RIGHTS))


@pytest.fixture
def stranger():
    return Program()


@pytest.fixture
def annas(anna):
    return program_of(anna)


@pytest.fixture
def desk(agent):
    give_rights(agent)
    return program_of(agent, Scope.DESK)


@pytest.fixture
def administrator(anna):
    return UserFactory(
        username="gleb",
        email="gleb@alpha.example",
        organization=anna.organization,
        organization_role=OrganizationRole.ADMINISTRATOR,
    )


@pytest.fixture
def alphas(administrator):
    """A program of Anna's organization."""
    return program_of(administrator, organization=administrator.organization)


def codes(response) -> list[tuple[str, str]]:
    """Where in a refused request, and why."""
    return [(error["pointer"], error["code"]) for error in response.json()["errors"]]
