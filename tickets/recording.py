"""What every change of a ticket is made of: who acts, the lock, the row and its event."""

from __future__ import annotations  # File[Any] is generic for the type checker only

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from django.utils import timezone

from accounts.models import User
from config.database import retry_once
from tickets.attachments import MAX_FILES, NewFile, stored_contents
from tickets.delivery import notify
from tickets.models import (
    TEXT_LIMIT,
    TITLE_LIMIT,
    Attachment,
    Comment,
    Face,
    Ticket,
    TicketEvent,
)
from tickets.refusals import NotYours, TextRequired, TextTooLong, TooManyFiles
from tickets.status import Role, TicketStatus
from tickets.text import clean_line, clean_text

Kind = TicketEvent.Kind

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Actor:
    role: Role
    face: Face
    user: User | None = None


SYSTEM = Actor(Role.SYSTEM, Face.SYSTEM)


def customer(user: User, face: Face) -> Actor:
    return Actor(Role.CUSTOMER, face, user)


def agent(user: User, face: Face = Face.ADMIN) -> Actor:
    return Actor(Role.AGENT, face, user)


def clean_title(text: str) -> str:
    """The title as it will be kept. Raises TextRequired or TextTooLong."""
    return _require_length(clean_line(text), TITLE_LIMIT)


def clean_body(text: str) -> str:
    """A description, comment or reason as it will be kept. Raises TextRequired or TextTooLong."""
    return _require_length(clean_text(text), TEXT_LIMIT)


def _require_length(text: str, limit: int) -> str:
    if not text:
        raise TextRequired
    if len(text) > limit:
        raise TextTooLong(len(text), limit)
    return text


def one_change(change: Callable[P, T]) -> Callable[P, T]:
    """A service that is one transaction: tried once more when the database has undone it.

    Its files are stored before, once for both tries.
    """

    @wraps(change)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        files = cast(Sequence[NewFile], kwargs.get("files", ()))
        if not files:
            return retry_once(change, *args, **kwargs)
        with stored_contents(files) as stored:
            kwargs["files"] = stored
            return retry_once(change, *args, **kwargs)

    return wrapper


def lock(ticket: Ticket) -> Ticket:
    """The row as it is now, nobody else's until the transaction ends.

    Locks are taken in one order: the person, the ticket, what belongs to it. `no_key`: rows that
    only refer to the ticket, such as a follow-up, can still be written.
    """
    return (
        Ticket.objects.select_for_update(of=("self",), no_key=True)
        .select_related("requester", "organization", "product", "assignee")
        .get(pk=ticket.pk)
    )


def require_requester(ticket: Ticket, actor: Actor) -> None:
    if actor.user is None or actor.user.pk != ticket.requester_id:
        raise NotYours


def require_agent(actor: Actor) -> None:
    if actor.role != Role.AGENT:
        raise NotYours


def write_comment(
    ticket: Ticket,
    actor: Actor,
    body: str,
    files: Sequence[NewFile],
    *,
    internal: bool = False,
) -> Comment:
    comment = Comment.objects.create(
        ticket=ticket,
        author=actor.user,
        by_agent=actor.role == Role.AGENT,
        is_internal=internal,
        body=clean_text(body) if files and not clean_text(body) else clean_body(body),
        face=actor.face,
    )
    attach(ticket, comment, files)
    return comment


def attach(ticket: Ticket, comment: Comment | None, files: Sequence[NewFile]) -> None:
    if files and ticket.attachments.filter(comment=comment).count() + len(files) > MAX_FILES:
        raise TooManyFiles(MAX_FILES)
    for file in files:  # one by one: bulk_create does not promise the order of ids
        Attachment.objects.create(
            ticket=ticket,
            comment=comment,
            name=file.name,
            size=file.size,
            content_type=file.content_type[:100],
            file=file.stored,
            source=file.source,
            state=Attachment.State.READY if file.stored else Attachment.State.PENDING,
        )


def set_status(
    ticket: Ticket, to: TicketStatus, actor: Actor, comment: Comment | None = None
) -> None:
    now = timezone.now()
    old, ticket.status = ticket.status, to
    if to == TicketStatus.RESOLVED:
        ticket.resolved_at, ticket.reminded_at = now, None
    if to == TicketStatus.CLOSED:
        ticket.closed_at = now
    changed = ["status", "resolved_at", "reminded_at", "closed_at"]
    record(ticket, Kind.STATUS, actor, old=old, new=to, comment=comment, changed=changed)


def record(
    ticket: Ticket,
    kind: TicketEvent.Kind,
    actor: Actor,
    *,
    old: str = "",
    new: str = "",
    comment: Comment | None = None,
    changed: Sequence[str] = (),
) -> None:
    """Save the ticket's changed fields, what happened to it and whom to tell: all or nothing."""
    event = TicketEvent.objects.create(
        ticket=ticket,
        kind=kind,
        actor=actor.user,
        by_agent=actor.role == Role.AGENT,
        face=actor.face,
        old_value=old,
        new_value=new,
        comment=comment,
        is_internal=bool(comment and comment.is_internal),
    )
    ticket.updated_at = event.created_at
    ticket.save(update_fields=[*changed, "updated_at"])
    notify(event)
