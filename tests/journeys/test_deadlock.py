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
# In the server, at once: whoever waits looks for a deadlock after a second, and only then. It is
# the comment that must find it, so the other never looks.
WAIT_FOR_EACH_OTHER = """
DO $$
BEGIN
    WHILE NOT EXISTS (
        SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
    ) LOOP
        PERFORM pg_sleep(0.005);
    END LOOP;
    PERFORM FROM accounts_usage WHERE user_id = {user} FOR UPDATE;
END $$
"""


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
    other.execute("SET LOCAL deadlock_timeout = '1h'; SET LOCAL statement_timeout = '60s'")
    other.execute("SELECT 1 FROM tickets_ticket WHERE id = %s FOR UPDATE", [ticket.pk])
    with meanwhile(speak):
        other.execute(WAIT_FOR_EACH_OTHER.format(user=person("anna").pk))
        other.connection.rollback()


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
