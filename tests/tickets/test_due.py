"""Due times: what starts, stops and moves them, and that each is told once."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from tests import factories
from tickets import services
from tickets.clocks import tell_of_due_times
from tickets.comments import add_comment
from tickets.delivery import drain
from tickets.due import FIELDS
from tickets.models import Delivery, Face, Priority, Target, Ticket, TicketEvent
from tickets.recording import agent, customer
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def igor():
    return agent(factories.SpecialistFactory(username="igor", email="igor@desk.example"))


@pytest.fixture
def ticket(clock) -> Ticket:
    return factories.open_ticket(factories.UserFactory(username="anna"))


def now(ticket: Ticket) -> Ticket:
    ticket.refresh_from_db()
    return ticket


def after_creation(ticket: Ticket, at) -> timedelta:
    return at - ticket.created_at


def news(ticket: Ticket) -> list[str]:
    return list(ticket.events.filter(kind=TicketEvent.Kind.DUE).values_list("new_value", flat=True))


@pytest.mark.parametrize(
    ("priority", "hours"),
    [(Priority.CRITICAL, 2), (Priority.HIGH, 12), (Priority.MEDIUM, 24), (Priority.LOW, 48)],
)
def test_time_to_solve_follows_the_priority_from_the_creation(ticket, igor, clock, priority, hours):
    clock.advance(minutes=30)
    if priority != ticket.priority:
        services.set_priority(ticket=ticket, priority=priority, actor=igor)
    ticket = now(ticket)
    assert after_creation(ticket, ticket.solution_due_at) == hours * HOUR
    assert after_creation(ticket, ticket.answer_due_at) == HOUR
    assert ticket.next_due_at == ticket.answer_due_at


def test_targets_of_the_product_come_before_those_of_all(clock):
    product = factories.ProductFactory()
    for owner, minutes in ((None, 20), (product, 10)):
        Target.objects.create(
            product=owner, priority="medium", answer_minutes=minutes, solution_minutes=100 * minutes
        )
    requester = factories.UserFactory()
    own = factories.open_ticket(requester, product=product)
    other = factories.open_ticket(requester)
    assert [after_creation(row, row.answer_due_at) for row in (own, other)] == [
        timedelta(minutes=10), timedelta(minutes=20),
    ]  # fmt: skip
    assert after_creation(own, own.solution_due_at) == timedelta(minutes=1000)


def test_any_public_answer_ends_the_first_clock_and_nothing_else_does(ticket, igor, clock):
    anna = customer(ticket.requester, Face.BOT)
    add_comment(ticket=ticket, actor=anna, body="Ещё жду.")
    add_comment(ticket=ticket, actor=igor, body="Смотрю.", internal=True)
    services.take_to_work(ticket=ticket, actor=igor)
    assert now(ticket).answered_at is None
    clock.advance(minutes=5)
    add_comment(ticket=ticket, actor=igor, body="Проверяем.")
    answered = now(ticket).answered_at
    assert answered == ticket.comments.latest("pk").created_at
    assert ticket.next_due_at == ticket.solution_due_at
    clock.advance(minutes=5)
    add_comment(ticket=ticket, actor=igor, body="Готово.")
    assert now(ticket).answered_at == answered


def test_late_answer_is_a_breach_even_when_nothing_told_of_it(ticket, igor, clock):
    clock.advance(minutes=61)
    services.change_status(
        ticket=ticket, to=TicketStatus.WAITING, actor=igor, answer="Какая версия?"
    )
    ticket = now(ticket)
    assert ticket.answer_breached_at == ticket.answer_due_at
    assert ticket.next_due_at is None


@pytest.mark.parametrize("still", [TicketStatus.WAITING, TicketStatus.RESOLVED])
def test_clock_stands_still_while_it_is_the_customers_turn(ticket, igor, clock, still):
    before = ticket.solution_due_at
    services.change_status(ticket=ticket, to=still, actor=igor, answer="Проверьте.")
    assert now(ticket).next_due_at is None
    clock.advance(hours=30)
    tell_of_due_times()
    assert news(ticket) == []
    actor = customer(ticket.requester, Face.PORTAL)
    if still == TicketStatus.WAITING:
        add_comment(ticket=ticket, actor=actor, body="Пятая.")
    else:
        services.return_to_work(ticket=ticket, actor=actor, reason="Не помогло.")
    ticket = now(ticket)
    assert timedelta(0) <= ticket.solution_due_at - before - 30 * HOUR < timedelta(minutes=1)
    assert ticket.next_due_at == ticket.solution_due_at
    services.set_priority(ticket=ticket, priority=Priority.LOW, actor=igor)
    assert now(ticket).solution_due_at == ticket.created_at + ticket.paused_for + 48 * HOUR


def test_clock_that_went_back_makes_no_time_up(ticket, igor, clock):
    before = ticket.solution_due_at
    services.change_status(ticket=ticket, to=TicketStatus.WAITING, actor=igor, answer="Где?")
    clock.advance(hours=-2)
    add_comment(ticket=ticket, actor=customer(ticket.requester, Face.BOT), body="Тут.")
    assert now(ticket).solution_due_at == before
    assert ticket.paused_for == timedelta()


def test_each_warning_and_each_breach_is_told_once(ticket, clock):
    told = []
    for minutes in (47, 2, 12, 20 * 60):  # 47 and 49 min, 61 min, 21 h
        clock.advance(minutes=minutes)
        for _look in range(3):
            tell_of_due_times()
        told.append(news(ticket))
    assert told[0] == []
    assert told[1] == ["answer_soon"]
    assert told[2] == ["answer_soon", "answer_late"]
    assert told[3] == ["answer_soon", "answer_late", "solution_soon"]
    clock.advance(hours=4)
    tell_of_due_times()
    tell_of_due_times()
    assert news(ticket)[-1] == "solution_late"
    assert len(news(ticket)) == 4
    ticket = now(ticket)
    assert ticket.solution_breached_at == ticket.solution_due_at
    assert ticket.tell_due_at is None


def test_what_became_late_while_the_worker_was_off_is_told_as_late_only(ticket, clock):
    clock.advance(hours=30)
    for _look in range(3):
        tell_of_due_times()
    assert news(ticket) == ["answer_late", "solution_late"]


def test_closed_ticket_is_left_alone(ticket, igor, clock):
    services.change_status(ticket=ticket, to=TicketStatus.CLOSED, actor=igor, answer="Готово.")
    clock.advance(hours=30)
    tell_of_due_times()
    assert news(ticket) == []


def test_customers_neither_hear_of_it_nor_see_it_move(ticket, igor, clock, settings):
    settings.STAFF_EMAIL = "desk@support.example"
    Delivery.objects.all().delete()
    before = now(ticket).changed_at
    clock.advance(minutes=50)
    tell_of_due_times()
    event = ticket.events.latest("pk")
    assert event.is_internal
    assert now(ticket).changed_at == before
    [told] = Delivery.objects.all()
    assert (told.channel, told.kind, told.address) == (
        "email", "staff_due", "desk@support.example",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "subject", "words"),
    [
        (0.85, "скоро срок первого ответа", "ждёт первого ответа"),
        (1.1, "первый ответ просрочен", "без первого ответа"),
    ],
)
def test_letter_to_the_assignee(ticket, igor, clock, hours, subject, words):
    services.assign_ticket(ticket=ticket, assignee=igor.user, actor=igor)
    Delivery.objects.all().delete()
    clock.advance(hours=hours)
    tell_of_due_times()
    drain("email")
    [letter] = mail.outbox
    assert letter.to == ["igor@desk.example"]
    assert letter.subject == f"Заявка № {ticket.pk}: {subject}"
    assert words in letter.body
    assert words in letter.alternatives[0][0]


def test_due_time_that_passes_while_an_agent_types_refuses_nothing(ticket, igor, clock):
    seen = ticket.events.latest("pk").pk
    clock.advance(minutes=50)
    tell_of_due_times()
    services.work_on_ticket(
        ticket=ticket, actor=igor, seen=seen, to=TicketStatus.IN_PROGRESS, body="Смотрим."
    )
    assert now(ticket).status == TicketStatus.IN_PROGRESS


def test_looking_for_what_is_due_asks_one_question(ticket, django_assert_num_queries):
    with django_assert_num_queries(1):
        tell_of_due_times()


def test_open_tickets_of_an_older_version_get_their_times(ticket, igor, clock):
    answered = factories.open_ticket(ticket.requester)
    add_comment(ticket=answered, actor=igor, body="Смотрим.")
    waiting = factories.open_ticket(ticket.requester)
    services.change_status(ticket=waiting, to=TicketStatus.WAITING, actor=igor, answer="Где?")
    expected = {row.pk: times(row) for row in (ticket, answered, waiting)}
    empty = dict.fromkeys(set(FIELDS) - {"paused_for"})
    Ticket.objects.update(**empty, paused_for=timedelta())
    migrate()
    assert {row.pk: times(row) for row in (ticket, answered, waiting)} == expected


def test_what_was_late_at_the_upgrade_is_kept_and_not_told(ticket, clock):
    empty = dict.fromkeys(set(FIELDS) - {"paused_for"})
    Ticket.objects.update(**empty, created_at=timezone.now() - 3 * HOUR)
    migrate()
    ticket = now(ticket)
    assert ticket.answer_breached_at == ticket.answer_due_at == ticket.next_due_at
    tell_of_due_times()
    assert news(ticket) == []


def times(ticket: Ticket) -> tuple:
    ticket.refresh_from_db()
    return (
        ticket.answered_at, ticket.answer_due_at, ticket.solution_due_at, ticket.next_due_at,
        ticket.paused_at is None,
    )  # fmt: skip


def migrate() -> None:
    name = ("tickets", "0012_fill_due_times")
    loader = MigrationExecutor(connection).loader
    loader.get_migration(*name).operations[0].code(loader.project_state([name]).apps, None)
