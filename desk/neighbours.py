"""The tickets before and after one in the list that its card was opened from."""

from __future__ import annotations  # QuerySet[Ticket] is generic for the type checker only

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet, Subquery
from django.http import HttpRequest, QueryDict

from accounts.models import User
from desk.lists import agent_of, is_number
from desk.queue import kept, narrowed, read_queue
from tickets.models import Ticket
from tickets.queries import EPOCH, MICROSECOND
from tickets.queue import BY_NUMBER, DUE_FIRST, in_queue, order_of
from tickets.search import search_desk

PLACE = "at"  # in an address: the due time the ticket had when its card was opened


@dataclass(frozen=True)
class Neighbours:
    previous: int | None
    following: int | None


def place_of(request: HttpRequest, ticket: Ticket) -> str:
    """Where the ticket stood when its card was opened: an answer moves it elsewhere."""
    given = request.GET.get(PLACE, "")
    if given == "-" or is_number(given):
        return given
    due_at = ticket.next_due_at
    return str((due_at - EPOCH) // MICROSECOND) if due_at else "-"


def find_neighbours(request: HttpRequest, ticket: Ticket) -> Neighbours:
    """Both in one query; each is one row of an index from the ticket's place on."""
    choice = kept(QueryDict(request.GET.get("list", "")))
    agent = agent_of(request)
    rows, is_by_due = _rows(choice, agent)
    before, after = (
        _by_due(rows, read_place(place_of(request, ticket)), ticket.pk)
        if is_by_due
        else _by_number(rows, ticket.pk)
    )
    found = User.objects.filter(pk=agent.pk).values_list(*before, *after).get()
    half = len(before)
    return Neighbours(_first(found[:half]), _first(found[half:]))


def read_place(place: str) -> datetime | None:
    try:
        return EPOCH + int(place) * MICROSECOND if is_number(place) else None
    except OverflowError:
        return None


def _first(found: Any) -> int | None:
    return next((number for number in found if number), None)


def _rows(choice: dict[str, str], agent: User) -> tuple[QuerySet[Ticket], bool]:
    """The rows of the list in its order, and whether that is what is due first."""
    rows = narrowed(Ticket.objects.all(), choice)
    if words := choice.get("q"):
        return search_desk(rows, words).order_by(*BY_NUMBER), False
    queue = read_queue(choice.get("tab"))
    order = order_of(queue)
    rows = in_queue(rows, queue, agent).order_by(*order)
    return rows, order[-len(DUE_FIRST) :] == DUE_FIRST


def _by_number(rows: QuerySet[Ticket], number: int) -> tuple[list[Subquery], list[Subquery]]:
    grows = rows.query.order_by[-1] == "id"
    lower, higher = rows.filter(pk__lt=number), rows.filter(pk__gt=number)
    before, after = (lower, higher) if grows else (higher, lower)
    return [_one(before.reverse())], [_one(after)]


def _by_due(
    rows: QuerySet[Ticket], due_at: datetime | None, number: int
) -> tuple[list[Subquery], list[Subquery]]:
    """Those without a due time come last, by number."""
    waiting = rows.filter(next_due_at=None)
    timed = rows.filter(next_due_at__isnull=False)
    if due_at is None:
        return (
            [_one(waiting.filter(pk__lt=number).reverse()), _one(timed.reverse())],
            [_one(waiting.filter(pk__gt=number))],
        )
    sooner = timed.filter(next_due_at__lte=due_at).exclude(next_due_at=due_at, pk__gte=number)
    later = timed.filter(next_due_at__gte=due_at).exclude(next_due_at=due_at, pk__lte=number)
    return [_one(sooner.reverse())], [_one(later), _one(waiting)]


def _one(rows: QuerySet[Ticket]) -> Subquery:
    return Subquery(rows.values("pk")[:1])
