"""What to tell of a ticket event, and whom. Pure: reads the event, writes nothing."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from tickets.models import TicketEvent
from tickets.status import TicketStatus

Kind = TicketEvent.Kind

LOUD_STATUSES = {TicketStatus.WAITING, TicketStatus.RESOLVED}
LAST_PARTS = timedelta(seconds=3)  # time for the rest of an album to join its comment


class Audience(StrEnum):
    CUSTOMER = "customer"
    STAFF = "staff"
    PUBLIC = "public"  # where the ticket was opened before others: status only


@dataclass(frozen=True)
class Notice:
    """One thing to say to one audience; `kind` names the templates of the channels."""

    kind: str
    event: TicketEvent
    audience: Audience = Audience.CUSTOMER
    loud: bool = False  # rings; the rest arrives silently
    delay: timedelta = timedelta()


def notices_of(event: TicketEvent) -> list[Notice]:
    """Customers hear of agents and of the system, agents of customers; nobody of themselves."""
    by_requester = event.actor_id == event.ticket.requester_id
    found = _for_staff(event) if by_requester and not event.by_agent else []
    if not by_requester:
        found += _for_customer(event)
    if event.kind == Kind.STATUS:
        found.append(Notice("group_status", event, Audience.PUBLIC))
    if event.kind == Kind.STATUS and event.old_value == TicketStatus.RESOLVED:
        found.append(Notice("buttons", event))  # earlier offers to rate or return end
    return found


def _for_customer(event: TicketEvent) -> list[Notice]:
    if event.kind == Kind.STATUS:
        kind = "resolved" if event.new_value == TicketStatus.RESOLVED else "status"
        return [Notice(kind, event, loud=event.new_value in LOUD_STATUSES)]
    if event.kind == Kind.ASSIGNED and not event.new_value:
        return []
    kinds = {
        Kind.PRIORITY: "priority",
        Kind.ASSIGNED: "assigned",
        Kind.COMMENTED: "comment",
        Kind.REMINDED: "reminder",
    }
    return [Notice(kinds[Kind(event.kind)], event)] if event.kind in kinds else []


def _for_staff(event: TicketEvent) -> list[Notice]:
    if event.kind == Kind.CREATED:
        return [Notice("staff_new", event, Audience.STAFF)]
    if event.kind == Kind.COMMENTED:
        return [Notice("staff_comment", event, Audience.STAFF, delay=LAST_PARTS)]
    returned = event.kind == Kind.STATUS and event.old_value == TicketStatus.RESOLVED
    if returned and event.new_value == TicketStatus.IN_PROGRESS:
        return [Notice("staff_return", event, Audience.STAFF)]
    return []
