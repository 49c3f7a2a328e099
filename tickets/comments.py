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
    record,
    require_agent,
    set_status,
    write_comment,
)
from tickets.refusals import NotYours, TicketClosed, TooLate
from tickets.status import Role, TicketStatus
from tickets.text import clean_text, cut

logger = logging.getLogger(__name__)

DOUBLE_PRESS = timedelta(seconds=30)  # the same words again so soon are one comment
CORRECTION_TIME = timedelta(minutes=15)  # in which an edited message corrects its comment


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


def add_files(*, ticket: Ticket, files: Sequence[NewFile]) -> None:
    """Let further files of the message a ticket was made from join its description."""
    with stored_contents(files) as files, transaction.atomic():
        attach(lock(ticket), None, files)


def extend_comment(*, comment: Comment, body: str, files: Sequence[NewFile]) -> None:
    """Let a further part of what a person sent at once join its comment: text and files."""
    with stored_contents(files) as files, transaction.atomic():
        ticket = lock(comment.ticket)
        comment.refresh_from_db(fields=["body"])
        if part := clean_text(body):
            comment.body = clean_body(f"{comment.body}\n{part}")
            comment.save(update_fields=["body"])
        attach(ticket, comment, files)


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


def say_once(*, ticket: Ticket, actor: Actor, body: str, files: Sequence[NewFile] = ()) -> bool:
    """Add a comment, unless the person has just said the same: a button pressed twice.

    False when the files could not be stored and only the text was kept. Raises OSError when
    there is no text to keep.
    """
    try:
        _say_once(ticket, actor, body, files)
    except OSError:
        if not body:
            raise
        logger.exception("files of a comment on ticket %s could not be stored", ticket.pk)
        _say_once(ticket, actor, body, ())
        return False
    return True


def _say_once(ticket: Ticket, actor: Actor, body: str, files: Sequence[NewFile]) -> None:
    with stored_contents(files) as files, transaction.atomic():
        ticket = lock(ticket)
        if not was_just_said(ticket=ticket, actor=actor, body=body, files=files):
            add_comment(ticket=ticket, actor=actor, body=body, files=files)


def was_just_said(
    *, ticket: Ticket, actor: Actor, body: str, files: Sequence[NewFile] = ()
) -> bool:
    last = ticket.comments.public().order_by("-pk").first()
    return bool(
        last
        and actor.user
        and last.author_id == actor.user.pk
        and last.body == body
        and last.created_at > timezone.now() - DOUBLE_PRESS
        and sorted(last.attachments.values_list("size", flat=True))
        == sorted(file.size for file in files)
    )
