"""Tickets that have to do with each other: linked by agents, seen by agents only."""

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, Q, QuerySet

from tickets.models import Ticket, TicketLink
from tickets.recording import Actor, Kind, change_by, lock, one_change, record, require_agent
from tickets.refusals import AlreadyDone, TicketMerged
from tickets.refusals_joining import AlreadyLinked, LinkedToItself, NoSuchTicket

SHOWN = 50  # links of a ticket


@one_change
def link_tickets(*, ticket: Ticket, number: int, actor: Actor) -> Ticket:
    """Link a ticket with the one of this number, which is returned.

    Raises LinkedToItself, NoSuchTicket, TicketMerged and AlreadyLinked.
    """
    if number == ticket.pk:
        raise LinkedToItself
    with change_by(actor):
        require_agent(actor)
        lower, upper = _lock_both(ticket, number)
        for row in (lower, upper):
            if row.merged_into_id:
                raise TicketMerged(row.pk, row.merged_into_id)
        try:
            with transaction.atomic():
                TicketLink.objects.create(lower=lower, upper=upper, made_by=actor.user)
        except IntegrityError:
            raise AlreadyLinked from None
        record(lower, Kind.LINKED, actor, new=str(upper.pk))
        record(upper, Kind.LINKED, actor, new=str(lower.pk))
        return upper if lower.pk == ticket.pk else lower


@one_change
def unlink_tickets(*, ticket: Ticket, number: int, actor: Actor) -> None:
    """Raises NoSuchTicket, and AlreadyDone when they are not linked."""
    with change_by(actor):
        require_agent(actor)
        lower, upper = _lock_both(ticket, number)
        gone, _rows = TicketLink.objects.filter(lower=lower, upper=upper).delete()
        if not gone:
            raise AlreadyDone
        record(lower, Kind.LINKED, actor, old=str(upper.pk))
        record(upper, Kind.LINKED, actor, old=str(lower.pk))


def _lock_both(ticket: Ticket, number: int) -> tuple[Ticket, Ticket]:
    """The lower number first, whoever links: else two agents could wait for each other."""
    other = Ticket.objects.filter(pk=number).first()
    if other is None:
        raise NoSuchTicket(number)
    lower, upper = sorted((ticket, other), key=lambda row: row.pk)
    return lock(lower), lock(upper)


def links_of(ticket: Ticket | OuterRef) -> QuerySet[TicketLink]:
    return TicketLink.objects.filter(Q(lower=ticket) | Q(upper=ticket))


def linked_tickets(ticket: Ticket) -> list[Ticket]:
    """The newest links of a ticket, each as the other ticket."""
    rows = links_of(ticket).select_related("lower", "upper").order_by("-pk")[:SHOWN]
    return [row.upper if row.lower_id == ticket.pk else row.lower for row in rows]
