"""Tickets put off by agents, and how they come back."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from tickets.models import Ticket, TicketEvent
from tickets.recording import (
    SYSTEM,
    Actor,
    Kind,
    change_by,
    lock,
    one_change,
    record,
    require_agent,
)
from tickets.refusals import AlreadyDone, SnoozeRefused, TicketClosed
from tickets.resting import FIELD, WOKEN
from tickets.status import TicketStatus

LONGEST = timedelta(days=366)


@one_change
def snooze(*, ticket: Ticket, until: datetime, actor: Actor) -> Ticket:
    """Put the ticket off. Raises SnoozeRefused for a time gone by or too far, and AlreadyDone."""
    with change_by(actor):
        ticket = lock(ticket)
        require_agent(actor)
        if ticket.status in (TicketStatus.RESOLVED, TicketStatus.CLOSED):
            raise TicketClosed
        if not timedelta() < until - timezone.now() <= LONGEST:
            raise SnoozeRefused
        if ticket.snoozed_until == until:
            raise AlreadyDone
        ticket.snoozed_until = until
        record(ticket, Kind.SNOOZED, actor, new=until.isoformat(), changed=[FIELD])
        return ticket


@one_change
def wake(*, ticket: Ticket, actor: Actor) -> Ticket:
    """Bring it back at once. Raises AlreadyDone when it does not rest."""
    with change_by(actor):
        ticket = lock(ticket)
        require_agent(actor)
        if ticket.snoozed_until is None:
            raise AlreadyDone
        ticket.snoozed_until = None
        record(ticket, Kind.SNOOZED, actor, changed=[FIELD])
        return ticket


def put_off_before(ticket: Ticket) -> datetime | None:
    """Until when a ticket that has been woken was put off, where that is still to come."""
    if ticket.snoozed_until is None:
        return None
    times = ticket.events.filter(kind=Kind.SNOOZED).exclude(new_value__in=("", WOKEN))
    value = times.order_by("-pk").values_list("new_value", flat=True).first()
    until = datetime.fromisoformat(value) if value else None
    return until if until and until > timezone.now() else None


def tell_of_woken_tickets(*, limit: int = 100) -> None:
    """Tell once of tickets whose time has come; at most `limit` a call.

    Whoever hears of the customer's word that woke one needs no second message.
    """
    for ticket in _untold()[:limit]:
        _tell_of_woken(ticket)


def _untold() -> QuerySet[Ticket]:
    """Those that nothing tells of since: neither the event nor a customer's own."""
    since = TicketEvent.objects.filter(ticket=OuterRef("pk"), created_at__gte=OuterRef(FIELD))
    of_customer = Q(by_agent=False, actor__isnull=False)
    told = since.filter(of_customer | Q(kind=Kind.SNOOZED, new_value=WOKEN))
    due = Ticket.objects.filter(snoozed_until__lte=timezone.now()).order_by(FIELD)
    return due.filter(~Exists(told))


@one_change
def _tell_of_woken(ticket: Ticket) -> None:
    with change_by(SYSTEM):
        ticket = lock(ticket)
        if _untold().filter(pk=ticket.pk).exists():
            record(ticket, Kind.SNOOZED, SYSTEM, new=WOKEN)
