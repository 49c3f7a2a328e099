"""Comments of a ticket: added, continued, corrected.

With `services` and `clocks` the only writer of tickets.
"""

from __future__ import annotations  # File[Any] is generic for the type checker only

import logging
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from tickets.attachments import NewFile, stored_contents
from tickets.forms import Done, Made, Sending, once
from tickets.models import (
    Comment,
    Ticket,
)
from tickets.recording import (
    Actor,
    Kind,
    attach,
    clean_body,
    lock,
    one_change,
    record,
    require_agent,
    set_status,
    write_comment,
)
from tickets.refusals import NotYours, TicketClosed, TooLate
from tickets.status import Role, TicketStatus
from tickets.text import clean_text, cut

logger = logging.getLogger(__name__)

CORRECTION_TIME = timedelta(minutes=15)  # in which an edited message corrects its comment


@one_change
def add_comment(
    *,
    ticket: Ticket,
    actor: Actor,
    body: str,
    files: Sequence[NewFile] = (),
    internal: bool = False,
) -> Comment:
    """Add a public comment or an agent's internal note; text or files are needed.

    A customer's comment takes a waiting ticket back to work. Raises TicketClosed.
    """
    if internal:
        require_agent(actor)
    with stored_contents(files) as files, transaction.atomic():
        ticket = lock(ticket)
        if ticket.is_closed and not internal:
            raise TicketClosed
        comment = write_comment(ticket, actor, body, files, internal=internal)
        if actor.role == Role.CUSTOMER:
            ticket.reminded_at = None  # who answers is not silent: the time to close starts anew
        kind = Kind.NOTED if internal else Kind.COMMENTED
        record(ticket, kind, actor, comment=comment, changed=["reminded_at"])
        if actor.role == Role.CUSTOMER and ticket.status == TicketStatus.WAITING:
            set_status(ticket, TicketStatus.IN_PROGRESS, actor)
        return comment


@one_change
def extend_description(*, ticket: Ticket, body: str, files: Sequence[NewFile]) -> None:
    """Let a further part of what a ticket was made from join its description: text and files."""
    with stored_contents(files) as files, transaction.atomic():
        ticket = lock(ticket)
        if part := clean_text(body):
            ticket.description = clean_body(f"{ticket.description}\n{part}")
            ticket.save(update_fields=["description"])
        attach(ticket, None, files)


@one_change
def extend_comment(*, comment: Comment, body: str, files: Sequence[NewFile]) -> None:
    """Let a further part of what a person sent at once join its comment: text and files."""
    with stored_contents(files) as files, transaction.atomic():
        ticket = lock(comment.ticket)
        comment.refresh_from_db(fields=["body"])
        if part := clean_text(body):
            comment.body = clean_body(f"{comment.body}\n{part}")
            comment.save(update_fields=["body"])
        attach(ticket, comment, files)


@one_change
def correct_comment(*, comment: Comment, actor: Actor, old: str, new: str) -> None:
    """Put the corrected part of a message in the place of the old one in its author's comment.

    Raises TooLate when CORRECTION_TIME has passed and TicketClosed.
    """
    old, new = clean_text(old), clean_body(new)
    with transaction.atomic():
        ticket = lock(comment.ticket)
        comment.refresh_from_db(fields=["body", "created_at"])
        if ticket.is_closed:
            raise TicketClosed
        if actor.user is None or comment.author_id != actor.user.pk:
            raise NotYours
        if timezone.now() - comment.created_at > CORRECTION_TIME:
            raise TooLate
        before = comment.body
        comment.body = clean_body(_with_correction(comment.body, old, new))
        comment.edited_at = timezone.now()
        comment.save(update_fields=["body", "edited_at"])
        record(ticket, Kind.EDITED, actor, old=cut(before, 200), comment=comment)


def _with_correction(body: str, old: str, new: str) -> str:
    """The body with the old lines replaced; when they are not in it, the new ones are added."""
    lines, place = f"\n{body}\n", f"\n{old}\n"
    if old and place in lines:
        return lines.replace(place, f"\n{new}\n", 1)
    return f"{body}\n{new}"


def say_once(*, sending: Sending, ticket: Ticket, actor: Actor, body: str) -> Done:
    """Add the comment of a form, with the files sent; made: its id, and whether they were kept.

    Where the files cannot be stored the text stands alone; without a text that is an OSError.
    """

    def say(files: Sequence[NewFile]) -> Made:
        comment = add_comment(ticket=ticket, actor=actor, body=body, files=files)
        return {"comment": comment.pk, "files_kept": len(files) == len(sending.files)}

    try:
        return once(sending, say)
    except OSError:
        if not body:
            raise
        logger.exception("files of a comment on ticket %s could not be stored", ticket.pk)
        return once(sending, say, with_files=False)
