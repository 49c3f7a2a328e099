"""Comments of a ticket: added, continued, corrected."""

from __future__ import annotations  # File[Any] is generic for the type checker only

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from tickets.attachments import NewFile, stored_contents
from tickets.forms import Done, Made, Sending, once, once_even_without_files
from tickets.mentions import called_in
from tickets.models import (
    Comment,
    Face,
    Ticket,
)
from tickets.recording import (
    Actor,
    Kind,
    attach,
    change_by,
    clean_body,
    customer,
    lock,
    lock_led,
    lock_of,
    one_change,
    record,
    require_agent,
    require_sight,
    require_unmerged,
    set_status,
    show_change,
    take_with_answer,
    write_comment,
)
from tickets.refusals import NotYours, TicketClosed, TooLate
from tickets.status import Role, TicketStatus
from tickets.text import clean_text, cut

CORRECTION_TIME = timedelta(minutes=15)  # in which an edited message corrects its comment


@one_change
def add_comment(
    *,
    ticket: Ticket,
    actor: Actor,
    body: str,
    files: Sequence[NewFile] = (),
    internal: bool = False,
    takes_to_work: bool = True,
) -> Comment:
    """Add a public comment or an agent's internal note; text or files are needed.

    An agent's answer to a new ticket takes it to work, and to that agent while nobody has it,
    unless not `takes_to_work`. A customer's comment, a colleague's too, takes a waiting ticket
    back to work, and goes to the ticket that a merged one leads to. Raises TicketClosed, and
    NotYours for who may not see the ticket any more.
    """
    with stored_contents(files) as files, change_by(actor):
        ticket = lock_led(ticket) if actor.role == Role.CUSTOMER else lock(ticket)
        return say(ticket, actor, body, files, internal=internal, takes_to_work=takes_to_work)


def say(
    ticket: Ticket,
    actor: Actor,
    body: str,
    files: Sequence[NewFile],
    *,
    internal: bool,
    takes_to_work: bool,
) -> Comment:
    """The same of a ticket that is locked."""
    if internal:
        require_agent(actor)
    if actor.role == Role.CUSTOMER:
        require_sight(ticket, actor.user)
    require_unmerged(ticket)
    if ticket.is_closed and not internal:
        raise TicketClosed
    comment = write_comment(ticket, actor, body, files, internal=internal)
    is_answer = actor.role == Role.AGENT and not internal
    if is_answer and takes_to_work and ticket.status == TicketStatus.NEW:
        take_with_answer(ticket, actor)
        set_status(ticket, TicketStatus.IN_PROGRESS, actor, comment)  # told as one
        return comment
    if actor.role == Role.CUSTOMER:
        ticket.reminded_at = None  # who answers is not silent: the time to close starts anew
    kind = Kind.NOTED if internal else Kind.COMMENTED
    concerned = called_in(comment.body) if internal else []
    changed = ["reminded_at"]
    record(ticket, kind, actor, comment=comment, changed=changed, concerned=concerned)
    if actor.role == Role.CUSTOMER and ticket.status == TicketStatus.WAITING:
        set_status(ticket, TicketStatus.IN_PROGRESS, actor)
    return comment


@one_change
def extend_description(*, ticket: Ticket, body: str, files: Sequence[NewFile]) -> None:
    """Let a further part of what a ticket was made from join its description: text and files."""
    with stored_contents(files) as files, transaction.atomic():
        ticket = lock(ticket)
        if ticket.merged_into_id:
            sender = customer(ticket.requester, Face(ticket.face))
            add_comment(ticket=ticket, actor=sender, body=body, files=files)
            return
        if part := clean_text(body):
            ticket.description = clean_body(f"{ticket.description}\n{part}")
        show_change(ticket, ticket.requester, "description")
        attach(ticket, None, files)


@one_change
def extend_comment(*, comment: Comment, body: str, files: Sequence[NewFile]) -> None:
    """Let a further part of what a person sent at once join its comment: text and files.

    Raises NotYours for who may not see the ticket any more.
    """
    with stored_contents(files) as files, transaction.atomic():
        ticket = lock_of(comment)
        if not comment.by_agent:
            require_sight(ticket, comment.author)
        comment.refresh_from_db(fields=["body"])
        if part := clean_text(body):
            comment.body = clean_body(f"{comment.body}\n{part}")
            comment.save(update_fields=["body"])
        show_change(ticket, comment.author)
        attach(ticket, comment, files)


@one_change
def correct_comment(*, comment: Comment, actor: Actor, old: str, new: str) -> None:
    """Put the corrected part of a message in the place of the old one in its author's comment.

    Raises TooLate when CORRECTION_TIME has passed and TicketClosed.
    """
    old, new = clean_text(old), clean_body(new)
    with change_by(actor):
        ticket = lock_of(comment)
        comment.refresh_from_db(fields=["body", "created_at"])
        if ticket.is_closed:
            raise TicketClosed
        if actor.user is None or comment.author_id != actor.user.pk:
            raise NotYours
        if actor.role == Role.CUSTOMER:
            require_sight(ticket, actor.user)
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

    return once_even_without_files(sending, say) if body else once(sending, say)
