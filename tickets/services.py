"""The only writer of tickets, together with `comments` and `clocks`. Every face calls these.

Each locks the ticket, checks, writes the change together with its TicketEvent and the event's
deliveries in one transaction.
"""

from __future__ import annotations  # File[Any] is generic for the type checker only

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from tickets.attachments import NewFile, stored_contents
from tickets.comments import add_comment
from tickets.models import (
    Face,
    Priority,
    Product,
    Ticket,
)
from tickets.recording import (
    Actor,
    Kind,
    attach,
    clean_body,
    clean_title,
    customer,
    lock,
    one_change,
    record,
    require_agent,
    require_requester,
    set_status,
    write_comment,
)
from tickets.refusals import (
    AlreadyDone,
    AnswerMissing,
    ProductUnavailable,
    TicketChanged,
    TooManyTickets,
)
from tickets.status import (
    Role,
    TicketStatus,
    TransitionNotAllowed,
    require_transition,
)
from tickets.text import clean_text

TICKETS_AN_HOUR = 10


@one_change
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
        User.objects.select_for_update(no_key=True).filter(pk=requester.pk).first()
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
        attach(ticket, None, files)
        record(ticket, Kind.CREATED, customer(requester, face), new=ticket.status)
        return ticket


@one_change
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
        ticket = lock(ticket)
        if actor.role == Role.CUSTOMER:
            require_requester(ticket, actor)
        if ticket.status == to:
            raise AlreadyDone
        require_transition(ticket.status, to, actor.role)
        has_answer = bool(clean_text(answer) or files)
        comment = write_comment(ticket, actor, answer, files) if has_answer else None
        set_status(ticket, to, actor, comment)
        return ticket


@one_change
def return_to_work(
    *, ticket: Ticket, actor: Actor, reason: str, files: Sequence[NewFile] = ()
) -> Ticket:
    """Put a resolved ticket back to work; the reason is needed and becomes its newest comment."""
    clean_body(reason)
    with stored_contents(files) as files, transaction.atomic():
        ticket = lock(ticket)
        require_requester(ticket, actor)
        if ticket.status == TicketStatus.IN_PROGRESS:
            raise AlreadyDone
        if ticket.status != TicketStatus.RESOLVED:
            raise TransitionNotAllowed(ticket.status, TicketStatus.IN_PROGRESS)
        return change_status(
            ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=actor, answer=reason, files=files
        )


@one_change
def rate_ticket(*, ticket: Ticket, actor: Actor, score: int, text: str = "") -> Ticket:
    """Keep the requester's score, 1 to 5, of a resolved ticket and close it; `text` goes with it.

    Raises AlreadyDone when it has one.
    """
    if score not in range(1, 6):
        raise ValueError(f"score {score} is not 1 to 5")
    with transaction.atomic():
        ticket = lock(ticket)
        require_requester(ticket, actor)
        if ticket.score is not None:
            raise AlreadyDone
        require_transition(ticket.status, TicketStatus.CLOSED, actor.role)
        ticket.score = score
        record(ticket, Kind.RATED, actor, new=str(score), changed=["score"])
        set_status(ticket, TicketStatus.CLOSED, actor)
        return comment_rating(ticket=ticket, actor=actor, text=text) if text else ticket


@one_change
def comment_rating(*, ticket: Ticket, actor: Actor, text: str) -> Ticket:
    """Keep the requester's words beside the score; the ticket stays closed."""
    text = clean_body(text)
    with transaction.atomic():
        ticket = lock(ticket)
        require_requester(ticket, actor)
        if ticket.score is None or ticket.rating_comment:
            raise AlreadyDone
        ticket.rating_comment = text
        ticket.save(update_fields=["rating_comment"])
        return ticket


@one_change
def set_priority(*, ticket: Ticket, priority: Priority, actor: Actor) -> Ticket:
    with transaction.atomic():
        ticket = lock(ticket)
        require_agent(actor)
        if ticket.priority == priority:
            raise AlreadyDone
        old, ticket.priority = ticket.priority, Priority(priority)
        record(ticket, Kind.PRIORITY, actor, old=old, new=priority, changed=["priority"])
        return ticket


@one_change
def assign_ticket(*, ticket: Ticket, assignee: User | None, actor: Actor) -> Ticket:
    if assignee and not (assignee.is_staff and assignee.is_active):
        raise ValueError("an assignee is an active agent")
    with transaction.atomic():
        ticket = lock(ticket)
        require_agent(actor)
        if ticket.assignee_id == (assignee.pk if assignee else None):
            raise AlreadyDone
        old, ticket.assignee = ticket.assignee, assignee
        record(
            ticket,
            Kind.ASSIGNED,
            actor,
            old=old.short_name if old else "",
            new=assignee.short_name if assignee else "",
            changed=["assignee"],
        )
        return ticket


@one_change
def work_on_ticket(
    *,
    ticket: Ticket,
    actor: Actor,
    seen: int,
    to: TicketStatus,
    priority: Priority | None = None,
    assignee: User | None = None,
    reassigns: bool = False,
    body: str = "",
    files: Sequence[NewFile] = (),
    internal: bool = False,
    may_be_silent: bool = False,
) -> None:
    """All that an agent does to a ticket in one go, or nothing of it.

    `seen` is the last event the agent knew; raises TicketChanged when more has happened since.
    Without a `priority` it stays; `assignee` counts only with `reassigns`. Raises AnswerMissing
    when a ticket is resolved without a public answer, unless `may_be_silent`.
    """
    with stored_contents(files) as files, transaction.atomic():
        ticket = lock(ticket)
        if ticket.events.values_list("pk", flat=True).last() != seen:
            raise TicketChanged
        if priority not in (None, ticket.priority):
            set_priority(ticket=ticket, priority=Priority(priority), actor=actor)
        if reassigns and assignee != ticket.assignee:
            assign_ticket(ticket=ticket, assignee=assignee, actor=actor)
        moves = to != ticket.status
        is_told = bool(body) and not internal
        if moves and to == TicketStatus.RESOLVED and not (is_told or may_be_silent):
            raise AnswerMissing
        if (body or files) and (internal or not moves):
            add_comment(ticket=ticket, actor=actor, body=body, files=files, internal=internal)
            body, files = "", []
        if moves:
            change_status(ticket=ticket, to=to, actor=actor, answer=body, files=files)


@one_change
def take_to_work(*, ticket: Ticket, actor: Actor) -> None:
    """Assign a ticket to the agent and start it. Raises AlreadyDone when both are done."""
    done = 0
    with transaction.atomic():
        for change in (_start, _assign):
            try:
                change(ticket, actor)
                done += 1
            except AlreadyDone:
                continue
        if not done:
            raise AlreadyDone


def _start(ticket: Ticket, actor: Actor) -> None:
    change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=actor)


def _assign(ticket: Ticket, actor: Actor) -> None:
    assign_ticket(ticket=ticket, assignee=actor.user, actor=actor)
