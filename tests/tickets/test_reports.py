"""Figures of a report: held against a slow and plain computation, and against what people do."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from importlib import import_module
from random import Random
from statistics import quantiles
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import ProductFactory, SpecialistFactory, TicketFactory, open_ticket
from tests.tickets.plain_report import (
    DAYS,
    invent,
    is_in_time,
    plainly,
    returns_of,
    solution_of,
)
from tickets import services
from tickets.comments import add_comment
from tickets.merging import merge_tickets
from tickets.models import Face, TicketEvent
from tickets.queries import Place
from tickets.recording import agent, customer
from tickets.reports import (
    Scope,
    backlog,
    created_by_day,
    last_days,
    rated,
    rating_words,
    report,
    tickets_behind,
)
from tickets.spans import NINE_OF_TEN, quantile
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db
FILLING = import_module("tickets.migrations.0029_fill_how_long_solutions_took")


def some_scopes(rng: Random, lives) -> list[Scope]:
    """Whole and part of the time, with everything and with something of it."""
    today = timezone.localdate()
    some = rng.choice(lives).ticket
    client = next(life.ticket.organization_id for life in lives if life.ticket.organization_id)
    spans = [(DAYS, 0), (40, 10), (20, 20), (6, 0)]
    return [
        Scope(today - timedelta(days=begin), today - timedelta(days=end), **chosen)
        for begin, end in spans
        for chosen in (
            {},
            {"product": some.product_id},
            {"agent": lives[0].ticket.assignee_id},
            {"organizations": [client]},
            {"zone": ZoneInfo("Asia/Vladivostok")},
        )
    ]


def worked_out(scope: Scope) -> dict:
    found = report(scope)

    def told(figures) -> dict:
        return {
            "created": figures.created,
            "reopened": figures.reopened,
            "answers": asdict(figures.answers),
            "solutions": asdict(figures.solutions),
            "scores": +figures.scores,
        }

    return {
        "total": told(found.total),
        "backlog": found.backlog,
        "products": {row.pk: told(figures) for row, figures in found.by_product},
        "agents": {row.pk: told(figures) for row, figures in found.by_agent},
    }


def nearly(value):
    """Sums of seconds may differ in the last digit."""
    if isinstance(value, dict):
        return type(value)({name: nearly(part) for name, part in value.items()})
    return pytest.approx(value, abs=1e-5) if isinstance(value, float) else value


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_those_of_a_plain_computation(seed, clock):
    rng = Random(seed)
    lives = invent(rng, 120, clock)
    for scope in some_scopes(rng, lives):
        expected = plainly(lives, scope, timezone.now())
        assert worked_out(scope) == nearly(expected), scope


def test_solutions_in_the_file_are_those_of_a_plain_computation(clock):
    rng = Random(4)
    lives = {life.ticket.pk: life for life in invent(rng, 80, clock)}
    for scope in some_scopes(rng, list(lives.values())):
        for told in tickets_behind(scope):
            life = lives[told.ticket.pk]
            found = told.solution
            expected = solution_of(life, scope)
            assert (found is None) is (expected is None)
            if found and expected:
                _life, move = expected
                assert found.at == move.created_at
                assert found.agent == (move.actor_id if move.by_agent else None)
                assert found.seconds == pytest.approx(life.ran_until(move.created_at), abs=1e-5)
                assert found.in_time is is_in_time(life, move)
                assert found.reopened == returns_of(life, scope)


def test_what_was_solved_before_is_filled_as_it_is_kept_today(clock):
    invent(Random(5), 80, clock)
    fields = ("pk", "solved_in", "solved_again_at")
    kept = list(TicketEvent.objects.order_by("pk").values_list(*fields))
    TicketEvent.objects.update(solved_in=None, solved_again_at=None)
    FILLING.fill(apps, connection.schema_editor())
    filled = list(TicketEvent.objects.order_by("pk").values_list(*fields))
    assert filled == [tuple(map(nearly, row)) for row in kept]
    assert any(again_at for _pk, _seconds, again_at in kept)


@pytest.mark.parametrize("microsecond", [0, 1, 999_499, 999_500, 999_999])
def test_spans_are_exact_to_the_microsecond(product, microsecond):
    """SQLite would round a time to a thousandth, and so to the next second."""
    created_at = (timezone.now() - timedelta(hours=1)).replace(microsecond=microsecond)
    answered_at = created_at + timedelta(minutes=10, microseconds=600)
    ticket = TicketFactory(product=product, created_at=created_at, answered_at=answered_at)
    move = TicketEvent.objects.create(
        ticket=ticket, kind="status", old_value="new", new_value="resolved", created_at=answered_at
    )
    FILLING.fill(apps, connection.schema_editor())
    move.refresh_from_db()
    assert move.solved_in == pytest.approx(600.0006, abs=1e-6)
    assert report(last_days(2)).total.answers.median == pytest.approx(600.0006, abs=1e-6)


@given(st.lists(st.floats(0, 1e7), min_size=2, max_size=30))
def test_quantile_is_the_usual_one(values):
    expected = quantiles(values, n=10, method="inclusive")
    assert quantile(values, NINE_OF_TEN) == pytest.approx(expected[8])
    assert quantile(values, 0.5) == pytest.approx(expected[4])


def test_quantile_of_little():
    assert quantile([], 0.5) is None
    assert quantile([7], 0.9) == 7
    assert quantile([3, 1], 0.5) == 2


# What people do


@pytest.fixture
def igor(db):
    return agent(SpecialistFactory(username="igor", first_name="Игорь", last_name="Петров"))


def test_clock_of_a_solution_stands_still_as_that_of_its_due_time(clock, anna, igor):
    ticket = open_ticket(anna)
    by_anna = customer(anna, Face.PORTAL)
    hours = [
        (1, lambda: add_comment(ticket=ticket, actor=igor, body="Смотрим.")),
        (
            1,
            lambda: services.change_status(
                ticket=ticket, to=TicketStatus.WAITING, actor=igor, answer="Что?"
            ),
        ),
        (10, lambda: add_comment(ticket=ticket, actor=by_anna, body="Вот.")),
        (
            2,
            lambda: services.change_status(
                ticket=ticket, to=TicketStatus.RESOLVED, actor=igor, answer="Да."
            ),
        ),
        (20, lambda: services.return_to_work(ticket=ticket, actor=by_anna, reason="Нет.")),
        (
            3,
            lambda: services.change_status(
                ticket=ticket, to=TicketStatus.RESOLVED, actor=igor, answer="Да."
            ),
        ),
    ]
    for wait, act in hours:
        clock.advance(hours=wait)
        act()
        ticket.refresh_from_db()
    today = timezone.localdate()
    found = report(Scope(today - timedelta(days=5), today))
    assert found.total.answers.median == pytest.approx(3600, abs=5)
    assert found.total.solutions.median == pytest.approx(7 * 3600, abs=5)
    assert ticket.paused_at - ticket.created_at - ticket.paused_for == pytest.approx(
        timedelta(hours=7), abs=timedelta(seconds=5)
    )
    assert (found.total.solved, found.total.reopened, found.backlog) == (1, 1, 0)
    [(solver, figures)] = found.by_agent
    assert (solver, figures.solved) == (igor.user, 1)


def test_past_is_told_as_it_was(clock, anna, igor):
    """What happens after a period does not change its figures."""
    ticket = open_ticket(anna)
    services.change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=igor, answer="Да.")
    today = timezone.localdate()
    scope = Scope(today, today)
    before = worked_out(scope)
    clock.advance(days=2)
    ticket.refresh_from_db()
    services.return_to_work(ticket=ticket, actor=customer(anna, Face.PORTAL), reason="Нет.")
    open_ticket(anna)
    assert worked_out(scope) == before
    assert backlog(Scope(today, timezone.localdate())) == 2


def test_ticket_closed_at_once_by_its_requester_is_solved_by_nobody(anna):
    ticket = open_ticket(anna)
    services.close_by_requester(ticket=ticket, actor=customer(anna, Face.PORTAL))
    found = report(last_days(1))
    assert found.total.solved == 1
    assert found.by_agent == []


def test_rated_ticket_is_solved_once(anna, igor):
    ticket = open_ticket(anna)
    services.change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=igor, answer="Да.")
    ticket.refresh_from_db()
    services.rate_ticket(ticket=ticket, actor=customer(anna, Face.PORTAL), score=4)
    found = report(last_days(1))
    assert (found.total.solved, found.total.reopened) == (1, 0)
    assert found.total.scores == {4: 1}
    assert found.total.average_score == 4


def test_solution_that_moves_with_its_words_is_none_of_the_other_ticket(anna, igor):
    ticket, into = open_ticket(anna), open_ticket(anna)
    services.change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=igor, answer="Да.")
    assert report(last_days(1)).total.solved == 1
    merge_tickets(ticket=ticket, into=into, actor=igor)
    assert into.comments.filter(body="Да.").exists()
    assert report(last_days(1)).total.solved == 0
    assert backlog(last_days(1)) == 1


def test_empty_time_has_no_figures():
    found = report(last_days(7))
    assert (found.total.created, found.backlog, found.by_product, found.by_agent) == (0, 0, [], [])
    assert found.total.answers.median is None
    assert found.total.average_score is None


# Days, words, tickets


def test_days_are_those_of_the_zone(product):
    moment = datetime(2026, 3, 10, 20, 30, tzinfo=UTC)
    TicketFactory(product=product, created_at=moment)
    for zone, day in (("Europe/London", 10), ("Asia/Vladivostok", 11)):
        scope = Scope(moment.date(), moment.date() + timedelta(days=1), zone=ZoneInfo(zone))
        assert {at.day for at, number in created_by_day(scope) if number} == {day}
        one_day = Scope(moment.date(), moment.date(), zone=ZoneInfo(zone))
        assert report(one_day).total.created == (day == 10)


def test_clocks_that_are_changed_lose_no_day_and_repeat_none(product):
    """The day of 25 hours, and that of 23, in London."""
    for month, day in ((10, 25), (3, 29)):
        first = datetime(2026, month, day, tzinfo=UTC).date()
        scope = Scope(first, first, zone=ZoneInfo("Europe/London"))
        moments = (scope.begin, scope.end - timedelta(microseconds=1), scope.end)
        for moment in moments:
            TicketFactory(product=product, created_at=moment)
        assert created_by_day(scope) == [(first, 2)]
        assert report(scope).total.created == 2
        wider = Scope(first - timedelta(days=2), first + timedelta(days=2), zone=scope.zone)
        assert [number for _day, number in created_by_day(wider)] == [0, 0, 2, 1, 0]


def rate(number: int, days: int, words: str = "Спасибо") -> int:
    closed_at = timezone.now() - timedelta(days=days)
    product = ProductFactory()
    return TicketFactory(
        product=product, status="closed", score=number, closed_at=closed_at, rating_comment=words
    ).pk


def test_words_come_page_by_page_newest_first():
    numbers = [rate(5, days) for days in (1, 2, 3)]
    rate(4, 1, words="")
    rate(3, 40)
    scope = last_days(30)
    first, older = rating_words(scope, None, 2)
    assert [ticket.pk for ticket in first] == numbers[:2]
    second, last = rating_words(scope, older, 2)
    assert [ticket.pk for ticket in second] == numbers[2:]
    assert last is None


def test_words_of_one_moment_are_neither_lost_nor_repeated():
    moment = timezone.now()
    numbers = [rate(5, 0) for _each in range(3)]
    type(TicketFactory()).objects.filter(pk__in=numbers).update(closed_at=moment)
    found, place = [], None
    for _page in range(3):
        tickets, place = rating_words(last_days(1), place, 1)
        found += [ticket.pk for ticket in tickets]
    assert found == numbers[::-1]
    assert rating_words(last_days(1), Place(moment, 0), 1) == ([], None)


def test_tickets_behind_are_those_created_or_solved(anna, igor):
    old = open_ticket(anna)
    services.change_status(ticket=old, to=TicketStatus.RESOLVED, actor=igor, answer="Да.")
    type(old).objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=60))
    silent = TicketFactory(product=old.product, created_at=timezone.now() - timedelta(days=60))
    new = open_ticket(anna, product=old.product)
    found = {told.ticket.pk: told.solution for told in tickets_behind(last_days(7))}
    assert set(found) == {old.pk, new.pk}
    assert silent.pk not in found
    assert found[new.pk] is None
    assert found[old.pk].agent == igor.user.pk


# What it costs


def test_number_of_queries_does_not_grow(django_assert_num_queries, clock):
    for number in (5, 40):
        invent(Random(number), number, clock)
        with django_assert_num_queries(10):
            report(last_days(DAYS))


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda scope: scope.tickets().filter(scope.within("created_at")), "ticket_created"),
        (lambda scope: scope.tickets().filter(scope.within("answered_at")), "ticket_answered"),
        (lambda scope: scope.solved().filter(scope.within("created_at")), "event_solved"),
        (lambda scope: scope.returned().filter(scope.within("created_at")), "event_returned"),
        (rated, "ticket_rated"),
    ],
)
@pytest.mark.parametrize("chosen", [{}, {"product": 1}, {"agent": 1}, {"organizations": [1, 2]}])
def test_period_is_read_by_its_index(ask, index, chosen):
    """PostgreSQL looks at an empty table whole, unless it must not."""
    today = timezone.localdate()
    rows = ask(Scope(today - timedelta(days=7), today, **chosen)).order_by().values("pk")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        assert "Seq Scan" not in rows.explain()
    else:
        assert index in rows.explain()


def test_report_reads_only(anna):
    open_ticket(anna)
    before = TicketEvent.objects.count()
    with CaptureQueriesContext(connection) as queries:
        report(last_days(7))
        list(tickets_behind(last_days(7)))
    assert all(row["sql"].startswith(("SELECT", "WITH", "DECLARE", "FETCH")) for row in queries)
    assert TicketEvent.objects.count() == before
