"""What a program is told: an event and its ticket as plain data, as JSON of a bounded size."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet

from tickets.kin import hide_foreign
from tickets.models import Ticket, TicketEvent
from tickets.plain import event_data, ticket_data
from tickets.queries import public_files
from tickets.status import TicketStatus
from webhooks.models import HookKind

BODY_LIMIT = 20_000  # bytes
ALLOWANCES = (6000, 3000, 1500, 700, 300)  # bytes of each long text, tried in turn
LONG_TEXTS = (("ticket", "description"), ("ticket", "rating_comment"), ("event", "comment", "body"))
TEST = "test"

EventKind = TicketEvent.Kind


def kinds_of(event: TicketEvent) -> list[HookKind]:
    """What an event can be told as, the most telling first; empty of what no program hears."""
    if event.is_internal:
        return []
    found = []
    if event.kind in (EventKind.CREATED, EventKind.RATED):
        found.append(HookKind(event.kind))
    if event.kind == EventKind.STATUS and event.new_value == TicketStatus.CLOSED:
        found.append(HookKind.CLOSED)
    if event.kind == EventKind.STATUS and event.new_value == TicketStatus.RESOLVED:
        found.append(HookKind.RESOLVED)
    if event.kind in (EventKind.COMMENTED, EventKind.STATUS) and event.comment_id:
        found.append(HookKind.ANSWERED if event.by_agent else HookKind.COMMENTED)
    if event.kind == EventKind.STATUS:
        found.append(HookKind.STATUS)
    return found


def body_of(kind: str, event: TicketEvent, readable: QuerySet[Ticket]) -> str:
    """Of an event, with its ticket as it is now; others are named only if they are `readable`."""
    files = list(_files_of(event))
    ticket, happened = ticket_data(event.ticket), event_data(event, files)
    hide_foreign(lambda: readable, tickets=[ticket], events=[happened])
    data = {"ticket": ticket, "event": happened, "truncated": []}
    return _fitting({"type": f"ticket.{kind}", "timestamp": event.created_at, "data": data})


def test_body(at: datetime) -> str:
    """Of no ticket: it only shows that the way is open."""
    return _as_json({"type": TEST, "timestamp": at, "data": {}})


def _files_of(event: TicketEvent) -> Iterator[Any]:
    if event.comment is None and event.kind != EventKind.CREATED:
        return iter(())
    rows = public_files().filter(ticket=event.ticket_id, comment=event.comment_id)
    return rows.order_by("pk").iterator()


def _fitting(told: dict[str, Any]) -> str:
    """The body, its long texts cut where it would be too large; `truncated` points at those."""
    body = _as_json(told)
    for allowance in ALLOWANCES:
        if len(body.encode()) <= BODY_LIMIT:
            break
        for path in LONG_TEXTS:
            _cut(told["data"], path, allowance)
        body = _as_json(told)
    return body


def _cut(data: dict[str, Any], path: tuple[str, ...], allowance: int) -> None:
    place: Any = data
    for key in path[:-1]:
        place = place.get(key) or {}
    text = place.get(path[-1]) or ""
    if len(text.encode()) <= allowance:
        return
    place[path[-1]] = text.encode()[:allowance].decode(errors="ignore")
    pointer = "/" + "/".join(path)
    if pointer not in data["truncated"]:
        data["truncated"].append(pointer)


def _as_json(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    raise TypeError(type(value).__name__)
