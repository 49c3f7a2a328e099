"""What stands beside the conversation on a card: the customer, the due time, the history."""

from __future__ import annotations  # QuerySet[TicketEvent] is generic for the type checker only

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Prefetch, prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import BotRegistration, User
from accounts.phone import mask_phone
from config.numerals import plural
from desk.queue_rows import short_time
from tickets.models import Attachment, Delivery, Ticket, TicketEvent
from tickets.queries import REQUESTER, files_beside, in_order, newest_page

EVENTS_SHOWN = 20
OTHERS_SHOWN = 5
FAILURES_SHOWN = 5
SEE_PHONES = "accounts.view_botregistration"


@dataclass(frozen=True)
class History:
    """A page of what happened, oldest first, and what to ask for the page before it."""

    events: list[TicketEvent]  # each comment with its `files`
    older: int | None
    newest: int  # the last event there is, also where earlier ones are shown
    files: list[Attachment]  # of the description


def history_of(ticket: Ticket, before: int | None) -> History:
    rows = ticket.events.select_related("actor", "comment").prefetch_related(
        Prefetch("deliveries", Delivery.objects.select_related("recipient").order_by("pk"))
    )
    found, older = newest_page(rows, before, EVENTS_SHOWN)
    newest = found[0].pk if found else 0
    if before is not None:
        last = ticket.events.order_by("-pk").values_list("pk", flat=True).first()
        newest = last or 0
    files = files_beside(ticket, found)
    for event in found:
        if event.comment:
            event.comment.files = files.get(event.comment_id, [])  # type: ignore[attr-defined]
    return History(found[::-1], older, newest, files.get(None, []))


def prefetch_links(ticket: Ticket, events: Sequence[TicketEvent], failed: list[Delivery]) -> None:
    """The messengers by which deliveries name whom they go to, in one query."""
    told = [row for event in events for row in event.deliveries.all()]
    people = [ticket.requester, *(row.recipient for row in [*told, *failed] if row.recipient)]
    prefetch_related_objects(people, "messengers")


def failed_deliveries(ticket: Ticket) -> list[Delivery]:
    failed = Delivery.objects.filter(ticket=ticket, state=Delivery.State.FAILED)
    return list(failed.select_related("recipient").order_by("-pk")[:FAILURES_SHOWN])


@dataclass(frozen=True)
class Customer:
    others: list[Ticket]  # of the same person
    registration: str  # the phone, hidden from who may not see it


def customer_of(ticket: Ticket, agent: User) -> Customer:
    mine = Ticket.objects.filter(requester=ticket.requester_id).exclude(pk=ticket.pk)
    found = BotRegistration.objects.filter(user=ticket.requester_id, withdrawn_at=None)
    phone = found.values_list("phone", flat=True).first()
    if phone and not agent.has_perm(SEE_PHONES):
        phone = mask_phone(phone)
    others = in_order(mine.only("status", "title"), REQUESTER)[:OTHERS_SHOWN]
    return Customer(list(others), phone or "")


@dataclass(frozen=True)
class Due:
    """What is due first: an answer or a solution."""

    text: str
    left: str
    is_late: bool


def due_of(ticket: Ticket, now: datetime | None = None) -> Due | None:
    now = now or timezone.now()
    due_at = ticket.next_due_at
    if due_at is None or ticket.is_closed:
        return None
    what = _("решить до") if ticket.answered_at else _("ответить до")
    is_late = due_at <= now
    wait = in_words(abs(due_at - now))
    left = _("опоздание %(wait)s") if is_late else _("осталось %(wait)s")
    return Due(f"{what} {short_time(due_at, now)}", left % {"wait": wait}, is_late)


def in_words(wait: timedelta) -> str:
    """`12 мин`, `3 ч 05 мин`, `2 дня`"""
    minutes = int(wait.total_seconds() // 60)
    if minutes < 60:
        return _("%(number)d мин") % {"number": minutes}
    if minutes < 24 * 60:
        parts = {"hours": minutes // 60, "minutes": minutes % 60}
        return _("%(hours)d ч %(minutes)02d мин") % parts
    days = minutes // (24 * 60)
    return f"{days} {plural(days, _('день'), _('дня'), _('дней'))}"
