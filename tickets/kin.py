"""Numbers of other tickets in plain data: a reader is told only those that they may see."""

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any

from django.db.models import QuerySet

from tickets.models import Ticket, TicketEvent

Told = MutableMapping[str, Any]

OF_TICKETS = ("parent", "merged_into")
OF_EVENTS = ("old", "new")
NAMING = {TicketEvent.Kind.MERGED, TicketEvent.Kind.SPLIT}  # their old or new value is a number


def hide_foreign(
    readable: Callable[[], QuerySet[Ticket]],
    *,
    tickets: Sequence[Told] = (),
    events: Sequence[Told] = (),
) -> None:
    """Take out of what `tickets.plain` makes the numbers of tickets that `readable` does not find.

    Asks it, and the database, once and only if other tickets are named at all.
    """
    named = [*_named(tickets, events)]
    if not named:
        return
    numbers = {int(told[key]) for told, key, _nothing in named}
    known = set(readable().filter(pk__in=numbers).values_list("pk", flat=True))
    for told, key, nothing in named:
        if int(told[key]) not in known:
            told[key] = nothing


def _named(
    tickets: Sequence[Told], events: Sequence[Told]
) -> Iterator[tuple[Told, str, str | None]]:
    """Where a number stands, and what stands there where there is none."""
    for told in tickets:
        yield from ((told, key, None) for key in OF_TICKETS if told[key])
    for told in events:
        if told["kind"] in NAMING:
            yield from ((told, key, "") for key in OF_EVENTS if told[key])
