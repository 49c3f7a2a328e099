"""One change of several tickets: each for itself, all of them once for one sending of a form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db.models import Max

from accounts.quotas import QuotaReached
from tickets.agents import asking_once
from tickets.forms import Made, Sending, once
from tickets.models import Ticket, TicketEvent
from tickets.queries import news_to_agents
from tickets.recording import Actor, change_by, lock
from tickets.refusals import REFUSALS, ChangedInTheList, NotYours

Kind = TicketEvent.Kind
Change = Callable[..., object]  # of a ticket by an actor


@dataclass(frozen=True)
class Outcome:
    """Numbers of the changed tickets, and why others were refused."""

    done: list[int]
    refused: list[tuple[int, str]]


def change_each(
    *,
    sending: Sending,
    actor: Actor,
    seen: Mapping[int, int],
    change: Change,
    heeds: frozenset[Kind] | None = None,
) -> Outcome:
    """Change tickets by their numbers, unless more has happened to one than was `seen` of it.

    `seen` is the last event of each that the agent knew, `heeds` what of others counts as a change
    of it: without, everything but the notes of clocks. The same form sent again tells what it did.
    After a limit of the agent is reached the rest is left as it is. Raises KeyReused.
    """

    def act(_files: object) -> Made:
        done: list[int] = []
        refused: list[tuple[int, str]] = []
        with asking_once():
            for number in sorted(seen):  # in one order: two agents would wait for each other
                try:
                    _change_one(number, actor, seen[number], change, heeds)
                    done.append(number)
                except REFUSALS as refusal:
                    refused.append((number, str(refusal)))
                    if isinstance(refusal, QuotaReached):
                        break
        return {"done": done, "refused": refused}

    made = once(sending, act).made
    return Outcome(made["done"], [(number, text) for number, text in made["refused"]])


def _change_one(
    number: int, actor: Actor, seen: int, change: Change, heeds: frozenset[Kind] | None
) -> None:
    with change_by(actor):
        try:
            ticket = lock(Ticket(pk=number))
        except Ticket.DoesNotExist:
            raise NotYours from None
        later = news_to_agents(seen, ticket).exclude(actor=actor.user)
        if (later if heeds is None else later.filter(kind__in=heeds)).exists():
            raise ChangedInTheList
        change(ticket=ticket, actor=actor)


def newest_events(numbers: list[int]) -> dict[int, int]:
    """The last event of each ticket, 0 where there is none: what an agent is shown of them."""
    events = TicketEvent.objects.filter(ticket__in=numbers).order_by().values("ticket")
    newest = events.annotate(newest=Max("pk")).values_list("ticket", "newest")
    return dict.fromkeys(numbers, 0) | dict(newest)
