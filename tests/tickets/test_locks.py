"""Changes at the same moment: nobody is refused because of somebody else's lock."""

import sqlite3
from contextlib import suppress
from dataclasses import replace
from threading import Barrier
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.db import InternalError, OperationalError, connection, transaction

from accounts.models import User
from accounts.quotas import CHANGES
from config.database import is_unavailable, retry_once
from tests import factories
from tests.threads import in_parallel
from tickets import recording, services
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.forms import Sending, once
from tickets.merging import merge_tickets
from tickets.models import Attachment, Comment, Face, Ticket
from tickets.recording import customer
from tickets.refusals import AlreadyDone
from tickets.status import TicketStatus

ROUNDS = 15
WRITERS = 3  # of each kind

only_postgres = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite lets one write at a time: no deadlocks"
)


@pytest.mark.django_db(transaction=True)
def test_follow_ups_meet_comments_on_their_parent(anna, agent, product, monkeypatch):
    """The order of locks holds by itself: nothing is tried again."""
    monkeypatch.setattr("tickets.services.TICKETS_AN_HOUR", 1000)
    for face in ("services", "recording"):
        monkeypatch.setattr(f"tickets.{face}.CHANGES", replace(CHANGES, limit=1000))
    monkeypatch.setattr("tickets.recording.retry_once", lambda call, *args, **kw: call(*args, **kw))
    parent = factories.open_ticket(anna, product=product)

    def follow_up() -> None:
        for number in range(ROUNDS):
            factories.open_ticket(anna, product=product, title=f"Снова {number}", parent=parent)

    def comment(actor) -> None:
        for number in range(ROUNDS):
            add_comment(ticket=parent, actor=actor, body=f"Строка {number}")

    def register() -> None:
        for number in range(ROUNDS):
            User.objects.filter(pk=anna.pk).update(first_name=f"Анна {number}")

    calls = [follow_up] * WRITERS + [lambda: comment(customer(anna, Face.BOT))] * WRITERS
    calls += [lambda: comment(recording.agent(agent))] * WRITERS + [register]
    assert in_parallel(*calls) == [None] * len(calls)
    assert Ticket.objects.filter(parent=parent).count() == ROUNDS * WRITERS
    assert Comment.objects.count() == 2 * ROUNDS * WRITERS


@pytest.mark.django_db(transaction=True)
def test_two_agents_close_the_same_tickets_from_both_ends(anna, product):
    tickets = [factories.open_ticket(anna, product=product) for _number in range(10)]
    agents = [factories.SpecialistFactory(), factories.SpecialistFactory()]

    def close(chosen: list[Ticket], agent: User) -> int:
        done = 0
        for ticket in chosen:
            with suppress(AlreadyDone):
                services.change_status(
                    ticket=ticket,
                    to=TicketStatus.CLOSED,
                    actor=recording.agent(agent),
                    answer="Готово.",
                )
                done += 1
        return done

    both = in_parallel(lambda: close(tickets, agents[0]), lambda: close(tickets[::-1], agents[1]))
    assert sum(both) == 10
    assert not Ticket.objects.exclude(status=TicketStatus.CLOSED).exists()


@only_postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_comment", [True, False])
def test_merged_ticket_is_left_free(anna, agent, product, is_comment):
    """Who kept it and waited for the one that is left would stop a merge that wants both."""
    merged, left = (factories.open_ticket(anna, product=product) for _time in range(2))
    said = add_comment(ticket=merged, actor=customer(anna, Face.BOT), body="Ещё")
    merge_tickets(ticket=merged, into=left, actor=recording.agent(agent))

    def is_free(ticket: Ticket) -> bool:
        with transaction.atomic():
            rows = Ticket.objects.select_for_update(skip_locked=True)
            return rows.filter(pk=ticket.pk).first() is not None

    with transaction.atomic():
        if is_comment:
            recording.lock_of(said)  # as it was read before the merge
        else:
            recording.lock_led(merged)
        [free, taken] = in_parallel(lambda: is_free(merged), lambda: is_free(left))
    assert (free, taken) == (True, False)


@only_postgres
@pytest.mark.django_db(transaction=True)
def test_deadlock_is_tried_again():
    one, two = factories.UserFactory(), factories.UserFactory()
    both_hold = Barrier(2)
    tries = []

    def cross(first: User, second: User) -> None:
        def change() -> None:
            with transaction.atomic():
                tries.append(first)
                User.objects.filter(pk=first.pk).update(last_name=f"{first.pk}")
                if len(tries) <= 2:
                    both_hold.wait(10)
                User.objects.filter(pk=second.pk).update(last_name=f"{first.pk}")

        retry_once(change)

    assert in_parallel(lambda: cross(one, two), lambda: cross(two, one)) == [None, None]
    assert len(tries) == 3


@only_postgres
@pytest.mark.django_db(transaction=True)
def test_lost_connection_is_made_anew(anna, product):
    """The server has ended this process's session, as in a restart."""
    for _time in range(3):
        with transaction.atomic():
            pid = connection.cursor().execute("select pg_backend_pid()").fetchone()[0]
        in_parallel(lambda pid=pid: terminate(pid))
        factories.open_ticket(anna, product=product, files=[text_file()])
    assert Ticket.objects.count() == 3
    assert [content_of(row) for row in Attachment.objects.all()] == ["строка".encode()] * 3


def content_of(attachment: Attachment) -> bytes:
    with attachment.file.open() as file:
        return file.read()


def terminate(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s)", [pid])


def text_file() -> NewFile:
    content = ContentFile("строка".encode(), "a.txt")
    return NewFile("a.txt", content.size, content=content)


@pytest.mark.django_db(transaction=True)
def test_files_of_a_change_tried_again_are_kept_once(anna, product, monkeypatch):
    """The first try moved the uploaded file already."""
    failures = [True]
    real = services.record

    def fail_once(*args, **kwargs):
        if failures:
            failures.pop()
            raise OperationalError from FakeDeadlock()
        return real(*args, **kwargs)

    monkeypatch.setattr(services, "record", fail_once)
    factories.open_ticket(anna, product=product, files=[text_file()])
    assert content_of(Attachment.objects.get()) == "строка".encode()


class FakeDeadlock(Exception):
    sqlstate = "40P01"


class FakeServerError(Exception):
    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


def test_what_was_lost_in_the_commit_is_not_tried_again():
    tries = []

    def _commit() -> None:
        tries.append(1)
        raise OperationalError("server closed the connection unexpectedly")

    with pytest.raises(OperationalError):
        retry_once(_commit)
    assert len(tries) == 1


@pytest.mark.parametrize(
    ("error", "state", "expected"),
    [
        (OperationalError, "40P01", True),
        (OperationalError, "57P01", True),
        (OperationalError, "53100", True),
        (InternalError, "25006", True),
        (InternalError, "XX000", False),
        (OperationalError, "42P01", False),
    ],
)
def test_kinds_of_postgresql(error, state, expected):
    def fail() -> None:
        raise error from FakeServerError(state)

    with pytest.raises(error) as caught:
        fail()
    assert is_unavailable(caught.value) is expected


def test_missing_table_of_sqlite_is_our_own_fault(tmp_path):
    empty = sqlite3.connect(tmp_path / "empty.sqlite3")
    try:
        empty.execute("select 1 from nothing")
    except sqlite3.OperationalError as error:
        ours = OperationalError()
        ours.__cause__ = error
    empty.close()
    assert not is_unavailable(ours)


@pytest.mark.django_db(transaction=True)
def test_form_that_the_database_undid_acts_once_more(anna):
    tries = []

    def act(_files) -> dict[str, int]:
        tries.append(1)
        if len(tries) == 1:
            raise OperationalError("deadlock detected") from FakeDeadlock
        return {"try": len(tries)}

    done = once(Sending(anna, "comment", uuid4(), "x"), act)

    assert (done.made, done.is_new, len(tries)) == ({"try": 2}, True, 2)
