"""What happens to tickets as time passes: due times, reminders, closing those nobody answers."""

from __future__ import annotations  # File[Any] is generic for the type checker only

from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from tickets.due import due_news
from tickets.models import (
    Ticket,
)
from tickets.recording import SYSTEM, Kind, lock, one_change, record
from tickets.refusals import AlreadyDone
from tickets.services import change_status
from tickets.status import TicketStatus, TransitionNotAllowed

REMINDER_AHEAD = timedelta(days=2)  # before a resolved ticket closes by itself


def close_silent_tickets(*, limit: int = 100) -> None:
    """Remind of, then close, tickets that stay resolved for TICKET_AUTOCLOSE_DAYS; 0 = never.

    A ticket is closed no sooner than REMINDER_AHEAD after its reminder, also when nothing ran
    for a week. At most `limit` tickets a step and call.
    """
    if not settings.TICKET_AUTOCLOSE_DAYS:
        return
    now = timezone.now()
    lifetime = timedelta(days=settings.TICKET_AUTOCLOSE_DAYS)
    ahead = min(REMINDER_AHEAD, lifetime / 2)
    resolved = Ticket.objects.filter(status=TicketStatus.RESOLVED).order_by("resolved_at")
    since = now - lifetime + ahead
    silent = resolved.filter(reminded_at=None, resolved_at__lte=since, updated_at__lte=since)
    for ticket in silent[:limit]:
        _remind(ticket, ahead)
    reminded = resolved.filter(reminded_at__lte=now - ahead, resolved_at__lte=now - lifetime)
    for ticket in reminded[:limit]:
        _close_silent(ticket)


def tell_of_due_times(*, limit: int = 100) -> None:
    """Tell once that a ticket is due soon, and once that it is late; at most `limit` a call."""
    waiting = Ticket.objects.filter(tell_due_at__lte=timezone.now()).order_by("tell_due_at")
    for ticket in waiting[:limit]:
        _tell_of_due_time(ticket)


@one_change
def _tell_of_due_time(ticket: Ticket) -> None:
    with transaction.atomic():
        ticket = lock(ticket)
        if news := due_news(ticket, timezone.now()):
            record(ticket, Kind.DUE, SYSTEM, new=news)


@one_change
def _remind(ticket: Ticket, ahead: timedelta) -> None:
    with transaction.atomic():
        ticket = lock(ticket)
        if ticket.status == TicketStatus.RESOLVED and ticket.reminded_at is None:
            ticket.reminded_at = timezone.now()
            closing = timezone.localtime(ticket.reminded_at + ahead)
            changed = ["reminded_at"]
            record(ticket, Kind.REMINDED, SYSTEM, new=f"{closing:%d.%m.%Y}", changed=changed)


@one_change
def _close_silent(ticket: Ticket) -> None:
    """Close a reminded ticket, unless its customer has written or acted since it was chosen."""
    with transaction.atomic():
        if lock(ticket).reminded_at is None:
            return
        with suppress(AlreadyDone, TransitionNotAllowed):
            change_status(ticket=ticket, to=TicketStatus.CLOSED, actor=SYSTEM)
