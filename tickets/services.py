"""The only writer of tickets: status, score, comments, files. Every face calls these functions.

Each locks the ticket, checks, writes the change together with its TicketEvent and the event's
deliveries in one transaction.
"""

from __future__ import annotations  # File[Any] is generic for the type checker only

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from tickets.attachments import MAX_FILES, NewFile, stored_contents
from tickets.delivery import notify
from tickets.models import (
    TITLE_LIMIT,
    Attachment,
    Comment,
    Face,
    Priority,
    Product,
    Ticket,
    TicketEvent,
)
from tickets.status import Role, TicketStatus, TransitionNotAllowed, require_transition
from tickets.text import clean_line, clean_text, cut, plural

TEXT_LIMIT = 20_000  # characters of a description or a comment
TICKETS_AN_HOUR = 10
CORRECTION_TIME = timedelta(minutes=15)  # in which an edited message corrects its comment
REMINDER_AHEAD = timedelta(days=2)  # before a resolved ticket closes by itself
Kind = TicketEvent.Kind


class TicketRefused(Exception):
    """A change that the rules do not allow; subclasses name the reason."""


class TextRequired(TicketRefused):
    """Nothing readable was given where something is needed."""


class TextTooLong(TicketRefused):
    def __init__(self, length: int, limit: int) -> None:
        self.length, self.limit = length, limit

    def __str__(self) -> str:
        """In words for the person."""
        symbols = plural(self.length, "символ", "символа", "символов")
        return _("В тексте %(length)s %(symbols)s, нужно не больше %(limit)s.") % {
            "length": self.length,
            "symbols": symbols,
            "limit": self.limit,
        }


class TooManyFiles(TicketRefused):
    pass


class TooManyTickets(TicketRefused):
    """The requester opened TICKETS_AN_HOUR tickets within the last hour."""


class ProductUnavailable(TicketRefused):
    pass


class TicketClosed(TicketRefused):
    pass


class TooLate(TicketRefused):
    """The time for this change has passed."""


class AlreadyDone(TicketRefused):
    """The ticket is already as asked for: a doubled or stale press."""


class NotYours(TicketRefused):
    """Only the requester may do this."""


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


def open_ticket(
    *,
    requester: User,
    product: Product,
    title: str,
    description: str,
    face: Face,
    files: Sequence[NewFile] = (),
    parent: Ticket | None = None,
) -> Ticket:
    """Create a ticket; its attachments come in the order of `files`."""
    title, description = clean_title(title), clean_body(description)
    with stored_contents(files) as files, transaction.atomic():
        User.objects.select_for_update().filter(pk=requester.pk).first()
        if not Product.objects.filter(pk=product.pk, is_active=True).exists():
            raise ProductUnavailable
        hour_ago = timezone.now() - timedelta(hours=1)
        recent = Ticket.objects.filter(requester=requester, created_at__gt=hour_ago)
        if len(recent.values_list("pk")[:TICKETS_AN_HOUR]) >= TICKETS_AN_HOUR:
            raise TooManyTickets
        ticket = Ticket.objects.create(
            requester=requester,
            organization=requester.organization,
            product=product,
            title=title,
            description=description,
            face=face,
            parent=parent,
        )
        _attach(ticket, None, files)
        _record(ticket, Kind.CREATED, customer(requester, face), new=ticket.status)
        return ticket


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
        _require_agent(actor)
    with stored_contents(files) as files, transaction.atomic():
        ticket = _lock(ticket)
        if ticket.is_closed and not internal:
            raise TicketClosed
        comment = _write_comment(ticket, actor, body, files, internal=internal)
        if actor.role == Role.CUSTOMER:
            ticket.reminded_at = None  # who answers is not silent: the time to close starts anew
        kind = Kind.NOTED if internal else Kind.COMMENTED
        _record(ticket, kind, actor, comment=comment, changed=["reminded_at"])
        if actor.role == Role.CUSTOMER and ticket.status == TicketStatus.WAITING:
            _set_status(ticket, TicketStatus.IN_PROGRESS, actor)
        return comment


def add_files(*, ticket: Ticket, files: Sequence[NewFile]) -> None:
    """Let further files of the message a ticket was made from join its description."""
    with stored_contents(files) as files, transaction.atomic():
        _attach(_lock(ticket), None, files)


def extend_comment(*, comment: Comment, body: str, files: Sequence[NewFile]) -> None:
    """Let a further part of what a person sent at once join its comment: text and files."""
    with stored_contents(files) as files, transaction.atomic():
        ticket = _lock(comment.ticket)
        comment.refresh_from_db(fields=["body"])
        if part := clean_text(body):
            comment.body = clean_body(f"{comment.body}\n{part}")
            comment.save(update_fields=["body"])
        _attach(ticket, comment, files)


def correct_comment(*, comment: Comment, actor: Actor, old: str, new: str) -> None:
    """Put the corrected part of a message in the place of the old one in its author's comment.

    Raises TooLate when CORRECTION_TIME has passed and TicketClosed.
    """
    old, new = clean_text(old), clean_body(new)
    with transaction.atomic():
        ticket = _lock(comment.ticket)
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
        _record(ticket, Kind.EDITED, actor, old=cut(before, 200), comment=comment)


def _with_correction(body: str, old: str, new: str) -> str:
    """The body with whole lines replaced; a message that gave none of them adds its own."""
    lines, place = f"\n{body}\n", f"\n{old}\n"
    if old and place in lines:
        return lines.replace(place, f"\n{new}\n", 1)
    return f"{body}\n{new}"


def change_status(
    *,
    ticket: Ticket,
    to: TicketStatus,
    actor: Actor,
    answer: str = "",
    files: Sequence[NewFile] = (),
) -> Ticket:
    """Move a ticket along TRANSITIONS; `answer` is told together with the new status.

    Raises AlreadyDone when it is there already and TransitionNotAllowed otherwise.
    """
    with stored_contents(files) as files, transaction.atomic():
        ticket = _lock(ticket)
        if actor.role == Role.CUSTOMER:
            _require_requester(ticket, actor)
        if ticket.status == to:
            raise AlreadyDone
        require_transition(ticket.status, to, actor.role)
        has_answer = bool(clean_text(answer) or files)
        comment = _write_comment(ticket, actor, answer, files) if has_answer else None
        _set_status(ticket, to, actor, comment)
        return ticket


def return_to_work(
    *, ticket: Ticket, actor: Actor, reason: str, files: Sequence[NewFile] = ()
) -> Ticket:
    """Put a resolved ticket back to work; the reason is needed and becomes its newest comment."""
    clean_body(reason)
    with stored_contents(files) as files, transaction.atomic():
        ticket = _lock(ticket)
        _require_requester(ticket, actor)
        if ticket.status == TicketStatus.IN_PROGRESS:
            raise AlreadyDone
        if ticket.status != TicketStatus.RESOLVED:
            raise TransitionNotAllowed(ticket.status, TicketStatus.IN_PROGRESS)
        return change_status(
            ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=actor, answer=reason, files=files
        )


def rate_ticket(*, ticket: Ticket, actor: Actor, score: int) -> Ticket:
    """Keep the requester's score, 1 to 5, of a resolved ticket and close it.

    Raises AlreadyDone when it has one.
    """
    if score not in range(1, 6):
        raise ValueError(f"score {score} is not 1 to 5")
    with transaction.atomic():
        ticket = _lock(ticket)
        _require_requester(ticket, actor)
        if ticket.score is not None:
            raise AlreadyDone
        require_transition(ticket.status, TicketStatus.CLOSED, actor.role)
        ticket.score = score
        _record(ticket, Kind.RATED, actor, new=str(score), changed=["score"])
        _set_status(ticket, TicketStatus.CLOSED, actor)
        return ticket


def comment_rating(*, ticket: Ticket, actor: Actor, text: str) -> Ticket:
    """Keep the requester's words beside the score; the ticket stays closed."""
    text = clean_body(text)
    with transaction.atomic():
        ticket = _lock(ticket)
        _require_requester(ticket, actor)
        if ticket.score is None or ticket.rating_comment:
            raise AlreadyDone
        ticket.rating_comment = text
        ticket.save(update_fields=["rating_comment"])
        return ticket


def close_silent_tickets(*, limit: int = 100) -> None:
    """Remind of, then close, tickets that stay resolved for TICKET_AUTOCLOSE_DAYS; 0 = never.

    A ticket is closed no sooner than REMINDER_AHEAD after its reminder, also when nothing ran
    for a week. At most `limit` tickets a step and call.
    """
    if not settings.TICKET_AUTOCLOSE_DAYS:
        return
    now = timezone.now()
    lifetime = timedelta(days=settings.TICKET_AUTOCLOSE_DAYS)
    ahead = min(REMINDER_AHEAD, lifetime / 2)
    resolved = Ticket.objects.filter(status=TicketStatus.RESOLVED).order_by("resolved_at")
    since = now - lifetime + ahead
    silent = resolved.filter(reminded_at=None, resolved_at__lte=since, updated_at__lte=since)
    for ticket in silent[:limit]:
        _remind(ticket, ahead)
    reminded = resolved.filter(reminded_at__lte=now - ahead, resolved_at__lte=now - lifetime)
    for ticket in reminded[:limit]:
        _close_silent(ticket)


def _remind(ticket: Ticket, ahead: timedelta) -> None:
    with transaction.atomic():
        ticket = _lock(ticket)
        if ticket.status == TicketStatus.RESOLVED and ticket.reminded_at is None:
            ticket.reminded_at = timezone.now()
            closing = timezone.localtime(ticket.reminded_at + ahead)
            changed = ["reminded_at"]
            _record(ticket, Kind.REMINDED, SYSTEM, new=f"{closing:%d.%m.%Y}", changed=changed)


def _close_silent(ticket: Ticket) -> None:
    """Close a reminded ticket, unless its customer has written or acted since it was chosen."""
    with transaction.atomic():
        if _lock(ticket).reminded_at is None:
            return
        with suppress(AlreadyDone, TransitionNotAllowed):
            change_status(ticket=ticket, to=TicketStatus.CLOSED, actor=SYSTEM)


def set_priority(*, ticket: Ticket, priority: Priority, actor: Actor) -> Ticket:
    with transaction.atomic():
        ticket = _lock(ticket)
        _require_agent(actor)
        if ticket.priority == priority:
            raise AlreadyDone
        old, ticket.priority = ticket.priority, Priority(priority)
        _record(ticket, Kind.PRIORITY, actor, old=old, new=priority, changed=["priority"])
        return ticket


def assign_ticket(*, ticket: Ticket, assignee: User | None, actor: Actor) -> Ticket:
    if assignee and not (assignee.is_staff and assignee.is_active):
        raise ValueError("an assignee is an active agent")
    with transaction.atomic():
        ticket = _lock(ticket)
        _require_agent(actor)
        if ticket.assignee_id == (assignee.pk if assignee else None):
            raise AlreadyDone
        old, ticket.assignee = ticket.assignee, assignee
        _record(
            ticket,
            Kind.ASSIGNED,
            actor,
            old=old.short_name if old else "",
            new=assignee.short_name if assignee else "",
            changed=["assignee"],
        )
        return ticket


def store_file(*, attachment: Attachment, content: File[Any]) -> None:
    """Keep the content of a file announced earlier. Raises FileRefused."""
    announced = NewFile(attachment.name, content.size, content=content)
    with stored_contents([announced]) as [file]:
        attachment.name, attachment.size = file.name, file.size
        attachment.file, attachment.state = file.stored, Attachment.State.READY
        attachment.save(update_fields=["file", "name", "size", "state"])


def refuse_file(*, attachment: Attachment, reason: str) -> None:
    attachment.state = Attachment.State.REFUSED
    attachment.refusal = reason[:300]
    attachment.save(update_fields=["state", "refusal"])


def _lock(ticket: Ticket) -> Ticket:
    return (
        Ticket.objects.select_for_update(of=("self",))
        .select_related("requester", "organization", "product", "assignee")
        .get(pk=ticket.pk)
    )


def _require_requester(ticket: Ticket, actor: Actor) -> None:
    if actor.user is None or actor.user.pk != ticket.requester_id:
        raise NotYours


def _require_agent(actor: Actor) -> None:
    if actor.role != Role.AGENT:
        raise NotYours


def _write_comment(
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
    _attach(ticket, comment, files)
    return comment


def _attach(ticket: Ticket, comment: Comment | None, files: Sequence[NewFile]) -> None:
    if files and ticket.attachments.filter(comment=comment).count() + len(files) > MAX_FILES:
        raise TooManyFiles
    for file in files:  # one by one: bulk_create does not promise the order of ids
        Attachment.objects.create(
            ticket=ticket,
            comment=comment,
            name=file.name,
            size=file.size,
            content_type=file.content_type[:100],
            file=file.stored,
            state=Attachment.State.READY if file.stored else Attachment.State.PENDING,
        )


def _set_status(
    ticket: Ticket, to: TicketStatus, actor: Actor, comment: Comment | None = None
) -> None:
    now = timezone.now()
    old, ticket.status = ticket.status, to
    if to == TicketStatus.RESOLVED:
        ticket.resolved_at, ticket.reminded_at = now, None
    if to == TicketStatus.CLOSED:
        ticket.closed_at = now
    changed = ["status", "resolved_at", "reminded_at", "closed_at"]
    _record(ticket, Kind.STATUS, actor, old=old, new=to, comment=comment, changed=changed)


def _record(
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
    )
    ticket.updated_at = event.created_at
    ticket.save(update_fields=[*changed, "updated_at"])
    notify(event)
