"""Who calls: a program with a token, or a page of the portal with its session."""

from dataclasses import dataclass
from typing import Any, NoReturn

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts.identity import RightMissing
from accounts.models import ApiToken, Organization, Scope, User
from accounts.tokens import access_of
from api.problems import Problem
from tickets.models import RIGHT, Face, Ticket
from tickets.plain import with_facts
from tickets.recording import Actor, agent, customer

MAY_CHANGE, MAY_WRITE = "tickets.change_ticket", "tickets.add_comment"  # as the desk asks
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


@dataclass(frozen=True)
class Caller:
    """`user`, or else an `organization` whose program it is; without a `token` a session."""

    scopes: frozenset[Scope]
    user: User | None = None
    organization: Organization | None = None
    token: ApiToken | None = None

    @property
    def counted_as(self) -> str:
        if self.token:
            return f"token-{self.token.pk}"
        return f"person-{self.user.pk if self.user else ''}"

    @property
    def serves(self) -> bool:
        """Whether it works for the desk: sees all tickets with their notes, speaks as an agent."""
        return Scope.DESK in self.scopes

    def require(self, scope: Scope) -> None:
        if scope not in self.scopes:
            refuse_scope(scope)

    def require_reading(self) -> None:
        if self.serves:
            self.require_rights(RIGHT)
        else:
            self.require(Scope.READ)

    def require_desk(self, *rights: str) -> None:
        self.require(Scope.DESK)
        self.require_rights(*rights)

    def require_rights(self, *rights: str) -> None:
        if self.user is None or not self.user.is_staff or not self.user.has_perms(rights):
            raise RightMissing

    def tickets(self) -> QuerySet[Ticket]:
        """Where every read starts. Raises RightMissing for an agent who may not see tickets."""
        if self.serves:
            self.require_rights(RIGHT)
            return Ticket.objects.all()
        if self.organization:
            return Ticket.objects.of_programs_of(self.organization)
        return Ticket.objects.visible_to(self.user) if self.user else Ticket.objects.none()

    def cards(self) -> QuerySet[Ticket]:
        """Tickets with all that is told of each."""
        return with_facts(self.tickets())

    def speaking_as(self, person: User) -> Actor:
        return agent(person, Face.API) if self.serves else customer(person, Face.API)


def refuse_scope(scope: Scope) -> NoReturn:
    words = _("У токена нет права «%(scope)s»: %(label)s.")
    detail = words % {"scope": scope.value, "label": scope.label}
    raise Problem(403, "scope_missing", detail)


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer vks_…`; whatever is wrong with it, the answer is one and the same."""

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        kind, _space, text = header.strip().partition(" ")
        access = access_of(text.strip()) if kind.lower() == "bearer" else None
        if access is None:
            raise AuthenticationFailed
        caller = Caller(access.scopes, access.user, access.organization, access.token)
        return access.user or AnonymousUser(), caller

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class SessionAuthentication(BaseAuthentication):
    """The portal's session, which changes nothing without the token of its forms."""

    def authenticate(self, request: Request) -> tuple[User, Caller] | None:
        user = request._request.user
        if not user.is_authenticated:
            return None
        if request.method not in SAFE:
            _require_own_page(request._request)
        scopes = {Scope.READ, Scope.WRITE}
        if user.is_staff and user.has_perm(RIGHT):
            scopes.add(Scope.DESK)
        return user, Caller(frozenset(scopes), user)


def _require_own_page(request: HttpRequest) -> None:
    check = CSRFCheck(lambda _request: HttpResponse())
    check.process_request(request)
    has_token = "HTTP_X_CSRFTOKEN" in request.META  # else the body would be searched for it
    has_token = has_token or getattr(request, "_dont_enforce_csrf_checks", False)
    if not has_token or check.process_view(request, None, (), {}):
        raise PermissionDenied
