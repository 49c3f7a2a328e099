"""What customers' lists rest on moves with what customers can see, and with nothing else."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from tests import factories
from tickets.clocks import close_silent_tickets
from tickets.comments import add_comment, correct_comment, extend_comment, extend_description
from tickets.models import Face, Priority, Ticket
from tickets.recording import agent, customer
from tickets.services import (
    assign_ticket,
    change_status,
    comment_rating,
    rate_ticket,
    set_priority,
)
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db

LONG_AGO = timezone.now() - timedelta(days=3)
MARKS = (
    "changed_at",
    "changed_by",
    "version",
    "last_word_at",
    "last_word_by",
    "last_word_by_agent",
)


@pytest.fixture
def anna():
    return factories.UserFactory(username="anna")


@pytest.fixture
def igor():
    return agent(factories.SpecialistFactory(username="igor"))


@pytest.fixture
def ticket(anna) -> Ticket:
    ticket = factories.open_ticket(anna)
    Ticket.objects.filter(pk=ticket.pk).update(changed_at=LONG_AGO, last_word_at=LONG_AGO)
    ticket.refresh_from_db()
    return ticket


def marks(ticket: Ticket) -> tuple:
    return Ticket.objects.values_list(*MARKS).get(pk=ticket.pk)


def test_opening_is_the_first_word(anna):
    ticket = factories.open_ticket(anna)
    created = ticket.events.get()
    at = created.created_at
    assert marks(ticket) == (at, anna.pk, created.pk, at, anna.pk, False)


def test_note_moves_nothing(ticket, igor):
    before = marks(ticket)
    add_comment(ticket=ticket, actor=igor, body="Память кончилась.", internal=True)
    assert marks(ticket) == before


def test_answer_is_the_last_word(ticket, igor):
    add_comment(ticket=ticket, actor=igor, body="Готово, проверьте.")
    event = ticket.events.latest("pk")
    at = event.created_at
    assert marks(ticket) == (at, igor.user.pk, event.pk, at, igor.user.pk, True)


def test_word_with_a_status_counts_and_the_move_after_it(ticket, igor, anna):
    change_status(ticket=ticket, to=TicketStatus.WAITING, actor=igor, answer="Какая версия?")
    asked = ticket.events.latest("pk")
    assert marks(ticket)[3:] == (asked.created_at, igor.user.pk, True)
    comment = add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Пятая.")
    moved = ticket.events.latest("pk")
    said = comment.ticketevent_set.get()
    assert marks(ticket) == (
        moved.created_at, anna.pk, moved.pk, said.created_at, anna.pk, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        lambda ticket, actor: set_priority(ticket=ticket, priority=Priority.HIGH, actor=actor),
        lambda ticket, actor: assign_ticket(ticket=ticket, assignee=actor.user, actor=actor),
        lambda ticket, actor: change_status(
            ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=actor
        ),
    ],
)
def test_change_without_words_leaves_the_last_word(ticket, igor, change):
    change(ticket, igor)
    event = ticket.events.latest("pk")
    expected = (event.created_at, igor.user.pk, event.pk)
    assert marks(ticket) == (*expected, LONG_AGO, ticket.requester_id, False)


def test_reminder_is_a_change_of_nobody(ticket, igor, settings):
    settings.TICKET_AUTOCLOSE_DAYS = 1
    change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=igor, answer="Готово.")
    Ticket.objects.update(resolved_at=LONG_AGO, updated_at=LONG_AGO)
    close_silent_tickets()
    assert marks(ticket)[:3] == (
        ticket.events.latest("pk").created_at, None, ticket.events.latest("pk").pk,
    )  # fmt: skip


def test_words_that_join_later_are_a_change(ticket, anna):
    comment = add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Раз.")
    for change in (
        lambda: extend_comment(comment=comment, body="Два.", files=()),
        lambda: extend_description(ticket=ticket, body="И ещё.", files=()),
        lambda: correct_comment(
            comment=comment, actor=customer(anna, Face.BOT), old="Раз.", new="Три."
        ),
    ):
        Ticket.objects.update(changed_at=LONG_AGO)
        change()
        assert marks(ticket)[0] > LONG_AGO


def test_correction_is_not_a_new_word(ticket, anna):
    comment = add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Раз.")
    said = marks(ticket)[3]
    correct_comment(comment=comment, actor=customer(anna, Face.BOT), old="Раз.", new="Два.")
    assert marks(ticket)[3] == said


def test_words_of_a_rating_are_a_change(ticket, anna, igor):
    change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=igor, answer="Готово.")
    rate_ticket(ticket=ticket, actor=customer(anna, Face.PORTAL), score=5)
    Ticket.objects.update(changed_at=LONG_AGO)
    comment_rating(ticket=ticket, actor=customer(anna, Face.PORTAL), text="Быстро!")
    assert marks(ticket)[0] > LONG_AGO


def test_marks_of_older_tickets_come_from_their_events(ticket, anna, igor):
    add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Раз.")
    set_priority(ticket=ticket, priority=Priority.HIGH, actor=igor)
    add_comment(ticket=ticket, actor=igor, body="Только для нас.", internal=True)
    bare = factories.TicketFactory()
    told = marks(ticket)
    Ticket.objects.update(
        changed_at=LONG_AGO, changed_by=None, version=0, last_word_at=LONG_AGO, last_word_by=None
    )
    executor = MigrationExecutor(connection)
    state = executor.loader.project_state([("tickets", "0010_fill_visible_changes")])
    migration = executor.loader.get_migration("tickets", "0010_fill_visible_changes")
    migration.operations[0].code(state.apps, None)
    assert marks(ticket) == told
    assert marks(bare) == (bare.created_at, None, 0, bare.created_at, None, False)


class TestWhoSees:
    @pytest.fixture
    def firm(self):
        return factories.OrganizationFactory(shares_tickets=True)

    @pytest.fixture
    def people(self, firm):
        return factories.UserFactory.create_batch(2, organization=firm)

    def test_colleagues_while_the_switch_is_on(self, people, firm):
        mine = factories.TicketFactory(requester=people[0])
        factories.TicketFactory()
        assert list(Ticket.objects.visible_to(people[1])) == [mine]
        assert list(Ticket.objects.of_organization(people[1])) == [mine]
        assert list(Ticket.objects.own(people[1])) == []
        type(firm).objects.update(shares_tickets=False)
        assert list(Ticket.objects.visible_to(people[1])) == []
        assert list(Ticket.objects.of_organization(people[1])) == []
        assert list(Ticket.objects.visible_to(people[0])) == [mine]

    def test_who_left_sees_own_tickets_only(self, people):
        mine = factories.TicketFactory(requester=people[0])
        theirs = factories.TicketFactory(requester=people[1])
        people[1].organization = None
        people[1].save()
        assert list(Ticket.objects.visible_to(people[1])) == [theirs]
        assert list(Ticket.objects.of_organization(people[1])) == []
        assert set(Ticket.objects.visible_to(people[0])) == {mine, theirs}

    def test_nobody_without_an_organization_shares(self):
        loners = factories.UserFactory.create_batch(2)
        factories.TicketFactory(requester=loners[0])
        assert list(Ticket.objects.visible_to(loners[1])) == []
