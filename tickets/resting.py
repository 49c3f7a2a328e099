"""A ticket that an agent has put off: it rests until a time, or until its customer speaks."""

from tickets.models import Ticket, TicketEvent
from tickets.status import TicketStatus

Kind = TicketEvent.Kind
FIELD = "snoozed_until"
WOKEN = "woken"  # in the event that says so, in the place of a time
AT_REST = {TicketStatus.RESOLVED, TicketStatus.CLOSED}  # nothing is left to come back to


def follow(ticket: Ticket, event: TicketEvent) -> list[str]:
    """Wake the ticket, or forget that it rested, by what happened to it; returns the field set.

    One that was woken keeps its time, which is over, until an agent does something to it.
    """
    if ticket.snoozed_until is None or event.kind == Kind.SNOOZED:
        return []
    rests = ticket.snoozed_until > event.created_at
    if event.kind == Kind.STATUS and event.new_value in AT_REST:
        ticket.snoozed_until = None
    elif rests and is_of_customer(event):
        ticket.snoozed_until = event.created_at
    elif not rests and event.by_agent:
        ticket.snoozed_until = None
    else:
        return []
    return [FIELD]


def is_of_customer(event: TicketEvent) -> bool:
    """The word of a customer or colleague, or their return of the ticket."""
    return bool(event.actor_id) and not event.by_agent
