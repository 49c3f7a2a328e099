"""The database can be read and not written, then it can: what was refused is said again, once.

How it goes stands in outage.py.
"""

from collections.abc import Iterator

import pytest

from telegram_bot.models import IncomingUpdate
from tests.journeys.conftest import is_quiet, open_cards, open_tickets
from tests.journeys.crowd import problems
from tests.journeys.processes import Processes, filled_in, wait_until
from tickets.models import Comment

pytestmark = pytest.mark.journey

PATIENCE = 60.0


@pytest.fixture
def read_only_for_a_while(processes) -> Iterator[Processes]:
    yield processes
    processes.forget_logs("web", "worker", "bot")  # they told of it, which is no fault of theirs


def test_words_for_a_database_that_can_only_be_read(read_only_for_a_while, sandbox, visit):
    processes = read_only_for_a_while
    ticket = open_tickets(sandbox, "anna")["anna"]
    card = open_cards(sandbox, {"anna": ticket})["anna"]
    anna = visit("anna")
    path = f"/tickets/{ticket.pk}/"
    values = filled_in(anna.open(path), path, f"{path}comment/", {"body": "Портал 0"})

    with processes.database_read_only():
        told = problems(processes)
        before = len(sandbox.requests(method="getUpdates"))
        sandbox.send("anna", "Чат 0", reply_to=card["message_id"])
        refused = anna.press(f"{path}comment/", values)
        assert "Портал 0" not in anna.open(path)  # it can still be read
        # it is handed out again: the bot has failed to keep it
        wait_until(lambda: len(sandbox.requests(method="getUpdates")) >= before + 2, PATIENCE)
        kept = (Comment.objects.count(), IncomingUpdate.objects.filter(processed_at=None).count())

    assert told == ["database"]
    assert refused.status_code == 503
    assert "повторите" in refused.text
    assert kept == (0, 0)  # Telegram has the update still

    for _press in range(2):
        assert "Портал 0" in anna.press(f"{path}comment/", values).text
    wait_until(lambda: Comment.objects.filter(body="Чат 0").exists(), PATIENCE)
    assert is_quiet(PATIENCE)
    assert sorted(Comment.objects.values_list("body", flat=True)) == ["Портал 0", "Чат 0"]
    said = [row["text"] for row in sandbox.from_bot("anna")]
    assert sum("Комментарий добавлен" in text for text in said) == 1
    wait_until(lambda: problems(processes) == [], PATIENCE)
