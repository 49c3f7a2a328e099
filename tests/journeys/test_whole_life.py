"""The life of a ticket over real processes, as it is and with the worker killed at each change."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from tests.journeys.conftest import is_quiet, open_cards, open_tickets, person
from tests.journeys.processes import Processes, wait_until
from tests.local_telegram import Json, Sandbox
from tickets import recording, services
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.models import Attachment, Ticket
from tickets.status import TicketStatus

pytestmark = pytest.mark.journey

PLAN = b"1. Check the network rules\n"
LOG = b"14:20 replica: connection refused\n"


class Desk:
    """An agent's changes; with `killed`, the worker dies before it could tell of them."""

    def __init__(self, processes: Processes, sandbox: Sandbox, *, killed: bool) -> None:
        self.processes, self.sandbox, self.killed = processes, sandbox, killed
        self.igor = recording.agent(person("igor"))

    def change(self, change: Callable[[], object], words: str) -> Json:
        before = self.sandbox.messages("anna")[-1]["message_id"]
        if self.killed:
            assert is_quiet()  # what was sent is also recorded, so it may not come again
            self.processes.kill("worker")
        change()
        if self.killed:
            self.processes.launch("worker")
        return self.sandbox.wait_for("anna", words, after=before)

    def resolve(self, ticket: Ticket, answer: str) -> Json:
        return self.change(
            lambda: services.change_status(
                ticket=ticket, to=TicketStatus.RESOLVED, actor=self.igor, answer=answer
            ),
            answer,
        )


@pytest.mark.parametrize("killed", [False, True], ids=["as it is", "worker killed"])
def test_whole_life_of_a_ticket(processes, sandbox, killed, settings):
    settings.MEDIA_ROOT = processes.media  # the agent of this process and the others share files
    tickets = open_tickets(sandbox, "anna")
    ticket, card = tickets["anna"], open_cards(sandbox, tickets)["anna"]
    desk = Desk(processes, sandbox, killed=killed)

    sandbox.files("anna", ("replica.log", LOG), caption="Журнал", reply_to=card["message_id"])
    sandbox.wait_for("anna", f"Комментарий добавлен к № {ticket.pk}")
    plan = NewFile("план.txt", len(PLAN), "text/plain", ContentFile(PLAN, name="plan"))
    desk.change(
        lambda: add_comment(ticket=ticket, actor=desk.igor, body="План работ", files=[plan]),
        "План работ",
    )
    wait_until(lambda: files_from_bot(sandbox) == ["план.txt"])

    resolved = desk.resolve(ticket, "Реплика пересоздана")
    sandbox.press("anna", "↩️ Вернуть в работу", resolved)
    sandbox.press("anna", "Да", sandbox.wait_for("anna", "Вернуть заявку"))
    sandbox.wait_for("anna", "Напишите причину возврата")
    sandbox.send("anna", "Отставание снова растёт")
    sandbox.wait_for("anna", "снова в работе")

    resolved = desk.resolve(ticket, "Диск заменён")
    sandbox.press("anna", "⭐ Оценить выполнение", resolved)
    sandbox.press("anna", "5 😀", sandbox.wait_for("anna", "Оцените выполнение"))
    sandbox.wait_for("anna", "Оценка: ⭐⭐⭐⭐⭐")

    assert is_quiet()
    ticket.refresh_from_db()
    assert (ticket.status, ticket.score) == (TicketStatus.CLOSED, 5)
    assert [comment.body for comment in ticket.comments.all()] == [
        "Журнал", "План работ", "Реплика пересоздана", "Отставание снова растёт", "Диск заменён",
    ]  # fmt: skip
    files = Attachment.objects.filter(ticket=ticket)
    stored = {file.name: Path(file.file.path).read_bytes() for file in files}
    assert stored == {"replica.log": LOG, "план.txt": PLAN}
    told = [row["text"] or "" for row in sandbox.from_bot("anna")]
    for words in ("План работ", "Реплика пересоздана", "снова в работе", "Оценка: ⭐"):
        assert sum(words in text for text in told) == 1
    assert files_from_bot(sandbox) == ["план.txt"]


def files_from_bot(sandbox: Sandbox) -> list[str]:
    return [row["media"]["name"] for row in sandbox.from_bot("anna") if row["media"]]
