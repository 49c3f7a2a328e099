"""A customer's message about something else becomes a ticket of its own; it also stays."""

from __future__ import annotations  # File[Any] is generic for the type checker only

from collections.abc import Sequence

from django.db import transaction

from tickets.attachments import NewFile, StoredContent, stored_contents
from tickets.models import Attachment, Comment, Face, Product, Ticket, TicketLink
from tickets.recording import Actor, Kind, lock_of, one_change, record, require_agent
from tickets.refusals_joining import AlreadySplit, NotSplittable
from tickets.services import open_ticket


def files_of(comment: Comment) -> list[NewFile]:
    """Copies of a comment's files; what is still on its way is fetched once more."""
    rows = comment.attachments.exclude(state=Attachment.State.REFUSED)
    return [
        NewFile(row.name, row.size, row.content_type, source=row.source)
        if row.state == Attachment.State.PENDING
        else NewFile(
            row.name, row.size, row.content_type, content=StoredContent(str(row.file), row.size)
        )
        for row in rows
    ]


def require_splittable(comment: Comment) -> None:
    """Raise NotSplittable or AlreadySplit; asked again under the lock."""
    if comment.split_into_id:
        raise AlreadySplit(comment.split_into_id)
    if comment.is_internal or comment.by_agent or comment.author is None:
        raise NotSplittable


@one_change
def split_comment(
    *,
    comment: Comment,
    product: Product,
    title: str,
    actor: Actor,
    files: Sequence[NewFile] = (),
) -> Ticket:
    """Open a ticket for who wrote a comment, with its words and `files`; both tell of each other.

    The new one is made first: it belongs to nobody else yet, so that locks keep their order.
    """
    require_agent(actor)
    require_splittable(comment)
    author = comment.author
    assert author is not None  # noqa: S101 - required just now
    with stored_contents(files) as files, transaction.atomic():
        ticket = open_ticket(
            requester=author,
            product=product,
            title=title,
            description=comment.body or title,
            face=Face(comment.face),
            files=files,
            parent=comment.ticket,
            actor=actor,
        )
        origin = lock_of(comment)
        comment.refresh_from_db(fields=["split_into"])
        require_splittable(comment)
        comment.split_into = ticket
        comment.save(update_fields=["split_into"])
        TicketLink.objects.create(lower=origin, upper=ticket, made_by=actor.user)
        record(origin, Kind.SPLIT, actor, new=str(ticket.pk))
        record(ticket, Kind.SPLIT, actor, old=str(origin.pk))
        return ticket
