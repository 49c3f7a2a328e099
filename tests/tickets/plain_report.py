"""A random past of tickets, and the figures of a report worked out the slow and plain way."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from statistics import median, quantiles
from typing import Any
from unittest.mock import patch

from django.utils import timezone

from tests.conftest import Clock
from tests.factories import (
    AgentFactory,
    OrganizationFactory,
    ProductFactory,
    UserFactory,
)
from tickets.models import Face, Ticket, TicketEvent
from tickets.recording import agent, customer, set_status
from tickets.reports import Scope
from tickets.status import TRANSITIONS, TicketStatus

DAYS = 90
OPEN = {"new", "in_progress", "waiting"}
RUNNING = {"new", "in_progress"}


@dataclass
class Life:
    """One ticket, and everything that was done to its status."""

    ticket: Ticket
    moves: list[TicketEvent]

    def status_at(self, moment: datetime) -> str:
        status = "new"
        for move in self.moves:
            if move.created_at < moment:
                status = move.new_value
        return status

    def ran_until(self, moment: datetime) -> float:
        """Seconds of work: of every stretch between two moves, if the clock ran in it."""
        times = [self.ticket.created_at, *(move.created_at for move in self.moves), moment]
        states = ["new", *(move.new_value for move in self.moves)]
        stretches = zip(states, times, times[1:], strict=False)
        return sum(
            max(0.0, (min(end, moment) - begin).total_seconds())
            for state, begin, end in stretches
            if state in RUNNING and begin < moment
        )


def invent(rng: Random, number: int, clock: Clock) -> list[Life]:
    """Tickets whose status was changed at other times by what changes it today; none is told."""
    now = timezone.now()
    products = [ProductFactory() for _each in range(3)]
    people = [UserFactory(organization=OrganizationFactory()) for _each in range(3)]
    people.append(UserFactory())
    agents = [AgentFactory() for _each in range(3)]
    with patch("tickets.recording.notify"):
        lives = [_invent_one(rng, now, products, people, agents, clock) for _each in range(number)]
    clock.moved = timedelta()
    for life in rng.sample(lives, number // 20):
        life.ticket.merged_into = lives[0].ticket
        life.ticket.save()
    return lives


def _invent_one(
    rng: Random, now: datetime, products: Any, people: Any, agents: Any, clock: Clock
) -> Life:
    requester = rng.choice(people)
    at = created_at = now - timedelta(days=DAYS) * rng.random()
    ticket = Ticket.objects.create(
        requester=requester, organization=requester.organization, product=rng.choice(products),
        title="x", description="x", face=Face.PORTAL, created_at=created_at,
        assignee=rng.choice([*agents, None]),
    )  # fmt: skip
    for _step in range(rng.randrange(7)):
        # a minute at least: a change of its own takes time, and the clock must not go back
        at += timedelta(minutes=1) + timedelta(hours=60) * rng.random() ** 2
        choices = sorted(TRANSITIONS[TicketStatus(ticket.status)])
        if at > now or not choices:
            break
        clock.advance(seconds=(at - timezone.now()).total_seconds())
        by = agent(rng.choice(agents)) if rng.random() < 0.8 else customer(requester, Face.PORTAL)
        set_status(ticket, TicketStatus(rng.choice(choices)), by)
        if ticket.is_closed and rng.random() < 0.6:
            ticket.score = rng.randint(1, 5)
    _finish(rng, ticket, now)
    return Life(ticket, list(ticket.events.filter(kind="status").order_by("pk")))


def _finish(rng: Random, ticket: Ticket, now: datetime) -> None:
    answered_at = ticket.created_at + timedelta(hours=rng.expovariate(1))
    if rng.random() < 0.8 and answered_at < now:
        ticket.answered_at = answered_at
        if rng.random() < 0.3:
            ticket.answer_breached_at = answered_at - timedelta(minutes=1)
    if rng.random() < 0.3:
        ticket.solution_breached_at = ticket.created_at + timedelta(hours=48 * rng.random())
    ticket.save()


# The figures


def spans(pairs: list[tuple[float, bool]]) -> dict[str, Any]:
    seconds = [span for span, _in_time in pairs]
    many = seconds if len(seconds) > 1 else seconds * 2  # `quantiles` wants two
    return {
        "number": len(seconds),
        "median": median(seconds) if seconds else None,
        "nine_of_ten": quantiles(many, n=10, method="inclusive")[8] if seconds else None,
        "in_time": sum(in_time for _span, in_time in pairs),
    }


def plainly(lives: list[Life], scope: Scope, now: datetime) -> dict[str, Any]:
    """All figures of a report; of products and agents those that have any."""
    chosen = [life for life in lives if _is_chosen(life.ticket, scope)]
    end = min(scope.end, now)
    born = [life for life in chosen if life.ticket.created_at < end]
    by_product = {
        pk: _figures([life for life in chosen if life.ticket.product_id == pk], scope)
        for pk in {life.ticket.product_id for life in chosen}
    }
    solvers = {move.actor_id for life in chosen for move in life.moves if move.by_agent}
    people = solvers | {life.ticket.assignee_id for life in chosen} - {None}
    by_agent = {pk: _figures_of_agent(chosen, scope, pk) for pk in people}
    nothing = _figures([], scope)
    return {
        "total": _figures(chosen, scope),
        "backlog": sum(life.status_at(end) in OPEN for life in born),
        "products": {pk: of_row for pk, of_row in by_product.items() if of_row != nothing},
        "agents": {pk: of_row for pk, of_row in by_agent.items() if of_row != nothing},
    }


def _figures(lives: list[Life], scope: Scope) -> dict[str, Any]:
    solved = [pair for life in lives if (pair := solution_of(life, scope))]
    answered = [life.ticket for life in lives if _within(scope, life.ticket.answered_at)]
    return {
        "created": sum(_within(scope, life.ticket.created_at) for life in lives),
        "reopened": sum(
            _within(scope, move.created_at) and _is_return(move)
            for life in lives
            for move in life.moves
        ),
        "answers": spans(
            [
                ((one.answered_at - one.created_at).total_seconds(), not one.answer_breached_at)
                for one in answered
            ]
        ),
        "solutions": spans(
            [(life.ran_until(move.created_at), is_in_time(life, move)) for life, move in solved]
        ),
        "scores": Counter(
            life.ticket.score
            for life in lives
            if life.ticket.score and _within(scope, life.ticket.closed_at)
        ),
    }


def _figures_of_agent(lives: list[Life], scope: Scope, pk: int) -> dict[str, Any]:
    """Solutions are whose they were; ratings whose the ticket is."""
    solved = [
        life
        for life in lives
        if (pair := solution_of(life, scope)) and pair[1].by_agent and pair[1].actor_id == pk
    ]
    own = [life for life in lives if life.ticket.assignee_id == pk]
    return _figures([], scope) | {
        "solutions": _figures(solved, scope)["solutions"],
        "scores": _figures(own, scope)["scores"],
    }


def _is_chosen(ticket: Ticket, scope: Scope) -> bool:
    return (
        ticket.merged_into is None
        and scope.product in (None, ticket.product_id)
        and scope.agent in (None, ticket.assignee_id)
        and (scope.organizations is None or ticket.organization_id in scope.organizations)
    )


def _within(scope: Scope, moment: datetime | None) -> bool:
    return moment is not None and scope.first <= moment.astimezone(scope.zone).date() <= scope.last


def _is_return(move: TicketEvent) -> bool:
    return move.old_value not in OPEN and move.new_value in OPEN


def returns_of(life: Life, scope: Scope) -> int:
    return sum(_is_return(move) and move.created_at < scope.end for move in life.moves)


def solution_of(life: Life, scope: Scope) -> tuple[Life, TicketEvent] | None:
    ends = [
        move
        for move in life.moves
        if move.old_value in OPEN and move.new_value not in OPEN and _within(scope, move.created_at)
    ]
    return (life, ends[-1]) if ends else None


def is_in_time(life: Life, move: TicketEvent) -> bool:
    late_at = life.ticket.solution_breached_at
    return late_at is None or late_at > move.created_at
