"""The life of a ticket: opened, answered, assigned, resolved, rated. Every face calls these.

Each locks the ticket, checks, writes the change together with its TicketEvent and the event's
deliveries in one transaction.
"""

from __future__ import annotations  # File[Any] is generic for the type checker only

from collections.abc import Sequence
from datetime import timedelta
from typing import cast

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.quotas import AGENT_CHANGES, CHANGES, use
from config.backoff import CLOCK_SKEW
from tickets.agents import require_assignable
from tickets.attachments import NewFile, stored_contents
from tickets.comments import say
from tickets.forms import Done, Made, Sending, once_even_without_files
from tickets.models import Comment, Face, Priority, Product, Ticket
from tickets.queries import news_to_agents
from tickets.recording import (
    Actor,
    Kind,
    attach,
    change_by,
    clean_body,
    clean_title,
    customer,
    lock,
    one_change,
    record,
    require_agent,
    require_requester,
    require_unmerged,
    set_assignee,
    set_status,
    show_change,
    take_with_answer,
    write_comment,
)
from tickets.refusals import (
    AlreadyDone,
    AnswerMissing,
    FactsChanged,
    NotRateable,
    NotYours,
    ProductUnavailable,
    TicketChanged,
    TooManyTickets,
)
from tickets.status import Role, TicketStatus, TransitionNotAllowed, require_transition
from tickets.text import clean_text

TICKETS_AN_HOUR, TICKETS_AN_HOUR_OF_A_TOKEN = 10, 60
RATING_TIME = timedelta(days=1)  # after closing by oneself
# An agent who leaves the next step to the customer, or none, says why
WORDED = {TicketStatus.WAITING, TicketStatus.RESOLVED, TicketStatus.CLOSED}


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
    actor: Actor | None = None,
    priority: Priority = Priority.MEDIUM,
    assignee: User | None = None,
    token: ApiToken | None = None,
) -> Ticket:
    """Create a ticket, maybe by a program's token; its attachments come in the order of `files`.

    Without an `actor` the requester opens it; with one that agent does, for the requester. What an
    agent takes out of a `parent` stays in its organization: no new colleagues read those words.
    """
    title, description = clean_title(title), clean_body(description)
    source = parent if parent and actor else requester
    actor = actor or customer(requester, face)
    with stored_contents(files) as files, transaction.atomic():
        owner = User.objects.lock(requester.pk)
        if owner is None or not owner.is_active:  # left while this form or chat was open
            raise NotYours
        require_assignable(assignee)
        _count_opening(requester, actor, token)
        if not Product.objects.filter(pk=product.pk, is_active=True).exists():
            raise ProductUnavailable
        ticket = Ticket.objects.create(
            requester=requester,
            organization=source.organization,
            product=product,
            title=title,
            description=description,
            priority=priority,
            assignee=assignee,
            face=face,
            parent=parent,
            opened_with=token,
        )
        attach(ticket, None, files, sender=actor.user)
        record(ticket, Kind.CREATED, actor, new=ticket.status)
        return ticket


def _count_opening(requester: User, actor: Actor, token: ApiToken | None) -> None:
    """Count it for whoever opens the ticket; agents open as many as people call."""
    if actor.role == Role.AGENT and actor.user:
        use(actor.user, AGENT_CHANGES)
        return
    use(requester, CHANGES)
    now = timezone.now()  # tickets of a clock that was ahead keep nobody out
    by_whom = Q(opened_with=token) if token else Q(requester=requester)
    most = TICKETS_AN_HOUR_OF_A_TOKEN if token else TICKETS_AN_HOUR
    hour = (now - timedelta(hours=1), now + CLOCK_SKEW)
    recent = Ticket.objects.filter(by_whom, created_at__range=hour)
    if len(recent.values_list("pk")[:most]) >= most:
        raise TooManyTickets


def open_once(
    *,
    sending: Sending,
    product: Product,
    title: str,
    description: str,
    face: Face,
    parent: Ticket | None = None,
) -> Done:
    """Open the ticket of a form, with the files sent; made: its id, and whether they were kept.

    Where the files cannot be stored the ticket stands without them.
    """

    def open_it(files: Sequence[NewFile]) -> Made:
        ticket = open_ticket(
            requester=sending.user,
            product=product,
            title=title,
            description=description,
            face=face,
            files=files,
            parent=parent,
        )
        return {"ticket": ticket.pk, "files_kept": len(files) == len(sending.files)}

    return once_even_without_files(sending, open_it)


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

    An agent who answers a new ticket that nobody has takes it. Raises AlreadyDone when it is
    there already, TransitionNotAllowed where there is no such way, and AnswerMissing when an
    agent leaves the customer without a word.
    """
    with stored_contents(files) as files, change_by(actor):
        ticket = lock(ticket)
        _move(ticket, to, actor, answer, files)
        return ticket


def _move(
    ticket: Ticket, to: TicketStatus, actor: Actor, answer: str, files: Sequence[NewFile] = ()
) -> Comment | None:
    """The same of a ticket that is locked; returns the words."""
    if actor.role == Role.CUSTOMER:
        require_requester(ticket, actor)
    if ticket.status == to:
        raise AlreadyDone
    require_transition(ticket.status, to, actor.role)
    has_words = bool(clean_text(answer))
    if actor.role == Role.AGENT and to in WORDED and not has_words:
        raise AnswerMissing(to)
    comment = write_comment(ticket, actor, answer, files) if has_words or files else None
    if comment:
        take_with_answer(ticket, actor)
    set_status(ticket, to, actor, comment)
    return comment


@one_change
def return_to_work(
    *, ticket: Ticket, actor: Actor, reason: str, files: Sequence[NewFile] = ()
) -> Ticket:
    """Put a resolved ticket back to work; the reason is needed and becomes its newest comment."""
    clean_body(reason)
    with stored_contents(files) as files, change_by(actor):
        ticket = lock(ticket)
        require_requester(ticket, actor)
        if ticket.status == TicketStatus.IN_PROGRESS:
            raise AlreadyDone
        if ticket.status != TicketStatus.RESOLVED:
            raise TransitionNotAllowed(ticket.status, TicketStatus.IN_PROGRESS)
        _move(ticket, TicketStatus.IN_PROGRESS, actor, reason, files)
        return ticket


@one_change
def close_by_requester(
    *, ticket: Ticket, actor: Actor, score: int | None = None, text: str = ""
) -> Ticket:
    """«Вопрос решён»: close an open ticket, with a score from 1 to 5 if wished.

    The words go with the score, else they are the last comment. Raises AlreadyDone.
    """
    with change_by(actor):
        ticket = lock(ticket)
        require_requester(ticket, actor)
        if ticket.is_closed:
            raise AlreadyDone
        if score is not None:
            return _rate_and_close(ticket, actor, score, text)
        _move(ticket, TicketStatus.CLOSED, actor, text)
        return ticket


@one_change
def rate_ticket(*, ticket: Ticket, actor: Actor, score: int, text: str = "") -> Ticket:
    """Keep the requester's score, 1 to 5, and close a resolved ticket; `text` goes with it.

    One that the requester has closed within RATING_TIME can be rated, too. Raises AlreadyDone
    when it has a score and NotRateable otherwise.
    """
    with change_by(actor):
        ticket = lock(ticket)
        require_requester(ticket, actor)
        if ticket.score is not None:
            raise AlreadyDone
        if not is_rateable(ticket):
            raise NotRateable(ticket.status)
        return _rate_and_close(ticket, actor, score, text)


def _rate_and_close(ticket: Ticket, actor: Actor, score: int, text: str) -> Ticket:
    if score not in range(1, 6):
        raise ValueError(f"score {score} is not 1 to 5")
    ticket.score = score
    record(ticket, Kind.RATED, actor, new=str(score), changed=["score"])
    if not ticket.is_closed:
        set_status(ticket, TicketStatus.CLOSED, actor)
    has_words = bool(clean_text(text))
    return comment_rating(ticket=ticket, actor=actor, text=text) if has_words else ticket


def is_rateable(ticket: Ticket) -> bool:
    """Whether its requester may give a score now: it is resolved, or they have just closed it."""
    if ticket.merged_into_id:
        return False
    if not ticket.is_closed or ticket.score is not None:
        return ticket.status == TicketStatus.RESOLVED
    closing = ticket.events.filter(kind=Kind.STATUS, new_value=TicketStatus.CLOSED).last()
    by_requester = closing is not None and closing.actor_id == ticket.requester_id
    if closing is None or not by_requester or closing.by_agent:
        return False
    return timezone.now() - closing.created_at <= RATING_TIME


@one_change
def comment_rating(*, ticket: Ticket, actor: Actor, text: str) -> Ticket:
    """Keep the requester's words beside the score; the ticket stays closed."""
    text = clean_body(text)
    with change_by(actor):
        ticket = lock(ticket)
        require_requester(ticket, actor)
        if ticket.score is None or ticket.rating_comment:
            raise AlreadyDone
        ticket.rating_comment = text
        show_change(ticket, actor.user, "rating_comment")
        return ticket


@one_change
def set_priority(*, ticket: Ticket, priority: Priority, actor: Actor) -> Ticket:
    with change_by(actor):
        ticket = lock(ticket)
        require_agent(actor)
        require_unmerged(ticket)
        if ticket.priority == priority:
            raise AlreadyDone
        old, ticket.priority = ticket.priority, Priority(priority)
        record(ticket, Kind.PRIORITY, actor, old=old, new=priority, changed=["priority"])
        return ticket


@one_change
def assign_ticket(*, ticket: Ticket, assignee: User | None, actor: Actor) -> Ticket:
    """Raises AlreadyDone and AssigneeCannotServe."""
    with change_by(actor):
        ticket = lock(ticket)
        require_agent(actor)
        require_unmerged(ticket)
        if ticket.assignee_id == (assignee.pk if assignee else None):
            raise AlreadyDone
        set_assignee(ticket, assignee, actor)
        return ticket


@one_change
def work_on_ticket(
    *,
    ticket: Ticket,
    actor: Actor,
    seen: int,
    body: str,
    to: TicketStatus | None = None,
    files: Sequence[NewFile] = (),
    internal: bool = False,
    takes_to_work: bool = True,
) -> Comment:
    """What an agent says on the card, with a status if wished; a note moves nothing.

    `seen` is the last event the agent knew; raises TicketChanged when more has happened since.
    """
    with stored_contents(files) as files, change_by(actor):
        ticket = lock(ticket)
        if news_to_agents(seen, ticket).exists():
            raise TicketChanged
        if to is None or internal:
            return say(ticket, actor, body, files, internal=internal, takes_to_work=takes_to_work)
        return cast(Comment, _move(ticket, to, actor, body, files))  # its statuses need words


@one_change
def change_facts(
    *,
    ticket: Ticket,
    actor: Actor,
    priority: tuple[str, Priority] | None = None,
    assignee: tuple[int | None, User | None] | None = None,
) -> None:
    """Priority and assignee at once, each as it was shown and as it is to be.

    What somebody else has changed since it was shown is not put back: raises FactsChanged.
    """
    with change_by(actor):
        ticket = lock(ticket)
        if priority and priority[1] != ticket.priority:
            if priority[0] != ticket.priority:
                raise FactsChanged
            set_priority(ticket=ticket, priority=priority[1], actor=actor)
        if assignee and assignee[1] != ticket.assignee:
            if assignee[0] != ticket.assignee_id:
                raise FactsChanged
            assign_ticket(ticket=ticket, assignee=assignee[1], actor=actor)


@one_change
def take_from(*, ticket: Ticket, actor: Actor, shown: int | None) -> None:
    """«Взять себе» from whom the card showed; a new ticket goes to work.

    Raises AlreadyDone, and FactsChanged when another has it by now.
    """
    with change_by(actor):
        ticket = lock(ticket)
        now = ticket.assignee_id
        if now != shown and actor.user and now != actor.user.pk:
            raise FactsChanged
        if ticket.status == TicketStatus.NEW:
            take_to_work(ticket=ticket, actor=actor)
        else:
            _assign(ticket, actor)


@one_change
def take_to_work(*, ticket: Ticket, actor: Actor) -> None:
    """Assign a ticket to the agent and start it. Raises AlreadyDone when both are done."""
    done = 0
    with change_by(actor):
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
