"""A PIN, a letter and a file are on their way when the worker dies, before or after they are taken.

What was not taken goes anew. What was taken, without anybody knowing, may come a second time.
"""

import os
import re
import signal
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone
from django_q.models import Schedule

from accounts.models import LinkPin
from telegram_bot.models import TelegramFile
from tests import factories
from tests.journeys.conftest import PHONES, is_quiet, open_cards, open_tickets, person
from tests.journeys.processes import Processes, run_safety_net, wait_until
from tests.local_telegram import Json, Sandbox
from tickets import recording
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.leases import DOWNLOADS
from tickets.models import Attachment, Delivery, Lease, Ticket

pytestmark = pytest.mark.journey

PATIENCE = 60.0
PLAN = b"1. Check the network rules\n"
# How the mail server holds up a letter, and how many of it arrive in the end
LETTERS = pytest.mark.parametrize(
    ("held_up", "arrive"), [("smtp_slow", 1), ("smtp_lost_answer", 2)], ids=["untaken", "taken"]
)


@pytest.fixture
def ticket(sandbox, processes, settings) -> Ticket:
    settings.MEDIA_ROOT = processes.media  # the agent of this process and the others share files
    ticket = open_tickets(sandbox, "boris")["boris"]
    assert is_quiet(PATIENCE)
    return ticket


def answer(ticket: Ticket, words: str, *files: NewFile) -> None:
    add_comment(ticket=ticket, actor=recording.agent(person("igor")), body=words, files=files)


def plan() -> NewFile:
    return NewFile("план.txt", len(PLAN), "text/plain", ContentFile(PLAN, name="plan"))


def replace_worker(processes: Processes) -> None:
    """Kill it, and let the next one find everything due, as if the claims had run out."""
    processes.kill("worker")
    processes.sandbox.clear_faults()
    now = timezone.now()
    Delivery.objects.filter(state=Delivery.State.QUEUED).update(due_at=now)
    LinkPin.objects.filter(sent_at=None).update(mail_due_at=now)
    processes.launch("worker")
    run_safety_net()


def is_under_way(sandbox: Sandbox, held_up: str, words: str, tried: Callable[[], bool]) -> bool:
    """Claimed and not recorded; where the server takes a letter at once, it stands there."""
    return tried() and (held_up == "smtp_slow" or len(letters(sandbox, words)) == 1)


def letters(sandbox: Sandbox, words: str) -> list[Json]:
    """Letters with those words, the newest first."""
    return [row for row in sandbox.mail() if words in row["subject"] + row["text"]]


@LETTERS
def test_newest_pin_is_good_after_a_kill(processes, sandbox, held_up, arrive):
    factories.BotRegistrationFactory(user=person("anna"), phone=PHONES["anna"])
    sandbox.start("anna")
    sandbox.wait_for("anna", "Шаг 1 из 2")
    sandbox.fault(held_up, seconds=60)

    sandbox.contact("anna")
    tried = LinkPin.objects.filter(mail_attempts=1)
    wait_until(lambda: is_under_way(sandbox, held_up, "ПИН-код", tried.exists), PATIENCE)
    replace_worker(processes)
    wait_until(lambda: LinkPin.objects.exclude(sent_at=None).exists(), PATIENCE)

    newest, *older = [
        re.findall(r"\b[0-9]{6}\b", row["text"])[0] for row in letters(sandbox, "ПИН-код")
    ]
    assert len(older) == arrive - 1
    for code in older:
        sandbox.send("anna", code)
        sandbox.wait_for("anna", "Код не подошёл")
    sandbox.send("anna", newest)
    sandbox.wait_for("anna", "Регистрация завершена")


def test_code_counts_though_its_worker_was_killed_before_it_knew(processes, sandbox):
    factories.BotRegistrationFactory(user=person("anna"), phone=PHONES["anna"])
    sandbox.start("anna")
    sandbox.wait_for("anna", "Шаг 1 из 2")
    sandbox.fault("smtp_lost_answer", seconds=60)

    sandbox.contact("anna")
    sandbox.wait_for("anna", "Отправляю ПИН-код")
    [letter] = wait_until(lambda: letters(sandbox, "ПИН-код"), PATIENCE)
    processes.kill("worker")
    sandbox.send("anna", re.findall(r"\b[0-9]{6}\b", letter["text"])[0])

    sandbox.wait_for("anna", "Регистрация завершена")
    assert LinkPin.objects.get().sent_at is None
    assert len(letters(sandbox, "ПИН-код")) == 1


@LETTERS
def test_letter_arrives_after_a_kill(processes, sandbox, ticket, held_up, arrive):
    sandbox.fault(held_up, seconds=60)

    answer(ticket, "Ответ 0")
    mail = Delivery.objects.filter(channel="email", event__comment__body="Ответ 0")
    tried = mail.filter(attempts=1, state=Delivery.State.QUEUED)
    wait_until(lambda: is_under_way(sandbox, held_up, "Ответ 0", tried.exists), PATIENCE)
    replace_worker(processes)
    wait_until(lambda: mail.filter(state=Delivery.State.SENT).exists(), PATIENCE)

    assert is_quiet(PATIENCE)
    found = letters(sandbox, "Ответ 0")
    assert len(found) == arrive
    assert len({row["headers"]["Message-ID"] for row in found}) == 1  # mail programs show one


def test_file_reaches_the_chat_after_a_kill(processes, sandbox, ticket):
    """Telegram goes on with what it was sent by somebody who is no more."""
    sandbox.fault("slow", method="sendDocument", seconds=2)

    answer(ticket, "План работ", plan())
    file = Delivery.objects.filter(kind="file")
    wait_until(lambda: file.filter(attempts=1, state=Delivery.State.QUEUED).exists(), PATIENCE)
    replace_worker(processes)
    wait_until(lambda: file.filter(state=Delivery.State.SENT).exists(), PATIENCE)

    assert is_quiet(PATIENCE)
    names = [row["media"]["name"] for row in sandbox.from_bot("boris") if row["media"]]
    assert set(names) == {"план.txt"}
    assert len(names) <= 2
    assert Attachment.objects.get().file.size == len(PLAN)
    said = [row["text"] or "" for row in sandbox.from_bot("boris")]
    assert sum("План работ" in text for text in said) == 1


def test_file_from_a_chat_is_fetched_soon_after_a_kill(processes, sandbox, ticket):
    """The bot looks after it: nobody waits for what is done every minute."""
    card = open_cards(sandbox, {"boris": ticket})["boris"]
    sandbox.fault("trickle", method="file", seconds=120)
    sandbox.files("boris", ("plan.txt", PLAN * 100), caption="План", reply_to=card["message_id"])
    wait_until(lambda: TelegramFile.objects.filter(attempts=1).exists(), PATIENCE)

    sandbox.clear_faults()
    minute = timedelta(seconds=110)  # nobody takes so long a wait for one of a wrong clock
    Schedule.objects.update(next_run=timezone.now() + minute)
    holder = Lease.objects.get(pk=DOWNLOADS).owner
    os.kill(int(holder.rpartition(":")[2]), signal.SIGKILL)

    wait_until(lambda: Attachment.objects.filter(state=Attachment.State.READY).exists(), 100)
    assert TelegramFile.objects.get().attempts == 2
    assert is_quiet(PATIENCE)


@pytest.mark.one_database
def test_letter_too_large_for_the_server_comes_without_its_file(processes, sandbox, ticket):
    sandbox.fault("smtp_too_large")

    answer(ticket, "План работ", plan())
    answer(ticket, "Жду ответа")

    assert sandbox.wait_for_mail("Жду ответа", PATIENCE)
    assert is_quiet(PATIENCE)
    [letter] = letters(sandbox, "План работ")
    assert letter["attachments"] == []
    assert f"{processes.url}/tickets/{ticket.pk}/" in letter["text"]
    assert len(letters(sandbox, "Жду ответа")) == 1
