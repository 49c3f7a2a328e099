"""kill -9 and SIGTERM at every step: nothing is lost, everything takes effect once."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import LinkPin, MessengerAccount
from sandbox import BOT_ID
from telegram_bot.models import IncomingUpdate
from tests import factories
from tests.journeys.conftest import (
    PHONES,
    TELEGRAM_IDS,
    is_quiet,
    link,
    open_cards,
    open_tickets,
    person,
)
from tests.journeys.processes import STOP_LIMIT, Processes, run_safety_net, wait_until
from tests.local_telegram import Json, Sandbox
from tickets import recording, services
from tickets.models import Attachment, Comment, Delivery, Lease, Priority, Ticket

pytestmark = pytest.mark.journey

LOG = b"14:20 replica: connection refused\n"
TITLE, DESCRIPTION = "Не подключается реплика", "После перезапуска в 14:20"


@dataclass(frozen=True)
class Step:
    """What a person does, and the words by which the bot's answer is known."""

    act: Callable[[Sandbox], Json]
    answer: str


def send(text: str) -> Callable[[Sandbox], Json]:
    return lambda sandbox: sandbox.send("anna", text)


def press(label: str) -> Callable[[Sandbox], Json]:
    return lambda sandbox: sandbox.press("anna", label, wait=0)


def send_pin(sandbox: Sandbox) -> Json:
    letter = sandbox.wait_for_mail("ПИН-код")
    return sandbox.send("anna", re.findall(r"\b[0-9]{6}\b", letter["text"])[0])


def reply_to_ticket(sandbox: Sandbox) -> Json:
    created = [row for row in sandbox.from_bot("anna") if "создана" in row["text"]]
    return sandbox.send("anna", "Стало хуже", reply_to=created[-1]["message_id"])


LINKING = [
    Step(lambda sandbox: sandbox.start("anna"), "Шаг 1 из 2"),
    Step(lambda sandbox: sandbox.contact("anna"), "Шаг 2 из 2"),
    Step(send_pin, "Регистрация завершена"),
]
NEW_TICKET = [
    Step(send("/new"), "Выберите продукт"),
    Step(press("Базы данных"), "Кратко опишите проблему"),
    Step(send(TITLE), "Опишите проблему подробно"),
    Step(send(DESCRIPTION), "Отправьте файл, фото или видео"),
    Step(lambda sandbox: sandbox.files("anna", ("replica.log", LOG)), "Принято: 1 файл"),
    Step(press("✅ Дальше"), "Проверьте заявку"),
    Step(send("Да"), "создана"),
    Step(reply_to_ticket, "Комментарий добавлен"),
]


# The bot, at each step of linking (R2) and of a new ticket (R3)


def kill_before(processes: Processes, act: Callable[[], Json], _number: int) -> None:
    processes.kill("bot")
    act()


def kill_on_the_way(processes: Processes, act: Callable[[], Json], number: int) -> None:
    """Each time a little later: while the update is fetched, stored, worked off or answered."""
    act()
    time.sleep(number * 0.003)
    processes.kill("bot")


def kill_while_answering(processes: Processes, act: Callable[[], Json], _number: int) -> None:
    """The step is committed and its answer on the way, but nobody knows that it arrived."""
    processes.sandbox.fault("slow", seconds=0.3)
    update = IncomingUpdate.objects.filter(update_id=act()["update_id"])
    wait_until(lambda: update.exclude(processed_at=None).exists())
    processes.kill("bot")


@pytest.mark.parametrize("kill", [kill_before, kill_on_the_way, kill_while_answering])
def test_bot_killed_at_every_step(processes, sandbox, kill):
    factories.BotRegistrationFactory(user=person("anna"), phone=PHONES["anna"])

    for number, step in enumerate([*LINKING, *NEW_TICKET]):
        kill(processes, lambda step=step: step.act(sandbox), number)
        processes.launch("bot")
        sandbox.wait_for("anna", step.answer)
        wait_until(lambda: not IncomingUpdate.objects.exclude(reply_due_at=None).exists())

    require_one_of_everything(sandbox)
    twice = 1 if kill is kill_before else 2  # an answer may come again, never a deed
    answers = answers_given(sandbox)
    assert {words: count for words, count in answers.items() if not 1 <= count <= twice} == {}


def require_one_of_everything(sandbox: Sandbox) -> None:
    assert is_quiet()
    assert LinkPin.objects.count() == 1
    assert MessengerAccount.objects.get().address == str(TELEGRAM_IDS["anna"])
    ticket = Ticket.objects.get()
    assert (ticket.title, ticket.description) == (TITLE, DESCRIPTION)
    assert ticket.product.name == "Базы данных"
    attachment = Attachment.objects.get()
    assert (attachment.ticket, attachment.name) == (ticket, "replica.log")
    assert (attachment.state, attachment.size) == (Attachment.State.READY, len(LOG))
    comment = Comment.objects.get()
    assert (comment.ticket, comment.body) == (ticket, "Стало хуже")
    assert not IncomingUpdate.objects.exclude(error="").exists()
    subjects = " ".join(letter["subject"] for letter in sandbox.mail())
    assert (subjects.count("ПИН-код"), subjects.count("Telegram связан")) == (1, 1)


def answers_given(sandbox: Sandbox) -> dict[str, int]:
    """How often each answer stands in the chat; choices edit one message, so only its last."""
    said = [message["text"] for message in sandbox.from_bot("anna")]
    edited = {"Выберите продукт"}
    words = [step.answer for step in [*LINKING, *NEW_TICKET] if step.answer not in edited]
    return {wanted: sum(wanted in text for text in said) for wanted in words}


def test_person_goes_on_while_the_bot_is_down(processes, sandbox):
    factories.BotRegistrationFactory(user=person("anna"), phone=PHONES["anna"])
    start, contact, pin = LINKING

    processes.kill("bot")
    start.act(sandbox)
    contact.act(sandbox)
    processes.launch("bot")
    pin.act(sandbox)
    processes.kill("bot")
    sandbox.send("anna", "/new")
    processes.launch("bot")
    sandbox.wait_for("anna", "Выберите продукт")
    sandbox.press("anna", "Базы данных")
    sandbox.wait_for("anna", "Кратко опишите проблему")
    processes.kill("bot")
    sandbox.send("anna", TITLE)
    sandbox.send("anna", DESCRIPTION)
    sandbox.files("anna", ("replica.log", LOG))
    sandbox.send("anna", "Дальше")
    sandbox.send("anna", "Да")
    processes.launch("bot")
    sandbox.wait_for("anna", "создана")
    reply_to_ticket(sandbox)

    sandbox.wait_for("anna", "Комментарий добавлен")
    require_one_of_everything(sandbox)
    assert set(answers_given(sandbox).values()) == {1}


def test_answer_left_by_a_killed_bot_comes_before_later_ones(processes, sandbox):
    link(sandbox, "anna")
    assert is_quiet()
    before = sandbox.last("anna")["message_id"]

    sandbox.fault("reset", method="sendMessage", seconds=60)  # the kill comes before
    update = IncomingUpdate.objects.filter(update_id=sandbox.send("anna", "/help")["update_id"])
    wait_until(lambda: update.exclude(processed_at=None).exists())
    processes.kill("bot")
    sandbox.clear_faults()
    sandbox.send("anna", "/tickets")
    processes.launch("bot")

    sandbox.wait_for("anna", "Открытых заявок нет")
    assert is_quiet()
    said = [row["text"] for row in sandbox.from_bot("anna") if row["message_id"] > before]
    assert ["Что я умею" in text for text in said] == [True, False]


# The worker, between an event and its notices


def change_priority(ticket: Ticket, times: int) -> list[str]:
    """Events of an agent that nobody else causes; the words of their notices, in order."""
    igor = recording.agent(person("igor"))
    ways = [Priority.HIGH, Priority.CRITICAL, Priority.LOW, Priority.MEDIUM]
    words = []
    for number in range(times):
        old, new = ways[number % 4 - 1], ways[number % 4]
        services.set_priority(ticket=ticket, priority=new, actor=igor)
        words.append(f"{old.label} → {new.label}")
    return words


def notices(sandbox: Sandbox, username: str) -> list[str]:
    """The changes of priority told in a chat, in the order they came."""
    said = [message["text"] for message in sandbox.from_bot(username)]
    found = [text.splitlines()[0].partition("приоритет: ")[2] for text in said]
    return [re.sub(r"[^\w →]+", "", text).replace("  ", " ").strip() for text in found if text]


def test_worker_killed_between_event_and_notice(processes, sandbox):
    tickets = open_tickets(sandbox, "anna", "boris")

    processes.kill("worker")
    expected = {name: change_priority(ticket, 4) for name, ticket in tickets.items()}
    processes.launch("worker")

    wait_until(lambda: all(len(notices(sandbox, name)) >= 4 for name in tickets))
    assert is_quiet()
    assert {name: without_icons(notices(sandbox, name)) for name in tickets} == expected


def without_icons(lines: list[str]) -> list[str]:
    return [" ".join(re.findall(r"[А-Яа-яё→]+", line)) for line in lines]


def test_worker_killed_in_the_middle_of_a_drain(processes, sandbox):
    tickets = open_tickets(sandbox, "anna", "boris", "viktor")
    sandbox.fault("slow", method="sendMessage", seconds=1, times=None)  # it is still at it
    sent = Delivery.objects.filter(channel="telegram", state=Delivery.State.SENT)

    expected = {name: change_priority(ticket, 5) for name, ticket in tickets.items()}
    wait_until(lambda: sent.count() >= 4)
    processes.kill("worker")
    left = Delivery.objects.filter(channel="telegram", state=Delivery.State.QUEUED)
    assert left.update(due_at=timezone.now()) > 0  # as if the claim of the killed had run out
    sandbox.clear_faults()
    processes.launch("worker")
    run_safety_net()

    wait_until(lambda: sent.count() == 15)
    assert is_quiet()
    for name in tickets:
        told = without_icons(notices(sandbox, name))
        once = [
            line for place, line in enumerate(told) if line not in told[max(0, place - 1) : place]
        ]
        assert once == expected[name]
        assert len(told) <= len(once) + 1  # the one that was on the way


# Ending the bot


@pytest.mark.one_database
def test_idle_bot_ends_at_once_on_sigterm(processes, sandbox):
    link(sandbox, "anna")
    assert is_quiet()
    sandbox.fault("slow", method="getUpdates", seconds=60)
    sandbox.send("anna", "/help")  # ends the poll under way: the next one is held up
    sandbox.wait_for("anna", "Что я умею")
    assert is_quiet()
    wait_until(lambda: sandbox.faults() == [])

    code, seconds = processes.stop("bot")

    assert code == 0
    assert seconds < 13  # it does not wait for the poll under way, which it gives up after 15


def test_busy_bot_ends_in_time_on_sigterm_and_loses_nothing(processes, sandbox):
    tickets = open_tickets(sandbox, "anna", "boris", "viktor")
    cards = open_cards(sandbox, tickets)
    sandbox.fault("slow", method="sendMessage", seconds=1, times=None)

    for number in range(10):
        for name, card in cards.items():
            sandbox.send(name, f"Строка {number}", reply_to=card["message_id"])
    wait_until(lambda: Comment.objects.count() >= 6)
    code, seconds = processes.stop("bot")
    left = 30 - Comment.objects.count()
    sandbox.clear_faults()
    processes.launch("bot")

    assert code == 0
    assert seconds < STOP_LIMIT
    assert left > 0
    wait_until(lambda: Comment.objects.count() == 30)
    assert is_quiet()
    for name, ticket in tickets.items():
        lines = list(ticket.comments.order_by("pk").values_list("body", flat=True))
        assert lines == [f"Строка {number}" for number in range(10)]
        answers = [row for row in sandbox.from_bot(name) if "Комментарий добавлен" in row["text"]]
        assert len(answers) == 10


def test_second_bot_names_the_first_and_ends(processes, sandbox):
    link(sandbox, "anna")
    first = processes.children["bot"]
    assert first.process

    second = processes.run_bot()

    assert second.returncode != 0
    assert f":{first.process.pid}. Второй опрос не начат." in second.stderr
    assert "Traceback" not in second.stderr
    assert first.is_running()
    sandbox.send("anna", "/help")
    sandbox.wait_for("anna", "Что я умею")


def test_new_bot_takes_over_at_once_from_a_killed_one(processes, sandbox):
    link(sandbox, "anna")

    processes.kill("bot")
    lease = Lease.objects.get(pk=f"poller:{BOT_ID}")
    Lease.objects.filter(pk=lease.pk).update(until=timezone.now() + timedelta(minutes=10))
    processes.launch("bot")

    wait_until(lambda: Lease.objects.get(pk=lease.pk).owner != lease.owner)
