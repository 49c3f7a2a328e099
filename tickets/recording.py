"""What every change of a ticket is made of: who acts, the lock, the row and its event."""

from __future__ import annotations  # File[Any] is generic for the type checker only

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.quotas import AGENT_CHANGES, CHANGES, use
from config.compiled import Compiled
from config.database import retry_once
from tickets import resting
from tickets.agents import require_assignable
from tickets.attachments import BYTES_A_DAY, MAX_FILES, NewFile, stored_contents
from tickets.delivery import notify
from tickets.due import FIELDS, follow, keep_solution
from tickets.models import (
    TEXT_LIMIT,
    TITLE_LIMIT,
    Attachment,
    Comment,
    Face,
    Ticket,
    TicketEvent,
)
from tickets.queries import may_see
from tickets.refusals import (
    NotRequester,
    NotYours,
    TextRequired,
    TextTooLong,
    TicketMerged,
    TooManyFiles,
)
from tickets.status import Role, TicketStatus
from tickets.text import clean_line, clean_text

Kind = TicketEvent.Kind
STAFF_ONLY = {Kind.DUE, Kind.INCIDENT, Kind.LINKED, Kind.SNOOZED}

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


def clean_words(text: str, files: Sequence[NewFile]) -> str:
    """The same of words that files may stand for."""
    return clean_body(text) if clean_text(text) or not files else ""


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


_within_a_change: ContextVar[bool] = ContextVar("_within_a_change", default=False)


@contextmanager
def change_by(actor: Actor) -> Iterator[None]:
    """The transaction of a change, which counts for its person; what it is made of does not.

    Raises TooManyChanges.
    """
    with transaction.atomic():
        if actor.user and not _within_a_change.get():
            use(actor.user, AGENT_CHANGES if actor.role == Role.AGENT else CHANGES)
        outer = _within_a_change.set(True)
        try:
            yield
        finally:
            _within_a_change.reset(outer)


def lock(ticket: Ticket) -> Ticket:
    """The row as it is now, nobody else's until the transaction ends.

    Locks are taken in one order: the person, what they have used, the ticket, what belongs to it.
    `no_key`: rows that only refer to the ticket, such as a follow-up, can still be written.
    """
    found = LOCKED.first(ticket.pk)
    if found is None:
        raise Ticket.DoesNotExist
    return found


def _locked(number: int) -> QuerySet[Ticket]:
    rows = Ticket.objects.select_for_update(of=("self",), no_key=True)
    related = rows.select_related("requester", "organization", "product", "assignee")
    return related.filter(pk=number).order_by()


LOCKED = Compiled(_locked, int)


def lock_of(comment: Comment) -> Ticket:
    """The ticket of a comment, locked, though a merge may just have moved the comment there."""

    def where_it_is_now(ticket: Ticket) -> int:
        comment.refresh_from_db(fields=["ticket"])
        return comment.ticket_id

    return _lock_alone(comment.ticket_id, where_it_is_now)


def lock_led(ticket: Ticket) -> Ticket:
    """The same as `lock`, of the ticket that a merged one leads to."""
    return _lock_alone(ticket.pk, lambda ticket: ticket.merged_into_id or ticket.pk)


def _lock_alone(number: int, right_one: Callable[[Ticket], int]) -> Ticket:
    """Lock the ticket that `right_one` names under the lock, and leave those before it free.

    Who kept one and waited for another would stop a merge that has the other and waits for this.
    """
    while True:
        point = transaction.savepoint()
        ticket = lock(Ticket(pk=number))
        number = right_one(ticket)
        if number == ticket.pk:
            transaction.savepoint_commit(point)
            return ticket
        transaction.savepoint_rollback(point)  # takes the lock back, nothing was written


def require_requester(ticket: Ticket, actor: Actor) -> None:
    if actor.user is None or actor.user.pk != ticket.requester_id:
        raise NotRequester


def require_sight(ticket: Ticket, user: User | None) -> None:
    """Only the requester, and a colleague who may see the ticket now: asked under the lock."""
    if user is None or (user.pk != ticket.requester_id and not may_see(user, ticket)):
        raise NotYours


def require_unmerged(ticket: Ticket) -> None:
    """What is said or done now belongs to the ticket that a merged one leads to."""
    if ticket.merged_into_id:
        raise TicketMerged(ticket.pk, ticket.merged_into_id)


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
        body=clean_words(body, files),
        face=actor.face,
    )
    attach(ticket, comment, files)
    return comment


def attach(
    ticket: Ticket,
    comment: Comment | None,
    files: Sequence[NewFile],
    *,
    sender: User | None = None,
) -> None:
    """`sender` brings the files of a description; without one the requester does."""
    if files and ticket.attachments.filter(comment=comment).count() + len(files) > MAX_FILES:
        raise TooManyFiles(MAX_FILES)
    sender = comment.author if comment else sender or ticket.requester
    if sender and (counted := [file.size for file in files if not file.is_shared]):
        use(sender, BYTES_A_DAY, sum(counted))
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


def set_assignee(ticket: Ticket, assignee: User | None, actor: Actor, *, told: bool = True) -> None:
    """Raises AssigneeCannotServe."""
    require_assignable(assignee)
    old, ticket.assignee = ticket.assignee, assignee
    record(
        ticket,
        Kind.ASSIGNED,
        actor,
        old=old.short_name if old else "",
        new=assignee.short_name if assignee else "",
        changed=["assignee"],
        concerned=[old] if old else [],
        told=told,
    )


def take_with_answer(ticket: Ticket, actor: Actor) -> None:
    """Let a new ticket that nobody has belong to the agent who answers it."""
    is_new = actor.role == Role.AGENT and ticket.status == TicketStatus.NEW
    if is_new and ticket.assignee_id is None:
        set_assignee(ticket, actor.user, actor, told=False)  # the answer names its author


def record(
    ticket: Ticket,
    kind: TicketEvent.Kind,
    actor: Actor,
    *,
    old: str = "",
    new: str = "",
    comment: Comment | None = None,
    changed: Sequence[str] = (),
    concerned: Sequence[User] = (),
    told: bool = True,
) -> None:
    """Save the ticket's changed fields, what happened to it and whom to tell: all or nothing.

    `concerned` are the agents whom it is about beside the assignee. What is not `told` is read in
    the next event of the same change.
    """
    event = TicketEvent(
        ticket=ticket,
        kind=kind,
        actor=actor.user,
        by_agent=actor.role == Role.AGENT,
        face=actor.face,
        old_value=old,
        new_value=new,
        comment=comment,
        is_internal=kind in STAFF_ONLY or bool(comment and comment.is_internal),
    )
    keep_solution(ticket, event)
    event.save()
    ticket.updated_at = event.created_at
    seen = [] if event.is_internal else _show(ticket, event)
    if event.actor or not event.is_internal:  # what a clock notes is no news to agents
        seen += _show_agents(ticket, event)
    follow(ticket, event)
    woken = resting.follow(ticket, event)
    ticket.save(update_fields=[*changed, "updated_at", *seen, *woken, *FIELDS])
    notify(event, concerned, programs_only=not told)


def _show(ticket: Ticket, event: TicketEvent) -> list[str]:
    """Let customers' lists show what happened; returns the fields set."""
    ticket.changed_at, ticket.changed_by = event.created_at, event.actor
    ticket.version = event.pk
    fields = ["changed_at", "changed_by", "version"]
    if event.kind == Kind.CREATED or (event.comment and event.kind != Kind.EDITED):
        ticket.last_word_at, ticket.last_word_by = event.created_at, event.actor
        ticket.last_word_by_agent = event.by_agent
        fields += ["last_word_at", "last_word_by", "last_word_by_agent"]
    return fields


def _show_agents(ticket: Ticket, event: TicketEvent) -> list[str]:
    """Let the desk mark what each agent has not seen of others; returns the fields set."""
    if ticket.desk_changed_by_id != event.actor_id:
        ticket.desk_version_before = ticket.desk_version
    ticket.desk_version, ticket.desk_changed_by = event.pk, event.actor
    return ["desk_version", "desk_changed_by", "desk_version_before"]


def show_change(ticket: Ticket, actor: User | None, *fields: str) -> None:
    """Save fields whose change customers see but that is no event of its own."""
    ticket.changed_at, ticket.changed_by = timezone.now(), actor
    ticket.save(update_fields=[*fields, "changed_at", "changed_by"])
