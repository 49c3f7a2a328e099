"""Which tickets a list is about: what the parameters of an address choose."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from rest_framework.request import Request

from accounts.models import User
from api.base import bad_parameters
from api.callers import Caller
from api.problems import error_at
from tickets.models import Priority, Ticket
from tickets.queries import ORGANIZATION, REQUESTER, read_number
from tickets.search import search_tickets
from tickets.status import TicketStatus

LISTS = ("own", "organization", "all")
NEWEST, OLDEST = "-changed_at", "changed_at"
FILTERS = ("list", "status", "product", "priority", "search", "since", "order")
# A change is told this long after it was made: one that began earlier may still be on its way
SETTLED = timedelta(seconds=5)
LONGEST_SEARCH = 200  # characters

Tickets = QuerySet[Ticket]


class Unfit(ValueError):
    """What a parameter says is none of its values."""


def chosen(request: Request, caller: Caller) -> tuple[list[Tickets], str | None, bool]:
    """The tickets, the column their indexes begin with, and whether the newest come first.

    In parts, because a person's open tickets have another index than the closed ones.

    Raises Problem, which names each parameter that is unfit.
    """
    given = request.query_params
    errors: list[dict[str, str]] = []

    def read(name: str, reader: Callable[[str], Any], usual: str | None = None) -> Any:
        text = given.get(name, usual)
        if text is None:
            return None
        try:
            return reader(text)
        except ValueError:
            errors.append(error_at(name, "invalid", _("Такого значения у параметра нет.")))
            return None

    scope = read("list", _one_of(LISTS), _usual_list(caller))
    order = read("order", _one_of((NEWEST, OLDEST)), NEWEST)
    filters = {
        "status": read("status", _one_of(TicketStatus.values)),
        "priority": read("priority", _one_of(Priority.values)),
        "product_id": read("product", _number),
        "changed_at__gt": read("since", _moment),
    }
    assignee = read("assignee", _assignee(caller.user))
    term = read("search", _term)
    if errors:
        raise bad_parameters(errors)
    rows, owner = _rows(caller, scope)
    rows = rows.filter(**{name: value for name, value in filters.items() if value is not None})
    if assignee is not None:
        rows = rows.filter(**assignee)
    if order == OLDEST:
        rows = rows.filter(changed_at__lte=timezone.now() - SETTLED)
    if term:
        rows = search_tickets(rows, term, internal=caller.serves)
    closed = Q(status=TicketStatus.CLOSED)
    parts = [rows.exclude(closed), rows.filter(closed)] if owner == REQUESTER else [rows]
    return parts, owner, order == NEWEST


def _usual_list(caller: Caller) -> str:
    return "own" if caller.user and not caller.serves else "all"


def _rows(caller: Caller, scope: str) -> tuple[Tickets, str | None]:
    person = caller.user
    if person is None:
        rows = caller.tickets()
        if scope == "own":
            rows = rows.filter(opened_with__organization=caller.organization)
        return rows, ORGANIZATION
    sees_own_only = not caller.serves and person.organization_id is None
    if scope == "own" or (scope == "all" and sees_own_only):
        return Ticket.objects.own(person), REQUESTER
    if scope == "organization":
        return Ticket.objects.of_organization(person), ORGANIZATION
    return caller.tickets(), None


def _one_of(values: Any) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in values:
            raise Unfit
        return text

    return read


def _number(text: str) -> int:
    number = read_number(text)
    if number is None:
        raise Unfit
    return number


def _term(text: str) -> str:
    if len(text) > LONGEST_SEARCH:
        raise Unfit
    return text


def _moment(text: str) -> datetime:
    """RFC 3339: with its time zone."""
    moment = parse_datetime(text)
    if moment is None or moment.tzinfo is None:
        raise Unfit
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Unfit from None


def _assignee(person: User | None) -> Callable[[str], dict[str, Any]]:
    def read(text: str) -> dict[str, Any]:
        if text == "none":
            return {"assignee": None}
        return {"assignee": person if text == "me" else _number(text)}

    return read
