"""When a ticket has to be answered and solved, and when its clock stands still.

The times stand on the ticket, so that lists sort and filter by them. `recording` keeps them with
every change, `clocks` tells of them. There are no working hours: a day has 24 of them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import F, Q

from tickets.models import Priority, Target, Ticket, TicketEvent
from tickets.status import DONE, TicketStatus

Kind = TicketEvent.Kind

ANSWER_MINUTES = 60
SOLUTION_HOURS = {Priority.CRITICAL: 2, Priority.HIGH: 12, Priority.MEDIUM: 24, Priority.LOW: 48}
WARN_AT = 0.8  # of the time there is
PAUSING = {TicketStatus.WAITING, *DONE}
FIELDS = (
    "answered_at", "answer_due_at", "answer_warned_at", "answer_breached_at", "solution_due_at",
    "solution_warned_at", "solution_breached_at", "next_due_at", "tell_due_at", "paused_at",
    "paused_for",
)  # fmt: skip


class DueNews(StrEnum):
    """What is told of a due time, and how it stands in the event."""

    ANSWER_SOON = "answer_soon"
    ANSWER_LATE = "answer_late"
    SOLUTION_SOON = "solution_soon"
    SOLUTION_LATE = "solution_late"


@dataclass(frozen=True)
class Clock:
    """One of the two clocks of a ticket, by the names of its fields."""

    name: str
    soon: DueNews
    late: DueNews

    def due_at(self, ticket: Ticket) -> datetime | None:
        found: datetime | None = getattr(ticket, f"{self.name}_due_at")
        return found

    def warn_at(self, ticket: Ticket) -> datetime | None:
        due_at = self.due_at(ticket)
        if due_at is None:
            return None
        return due_at - (1 - WARN_AT) * (due_at - ticket.created_at - ticket.paused_for)

    def is_warned(self, ticket: Ticket) -> bool:
        return getattr(ticket, f"{self.name}_warned_at") is not None

    def is_breached(self, ticket: Ticket) -> bool:
        return getattr(ticket, f"{self.name}_breached_at") is not None

    def breach_if_late(self, ticket: Ticket, now: datetime) -> bool:
        """Keep the moment it was due; False when it is in time or was late before."""
        due_at = self.due_at(ticket)
        if due_at is None or now < due_at or self.is_breached(ticket):
            return False
        setattr(ticket, f"{self.name}_breached_at", due_at)
        setattr(ticket, f"{self.name}_warned_at", now)
        return True

    def warn_if_soon(self, ticket: Ticket, now: datetime) -> bool:
        warn_at = self.warn_at(ticket)
        told = self.is_warned(ticket) or self.is_breached(ticket)
        if told or warn_at is None or now < warn_at:
            return False
        setattr(ticket, f"{self.name}_warned_at", now)
        return True

    def next_told_at(self, ticket: Ticket) -> datetime | None:
        if self.is_breached(ticket):
            return None
        return self.due_at(ticket) if self.is_warned(ticket) else self.warn_at(ticket)


ANSWER = Clock("answer", DueNews.ANSWER_SOON, DueNews.ANSWER_LATE)
SOLUTION = Clock("solution", DueNews.SOLUTION_SOON, DueNews.SOLUTION_LATE)


def running_clocks(ticket: Ticket) -> list[Clock]:
    if ticket.paused_at:
        return []
    return [SOLUTION] if ticket.answered_at else [ANSWER, SOLUTION]


def follow(ticket: Ticket, event: TicketEvent) -> None:
    """Set the ticket's clocks by what happened to it; the caller saves FIELDS."""
    now = event.created_at
    if event.by_agent and event.comment and not event.is_internal and not ticket.answered_at:
        ANSWER.breach_if_late(ticket, now)
        ticket.answered_at = event.comment.created_at
    if event.kind == Kind.STATUS:
        _follow_status(ticket, event, now)
    if event.kind in (Kind.CREATED, Kind.PRIORITY, Kind.PRODUCT):
        set_targets(ticket)
    set_next(ticket)


def _follow_status(ticket: Ticket, event: TicketEvent, now: datetime) -> None:
    is_still, was_still = event.new_value in PAUSING, event.old_value in PAUSING
    if is_still and not was_still:
        for clock in running_clocks(ticket):
            clock.breach_if_late(ticket, now)
        ticket.paused_at = now
    elif was_still and not is_still and ticket.paused_at:
        still_for = max(timedelta(), now - ticket.paused_at)  # the clock may have gone back
        ticket.paused_at = None
        ticket.paused_for += still_for
        for clock in (ANSWER, SOLUTION):
            if due_at := clock.due_at(ticket):
                setattr(ticket, f"{clock.name}_due_at", due_at + still_for)


def keep_solution(ticket: Ticket, event: TicketEvent) -> None:
    """Let a move that solves the ticket, not saved yet, say how long its clock had run.

    Called before `follow` stops it. A solution before it learns that it was not the last.
    """
    if event.kind != Kind.STATUS or event.old_value in DONE or event.new_value not in DONE:
        return
    ran = (ticket.paused_at or event.created_at) - ticket.created_at - ticket.paused_for
    event.solved_in = max(timedelta(), ran).total_seconds()
    earlier = ticket.events.filter(solved_in__isnull=False, solved_again_at=None)
    earlier.update(solved_again_at=event.created_at)


def set_targets(ticket: Ticket) -> None:
    """Compute both due times from the creation; what was told or missed stays so."""
    answer, solution = targets_of(ticket)
    begun = ticket.created_at + ticket.paused_for
    ticket.answer_due_at = begun + answer
    ticket.solution_due_at = begun + solution


def targets_of(ticket: Ticket) -> tuple[timedelta, timedelta]:
    """Time to answer and to solve: the product's own, those for all, or the defaults."""
    hours = SOLUTION_HOURS[Priority(ticket.priority)]
    targets = Target.objects.filter(
        Q(product=ticket.product_id) | Q(product=None), priority=ticket.priority
    )
    own = targets.order_by(F("product").asc(nulls_last=True)).first()
    if own is None:
        return timedelta(minutes=ANSWER_MINUTES), timedelta(hours=hours)
    return timedelta(minutes=own.answer_minutes), timedelta(minutes=own.solution_minutes)


def set_next(ticket: Ticket) -> None:
    clocks = running_clocks(ticket)
    ticket.next_due_at = min(filter(None, (one.due_at(ticket) for one in clocks)), default=None)
    told = (one.next_told_at(ticket) for one in clocks)
    ticket.tell_due_at = min(filter(None, told), default=None)


def due_news(ticket: Ticket, now: datetime) -> DueNews | None:
    """Mark the worst thing that is to be told of a ticket's clocks now, and return it."""
    for clock in running_clocks(ticket):
        if clock.breach_if_late(ticket, now):
            return clock.late
    for clock in running_clocks(ticket):
        if clock.warn_if_soon(ticket, now):
            return clock.soon
    return None
