"""Any order of what people do to a ticket, judged by a model of a few lines."""

import pytest
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests import factories
from tickets import recording, services
from tickets.comments import add_comment
from tickets.models import Face, Ticket, TicketEvent
from tickets.queries import timeline
from tickets.recording import customer
from tickets.refusals import REFUSALS
from tickets.status import TicketStatus

NEW, WORK, WAITING = TicketStatus.NEW, TicketStatus.IN_PROGRESS, TicketStatus.WAITING
RESOLVED, CLOSED = TicketStatus.RESOLVED, TicketStatus.CLOSED
Kind = TicketEvent.Kind
WHO = st.sampled_from(["customer", "agent", "stranger"])
TEXTS = st.sampled_from(["Не помогло", "Спасибо", "  ", "\u200b", "два\nслова"])


class Life(RuleBasedStateMachine):
    """One ticket, its requester, an agent, and somebody whom it does not concern."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    @initialize()
    def open(self) -> None:
        people = [factories.UserFactory(), factories.SpecialistFactory(), factories.UserFactory()]
        requester, agent, stranger = people
        self.actors = {
            "customer": customer(requester, Face.BOT),
            "agent": recording.agent(agent),
            "stranger": customer(stranger, Face.PORTAL),
        }
        self.ticket = factories.open_ticket(requester)
        self.status, self.score, self.closed_by = NEW, None, None
        self.public, self.notes, self.moves = 0, 0, 0

    def attempt(self, is_allowed: bool, change, **given) -> None:
        """A change that the model allows is made, any other is refused and leaves no trace."""
        before = self.traces()
        try:
            with transaction.atomic():
                change(ticket=self.ticket, **given)
        except REFUSALS:
            assert not is_allowed, f"refused in {self.status}: {given}"
            assert self.traces() == before
        else:
            assert is_allowed, f"done in {self.status}: {given}"

    def traces(self) -> tuple[int, int, str]:
        ticket = Ticket.objects.get(pk=self.ticket.pk)
        return ticket.events.count(), ticket.comments.count(), ticket.status

    def move(self, to: TicketStatus) -> None:
        self.status, self.moves = to, self.moves + 1

    @rule(who=st.sampled_from(["customer", "agent"]), text=TEXTS)
    def comment(self, who: str, text: str) -> None:
        is_allowed = self.status != CLOSED and bool(text.strip(" \u200b"))
        is_taken = who == "agent" and self.status == NEW
        self.attempt(is_allowed, add_comment, actor=self.actors[who], body=text)
        if is_allowed:
            self.public += 1
            if is_taken or (who == "customer" and self.status == WAITING):
                self.move(WORK)

    @rule(who=WHO, text=TEXTS)
    def note(self, who: str, text: str) -> None:
        is_allowed = who == "agent" and bool(text.strip(" \u200b"))
        given = {"actor": self.actors[who], "body": text, "internal": True}
        self.attempt(is_allowed, add_comment, **given)
        self.notes += is_allowed

    @rule(who=WHO, to=st.sampled_from([WORK, WAITING, RESOLVED, CLOSED]), text=TEXTS)
    def move_by_hand(self, who: str, to: TicketStatus, text: str) -> None:
        by_agent = {
            NEW: {WORK, WAITING, RESOLVED, CLOSED}, WORK: {WAITING, RESOLVED, CLOSED},
            WAITING: {WORK, RESOLVED, CLOSED}, RESOLVED: {WORK, CLOSED}, CLOSED: set(),
        }  # fmt: skip
        by_customer = {
            NEW: {CLOSED}, WORK: {CLOSED}, WAITING: {WORK, CLOSED}, RESOLVED: {WORK, CLOSED},
        }  # fmt: skip
        may = {"agent": by_agent, "customer": by_customer, "stranger": {}}[who]
        has_words = bool(text.strip(" \u200b"))
        needs_words = who == "agent" and to != WORK
        is_allowed = to in may.get(self.status, set()) and (has_words or not needs_words)
        given = {"to": to, "actor": self.actors[who], "answer": text}
        self.attempt(is_allowed, services.change_status, **given)
        if is_allowed:
            self.public += has_words
            self.move(to)
            self.closed_by = who if to == CLOSED else None

    @rule(who=WHO, score=st.sampled_from([None, 1, 5]), text=st.one_of(st.just(""), TEXTS))
    def close(self, who: str, score: int | None, text: str) -> None:
        has_words = bool(text.strip(" \u200b"))
        is_allowed = who == "customer" and self.status != CLOSED
        given = {"actor": self.actors[who], "score": score, "text": text}
        self.attempt(is_allowed, services.close_by_requester, **given)
        if is_allowed:
            self.public += has_words and score is None
            self.score, self.closed_by = score, who
            self.move(CLOSED)

    @rule(who=WHO, text=TEXTS)
    def return_to_work(self, who: str, text: str) -> None:
        has_words = bool(text.strip(" \u200b"))
        is_allowed = who == "customer" and self.status == RESOLVED and has_words
        given = {"actor": self.actors[who], "reason": text}
        self.attempt(is_allowed, services.return_to_work, **given)
        if is_allowed:
            self.public += 1
            self.move(WORK)

    @rule(who=WHO, score=st.integers(1, 5))
    def rate(self, who: str, score: int) -> None:
        is_allowed = who == "customer" and self.may_be_rated()
        self.attempt(is_allowed, services.rate_ticket, actor=self.actors[who], score=score)
        if is_allowed:
            self.score = score
            if self.status != CLOSED:
                self.move(CLOSED)

    def may_be_rated(self) -> bool:
        """Once it is resolved, or its requester has closed it; a score is given once."""
        return self.status == RESOLVED or (self.closed_by == "customer" and self.score is None)

    @precondition(lambda self: hasattr(self, "ticket"))
    @invariant()
    def the_ticket_is_as_the_model_says(self) -> None:
        ticket = Ticket.objects.get(pk=self.ticket.pk)
        assert (ticket.status, ticket.score) == (self.status, self.score)
        assert (ticket.closed_at is not None) == (self.status == CLOSED)
        assert ticket.comments.public().count() == self.public
        assert ticket.comments.count() == self.public + self.notes
        assert ticket.events.filter(kind=Kind.STATUS).count() == self.moves
        assert ticket.events.filter(kind=Kind.RATED).count() == (self.score is not None)

    @precondition(lambda self: hasattr(self, "ticket"))
    @invariant()
    def only_the_requester_sees_it_and_never_a_note(self) -> None:
        requester, stranger = self.actors["customer"].user, self.actors["stranger"].user
        assert Ticket.objects.visible_to(requester).filter(pk=self.ticket.pk).exists()
        assert not Ticket.objects.visible_to(stranger).filter(pk=self.ticket.pk).exists()
        events, _older = timeline(self.ticket, None)
        assert not [event for event in events if event.is_internal]


@pytest.mark.django_db
def test_life_of_a_ticket():
    run_state_machine_as_test(
        Life,
        settings=settings(
            deadline=None, derandomize=True, database=None, max_examples=25, stateful_step_count=20
        ),
    )
