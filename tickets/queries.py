"""What people may see of tickets, and how tickets are found. No face filters notes itself."""

from contextlib import suppress
from functools import reduce
from operator import or_
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

from accounts.models import BotRegistration, User
from accounts.phone import normalise_phone
from tickets.models import Attachment, Comment, Ticket, TicketEvent

NUMBER_DIGITS = 18  # a longer one fits no row
TIMELINE_SIZE = 100  # events
Kind = TicketEvent.Kind
Row = TypeVar("Row", bound=Model)


def newest_page(rows: QuerySet[Row], before: int | None, size: int) -> tuple[list[Row], int | None]:
    """The newest `size` rows with an id under `before`, and what to pass for the page after."""
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: size + 1])
    return found[:size], found[size - 1].pk if len(found) > size else None


def timeline(ticket: Ticket, before: int | None) -> tuple[list[TicketEvent], int | None]:
    """Events oldest first, each with its public comment or none; no internal notes."""
    shown = ticket.events.filter(is_internal=False).exclude(kind=Kind.EDITED)
    shown = shown.select_related("actor")
    events, older = newest_page(shown, before, TIMELINE_SIZE)
    events.reverse()
    wanted = [event.comment_id for event in events if event.comment_id]
    public = ticket.comments.public().select_related("author").prefetch_related("attachments")
    comments = public.in_bulk(wanted)
    for event in events:
        event.comment = comments.get(event.comment_id) if event.comment_id else None
    hidden = [event for event in events if event.kind == Kind.COMMENTED and not event.comment]
    return [event for event in events if event not in hidden], older


def readable_files(user: User) -> QuerySet[Attachment]:
    """Files whose contents a person may read: agents all, others those of their tickets."""
    ready = Attachment.objects.filter(state=Attachment.State.READY)
    if user.is_staff and user.has_perm("tickets.view_ticket"):
        return ready
    return ready.filter(
        Q(comment=None) | Q(comment__in=Comment.objects.public()),
        ticket__in=Ticket.objects.visible_to(user),
    )


def search_tickets(tickets: QuerySet[Ticket], term: str) -> QuerySet[Ticket]:
    """By number, requester's phone or start of the e-mail, or start of the title.

    Each has an index; those for the two starts are made by migrations of their own.
    """
    term = term.strip().lstrip("№#").strip()
    if not term:
        return tickets
    with suppress(ValidationError):
        phone = normalise_phone(term)
        known = BotRegistration.objects.filter(phone=phone, withdrawn_at=None)
        return tickets.filter(requester__in=list(known.values_list("user", flat=True)[:50]))
    if term.isascii() and term.isdigit():
        return tickets.filter(pk=term) if len(term) <= NUMBER_DIGITS else tickets.none()
    if "@" in term:
        found = User.objects.filter(email__istartswith=term).values_list("pk", flat=True)
        return tickets.filter(requester__in=list(found[:50]))
    # SQLite compares only ASCII without case, so the usual spellings are tried, too.
    spellings = {term, term[0].swapcase() + term[1:], term.lower(), term.capitalize()}
    return tickets.filter(
        reduce(or_, (Q(title__istartswith=spelling) for spelling in sorted(spellings)))
    )
