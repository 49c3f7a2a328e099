"""How far people have read, and the pages and counts that lists are made of."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests.factories import SpecialistFactory, TicketFactory, UserFactory, open_ticket
from tickets.comments import add_comment
from tickets.models import Face, Ticket, TicketEvent, TicketRead
from tickets.queries import (
    ORGANIZATION,
    REQUESTER,
    Place,
    awaiting_count,
    bounded,
    count_of,
    in_order,
    page_after,
    page_before,
    place_of,
    read_place,
)
from tickets.reads import is_news, is_unread, mark_read, mark_seen, read_version, with_reads
from tickets.recording import SYSTEM, customer, record
from tickets.recording import agent as as_agent

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 9, 0, 0, 1, tzinfo=UTC)


def read_by(reader: User, ticket: Ticket) -> Ticket:
    return with_reads(Ticket.objects.all(), reader).get(pk=ticket.pk)


@pytest.fixture
def ticket(anna):
    return open_ticket(anna)


def test_reading_on_moves_the_mark(anna, by_agent, ticket):
    assert read_version(read_by(anna, ticket)) is None
    mark_read(read_by(anna, ticket), anna)
    add_comment(ticket=ticket, actor=by_agent, body="Проверьте.")
    newer = read_by(anna, ticket)
    assert is_unread(newer, anna)
    mark_read(newer, anna)
    assert read_version(read_by(anna, ticket)) == newer.version
    assert TicketRead.objects.count() == 1


def test_nothing_new_writes_nothing(anna, ticket, django_assert_num_queries):
    mark_read(read_by(anna, ticket), anna)
    seen = read_by(anna, ticket)
    with django_assert_num_queries(0):
        mark_read(seen, anna)


def test_slower_page_takes_nothing_back(anna, by_agent, ticket):
    mark_read(read_by(anna, ticket), anna)
    add_comment(ticket=ticket, actor=by_agent, body="Раз.")
    slow = read_by(anna, ticket)
    add_comment(ticket=ticket, actor=by_agent, body="Два.")
    fast = read_by(anna, ticket)
    mark_read(fast, anna)
    with CaptureQueriesContext(connection) as queries:
        mark_read(slow, anna)
    assert len(queries) == 1
    assert read_version(read_by(anna, ticket)) == fast.version


def test_two_first_looks_at_once_leave_one_mark(anna, ticket):
    looks = [read_by(anna, ticket) for _look in "12"]
    for look in looks:
        mark_read(look, anna)
    assert TicketRead.objects.get().version == ticket.version


def test_ticket_without_events_is_not_new(anna):
    row = TicketFactory(requester=anna)
    assert not is_unread(read_by(anna, row), anna)
    mark_read(read_by(anna, row), anna)
    assert not TicketRead.objects.exists()


def test_erased_actor_is_somebody_else(anna, ticket):
    Ticket.objects.update(changed_by=None)
    assert is_unread(read_by(anna, ticket), anna)


# Agents


def is_news_to(agent: User, ticket: Ticket) -> bool:
    return is_news(read_by(agent, ticket), agent)


@pytest.fixture
def colleague(db):
    return SpecialistFactory()


def note(ticket: Ticket, user: User, *, internal: bool = True) -> None:
    add_comment(ticket=ticket, actor=as_agent(user), body="Слово.", internal=internal)


def test_new_ticket_and_each_word_are_news_until_they_are_seen(agent, colleague, anna, ticket):
    assert is_news_to(agent, ticket)
    mark_seen(read_by(agent, ticket), agent)
    assert not is_news_to(agent, ticket)
    for said in (lambda: note(ticket, colleague), lambda: add_comment(
        ticket=ticket, actor=customer(anna, Face.PORTAL), body="Ещё."
    )):  # fmt: skip
        said()
        assert is_news_to(agent, ticket)
        mark_seen(read_by(agent, ticket), agent)
        assert not is_news_to(agent, ticket)


def test_own_doing_is_no_news_and_hides_none_of_others(agent, colleague, ticket):
    mark_seen(read_by(agent, ticket), agent)
    note(ticket, agent)
    assert not is_news_to(agent, ticket)
    note(ticket, colleague)
    note(ticket, agent)
    note(ticket, agent, internal=False)
    assert is_news_to(agent, ticket)
    assert is_news_to(colleague, ticket)


def test_note_of_a_clock_is_no_news(agent, ticket):
    mark_seen(read_by(agent, ticket), agent)
    record(ticket, TicketEvent.Kind.DUE, SYSTEM, new="answer_soon")
    assert not is_news_to(agent, ticket)


def test_what_happened_before_news_were_kept_is_none(agent):
    row = TicketFactory(version=5)
    assert not is_news_to(agent, row)
    mark_seen(read_by(agent, row), agent)
    assert not TicketRead.objects.exists()


def test_mark_of_an_agent_does_not_hide_answers_of_their_own_ticket(agent, colleague):
    own = open_ticket(agent)
    mark_seen(read_by(agent, own), agent)
    note(own, colleague, internal=False)
    assert is_unread(read_by(agent, own), agent)


# Places


@pytest.mark.parametrize("moment", [NOON, datetime(1969, 12, 31, 23, 59, 59, 7, tzinfo=UTC)])
def test_place_keeps_its_microseconds(moment):
    place = Place(moment, 5)
    assert read_place(place.ids) == place


@pytest.mark.parametrize("ids", [[], [1], [1, 2, 3], [10**17 * 9, 1]])
def test_ids_that_name_no_place(ids):
    assert read_place(ids) is None


def test_place_of_a_ticket_that_has_gone_on_still_holds(anna):
    rows = [
        TicketFactory(requester=anna, changed_at=NOON + timedelta(microseconds=number // 2))
        for number in range(10)
    ][::-1]
    mine = Ticket.objects.own(anna)
    place = place_of(rows[4])
    Ticket.objects.filter(pk=rows[4].pk).update(changed_at=NOON + timedelta(days=1))
    page = page_after(mine, REQUESTER, 3, place)
    assert page.tickets == rows[5:8]
    assert (page.newer, page.older) == (place_of(rows[5]), place_of(rows[7]))
    before = page_before(mine, REQUESTER, 3, page.newer)
    assert before is not None
    assert before.tickets == rows[1:4]
    assert page_after(mine, REQUESTER, 3, before.after).tickets == rows[1:4]
    assert page_before(mine, REQUESTER, 3, before.newer) is None


# Counts


def counts(user: User, *columns: object) -> tuple[int, ...]:
    return User.objects.filter(pk=user.pk).values_list(*columns).get()


def test_counts_go_no_further_than_they_are_shown(anna):
    stranger = UserFactory()
    for status in ("new", "waiting", "resolved", "closed"):
        TicketFactory.create_batch(3, requester=anna, status=status)
        TicketFactory(requester=stranger, status=status)
    opened = Ticket.objects.own(anna).open()
    assert counts(anna, awaiting_count(anna), count_of(opened, REQUESTER, 5)) == (6, 6)
    assert counts(anna, count_of(opened, REQUESTER)) == (9,)
    assert counts(stranger, awaiting_count(stranger)) == (2,)
    assert (bounded(6, 5), bounded(5, 5), bounded(0)) == ("5+", "5", "0")


# Before there were marks


def test_what_was_said_before_counts_as_read(anna, by_agent, ticket):
    add_comment(ticket=ticket, actor=by_agent, body="Проверьте.")
    seen = open_ticket(anna)
    TicketRead.objects.create(user=anna, ticket=seen, version=1)
    TicketFactory(requester=anna)
    reader = MigrationExecutor(connection).loader
    [insert] = reader.get_migration("tickets", "0015_read_so_far").operations
    with connection.cursor() as cursor:
        cursor.execute(insert.sql)
        cursor.execute(insert.sql)
    assert not is_unread(read_by(anna, ticket), anna)
    marks = dict(TicketRead.objects.values_list("ticket", "version"))
    assert marks == {ticket.pk: ticket.events.latest("pk").pk, seen.pk: 1}


# Indexes


@pytest.mark.parametrize(
    ("tab", "index"),
    [
        ("awaiting", "ticket_awaiting"),
        ("open", "ticket_own_open"),
        ("closed", "ticket_own_closed"),
        ("organization", "ticket_of_organization"),
    ],
)
def test_lists_are_read_in_the_order_of_their_index(anna, tab, index):
    """Also for who has no ticket: no other order is cheaper, nothing is sorted."""
    own = Ticket.objects.own(anna)
    rows, owner = (
        (Ticket.objects.of_organization(anna), ORGANIZATION)
        if tab == "organization"
        else ({"awaiting": own.awaiting, "open": own.open, "closed": own.closed}[tab](), REQUESTER)
    )
    if connection.vendor == "postgresql":  # the table is too small to need an index
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
    first = in_order(rows, owner)
    for query in (first, first.reverse(), first.filter(changed_at__lte=NOON)):
        plan = with_reads(query, anna)[:21].explain()
        assert re.search(rf"using (covering )?(index )?{index}\b", plan, re.IGNORECASE), plan
        assert not re.search(r"\bSort\b|TEMP B-TREE", plan), plan


def test_status_in_an_organization_is_told_by_its_index(anna):
    """Not by the index of all statuses, nor by reading the tickets that have another."""
    rows = in_order(Ticket.objects.of_organization(anna).filter(status="new"), ORGANIZATION)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
    plan = rows[:21].explain()
    lines = plan.splitlines()
    (at,) = (number for number, line in enumerate(lines) if "ticket_of_organization" in line)
    if connection.vendor == "postgresql":
        assert re.search(r"Index Cond: .*organization_id = .*status", lines[at + 1])
    assert not re.search(r"\bSort\b|TEMP B-TREE", plan), plan
