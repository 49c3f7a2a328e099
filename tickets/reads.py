"""How far people have read tickets. With an erasure the only writer of `TicketRead`."""

from typing import cast

from django.db.models import F, FilteredRelation, Q, QuerySet

from accounts.models import User
from tickets.models import Ticket, TicketRead


def with_reads(tickets: QuerySet[Ticket], reader: User) -> QuerySet[Ticket]:
    """Tickets with what their reader has seen of each: joined, it costs no query a row."""
    own_read = FilteredRelation("reads", condition=Q(reads__user=reader))
    return tickets.annotate(own_read=own_read, read_version=F("own_read__version"))


def read_version(ticket: Ticket) -> int | None:
    """How far its reader has read a ticket of `with_reads`, None where they have not yet."""
    return cast("int | None", ticket.read_version)  # type: ignore[attr-defined]


def is_unread(ticket: Ticket, reader: User) -> bool:
    """Whether a ticket of `with_reads` holds something new that others did.

    Of colleagues' tickets only those are followed that the person has looked into.
    """
    if ticket.changed_by_id == reader.pk or ticket.merged_into_id:  # which leads elsewhere
        return False
    seen = read_version(ticket)
    if seen is None:
        return ticket.requester_id == reader.pk and ticket.version > 0
    return ticket.version > seen


def mark_read(ticket: Ticket, reader: User) -> None:
    """Remember that a person saw a ticket of `with_reads` as it was when it was loaded.

    One write, and none where nothing is new; a slower page never takes back what a later one saw.
    """
    _mark(ticket, reader, ticket.version)


def _mark(ticket: Ticket, reader: User, version: int) -> None:
    seen = read_version(ticket)
    if version <= (seen or 0):
        return
    if seen is None:
        row = TicketRead(user=reader, ticket=ticket, version=version)
        TicketRead.objects.bulk_create([row], ignore_conflicts=True)
    else:
        older = TicketRead.objects.filter(user=reader, ticket=ticket, version__lt=version)
        older.update(version=version)


# Agents, who see notes, too


def is_news(ticket: Ticket, agent: User) -> bool:
    """Whether others did something to a ticket of `with_reads` that its card has not shown."""
    is_own = ticket.desk_changed_by_id == agent.pk
    newest = ticket.desk_version_before if is_own else ticket.desk_version
    return (newest or 0) > (read_version(ticket) or 0)


def mark_seen(ticket: Ticket, agent: User) -> None:
    """`mark_read` of a card at the desk."""
    _mark(ticket, agent, ticket.desk_version or 0)
