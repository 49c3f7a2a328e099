"""Figures of a report: held against a slow and plain computation, and against what people do."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import quantiles
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import AgentFactory, ProductFactory, TicketFactory, open_ticket
from tests.tickets.plain_report import DAYS, invent, plainly
from tickets import services
from tickets.comments import add_comment
from tickets.models import Face, TicketEvent
from tickets.queries import Place
from tickets.recording import agent, customer
from tickets.reports import (
    NINE_OF_TEN,
    Scope,
    backlog,
    created_by_day,
    last_days,
    quantile,
    rated,
    rating_words,
    report,
    tickets_behind,
)
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db


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

    def by_product(name: str) -> Counter:
        return Counter({row.pk: getattr(figures, name) for row, figures in found.by_product})

    def spans(given) -> dict:
        return {
            name: getattr(given, name) for name in ("number", "median", "nine_of_ten", "in_time")
        }

    return {
        **{name: +by_product(name) for name in ("created", "solved", "reopened")},
        "solved_by": +Counter({row.pk: figures.solved for row, figures in found.by_agent}),
        "backlog": found.backlog,
        "answers": spans(found.total.answers),
        "solutions": spans(found.total.solutions),
        "scores": +found.total.scores,
    }


def nearly(value):
    """Sums of seconds may differ in the last digit."""
    if isinstance(value, Counter) or not isinstance(value, dict):
        return value
    spans = ("median", "nine_of_ten")
    given = {name: value[name] for name in spans if value[name] is not None}
    return value | {name: pytest.approx(span, abs=1e-3) for name, span in given.items()}


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_those_of_a_plain_computation(seed):
    rng = Random(seed)
    lives = invent(rng, 120)
    for scope in some_scopes(rng, lives):
        expected = plainly(lives, scope, timezone.now())
        actual = worked_out(scope)
        for name, value in expected.items():
            assert actual[name] == nearly(value), (scope, name)
        total = report(scope).total
        assert total.created == sum(expected["created"].values())
        assert total.solved == sum(expected["solved"].values())


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
    return agent(AgentFactory(username="igor", first_name="Игорь", last_name="Петров"))


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


def test_number_of_queries_does_not_grow(django_assert_num_queries):
    for number in (5, 40):
        invent(Random(number), number)
        with django_assert_num_queries(10):
            report(last_days(DAYS))


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda scope: scope.tickets().filter(scope.within("created_at")), "ticket_created"),
        (lambda scope: scope.tickets().filter(scope.within("answered_at")), "ticket_answered"),
        (lambda scope: scope.moves().filter(scope.within("created_at")), "event_moves"),
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
    assert all(row["sql"].startswith(("SELECT", "DECLARE", "FETCH")) for row in queries)
    assert TicketEvent.objects.count() == before
