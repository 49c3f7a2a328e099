"""The server ends a deadlock by undoing one of the two: that one tries again, and acts once."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from tests.journeys.conftest import is_quiet, open_cards, open_tickets, person
from tests.journeys.crowd import meanwhile
from tests.journeys.processes import connect, wait_until
from tickets.models import Comment, Ticket

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="SQLite lets one write at a time: no deadlocks"
    ),
]

TRIED_AGAIN = "Tried again: DeadlockDetected"
BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"


@pytest.fixture
def other(database, processes) -> Iterator[Any]:
    """Somebody else's transaction in the database of the processes."""
    somebody = connect(database)
    somebody.set_autocommit(False)
    with somebody.cursor() as cursor:
        yield cursor
    somebody.rollback()
    somebody.close()


def collide(other: Any, ticket: Ticket, speak: Callable[[], Any]) -> None:
    """Take the ticket that a comment waits for, then what the comment has taken before it."""
    other.execute("SELECT pg_backend_pid()")
    [pid] = other.fetchone()
    other.execute("SELECT 1 FROM tickets_ticket WHERE id = %s FOR UPDATE", [ticket.pk])
    with meanwhile(speak):
        wait_until(lambda: _is_waited_for(pid))
        # whoever has waited for a second looks for a deadlock: that is the comment
        other.execute(
            "SELECT 1 FROM accounts_usage WHERE user_id = %s FOR UPDATE", [person("anna").pk]
        )
        other.connection.rollback()


def _is_waited_for(pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(BLOCKED, [pid])
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize(("face", "process"), [("portal", "web"), ("chat", "bot")])
def test_comment_in_a_deadlock_is_tried_once_more(processes, sandbox, visit, other, face, process):
    ticket = open_tickets(sandbox, "anna")["anna"]
    card = open_cards(sandbox, {"anna": ticket})["anna"]["message_id"]
    anna = visit("anna")
    path = f"/tickets/{ticket.pk}/"

    def write(words: str) -> None:
        if face == "portal":
            anna.submit(path, {"body": words}, to=f"{path}comment/")
        else:
            sandbox.send("anna", words, reply_to=card)

    write("Строка 0")  # from now on her changes are counted in a row
    wait_until(lambda: Comment.objects.count() == 1)
    assert is_quiet()
    before = processes.logs()[process].count(TRIED_AGAIN)

    collide(other, ticket, lambda: write("Строка 1"))

    wait_until(lambda: Comment.objects.count() == 2)
    assert is_quiet()
    assert processes.logs()[process].count(TRIED_AGAIN) == before + 1
    bodies = "\n\n".join(Comment.objects.order_by("pk").values_list("body", flat=True))
    assert bodies.split() == ["Строка", "0", "Строка", "1"]
    assert anna.open(path).count("Строка 1") == 1
