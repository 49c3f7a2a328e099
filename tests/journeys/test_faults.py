"""Telegram, mail and database at their worst: the rest goes on, everything arrives once."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import LinkPin, MessengerAccount
from tests import factories
from tests.journeys.conftest import (
    PHONES,
    is_quiet,
    open_cards,
    open_tickets,
    person,
)
from tests.journeys.crowd import at_once, numbered, once
from tests.journeys.processes import wait_until
from tests.local_telegram import Sandbox
from tickets import recording
from tickets.comments import add_comment
from tickets.models import Comment, Delivery, Ticket, TicketEvent

pytestmark = pytest.mark.journey

ROUNDS = [
    {"anna": "500", "boris": "reset", "viktor": "bad_json"},
    {"anna": "lost_answer", "boris": "timeout"},
]
LONG = 300  # seconds: more than the test takes
TELEGRAM_SENT = Delivery.objects.filter(channel="telegram", state=Delivery.State.SENT)


def answer(ticket: Ticket, text: str) -> None:
    add_comment(ticket=ticket, actor=recording.agent(person("igor")), body=text)


def told(sandbox: Sandbox, username: str, words: str) -> list[str]:
    """The texts with those words in a chat, as often and in the order they came."""
    found = [re.findall(rf"{words} \d+", row["text"]) for row in sandbox.from_bot(username)]
    return [text for texts in found for text in texts]


# Notices


def test_chat_that_is_told_to_wait_delays_only_itself(processes, sandbox):
    tickets = open_tickets(sandbox, "anna", "boris")
    sandbox.fault("429", method="sendMessage", chat="anna", retry_after=LONG)

    for number in range(3):
        for ticket in tickets.values():
            answer(ticket, f"Ответ {number}")
    wait_until(lambda: told(sandbox, "boris", "Ответ") == numbered("Ответ", 3))

    assert told(sandbox, "anna", "Ответ") == []
    first = Delivery.objects.filter(channel="telegram", recipient__username="anna").earliest("pk")
    rows = Delivery.objects.filter(pk=first.pk)
    wait_until(rows.filter(attempts=1).exclude(error="").exists)
    assert rows.get().due_at > timezone.now() + timedelta(seconds=LONG / 2)
    rows.update(due_at=timezone.now())  # as if it had passed
    wait_until(lambda: told(sandbox, "anna", "Ответ") == numbered("Ответ", 3))
    wait_until(lambda: rows.get().attempts == 2)


@pytest.mark.one_database
def test_person_who_blocked_the_bot_is_told_by_mail(processes, sandbox):
    ticket = open_tickets(sandbox, "anna")["anna"]

    sandbox.block("anna")
    wait_until(lambda: MessengerAccount.objects.get().unreachable_at)
    answer(ticket, "Ответ 0")
    sandbox.wait_for_mail("Ответ 0")
    assert not Delivery.objects.filter(event__comment__body="Ответ 0", channel="telegram").exists()
    answer(ticket, "Ответ 1")
    sandbox.wait_for_mail("Ответ 1")
    sandbox.start("anna")
    wait_until(lambda: MessengerAccount.objects.get().unreachable_at is None)
    answer(ticket, "Ответ 2")
    wait_until(lambda: told(sandbox, "anna", "Ответ") == ["Ответ 2"])


@pytest.mark.parametrize("kinds", ROUNDS)
def test_notice_arrives_after_a_failed_call(processes, sandbox, kinds):
    tickets = open_tickets(sandbox, *kinds)
    for name, kind in kinds.items():
        sandbox.fault(kind, method="sendMessage", chat=name)

    for number in range(2):
        for ticket in tickets.values():
            answer(ticket, f"Ответ {number}")

    wait_until(lambda: TELEGRAM_SENT.all().count() == 2 * len(kinds))
    for name, kind in kinds.items():
        texts = told(sandbox, name, "Ответ")
        assert once(texts) == numbered("Ответ", 2)
        assert len(texts) == (3 if kind == "lost_answer" else 2)


# The bot's own calls


@pytest.mark.parametrize("kinds", ROUNDS)
def test_comment_is_added_once_when_its_answer_fails(processes, sandbox, kinds):
    tickets = open_tickets(sandbox, *kinds)
    cards = open_cards(sandbox, tickets)
    for name, kind in kinds.items():
        sandbox.fault(kind, method="sendMessage", chat=name)

    for name, card in cards.items():
        sandbox.send(name, "Строка 0", reply_to=card["message_id"])

    for name, kind in kinds.items():
        sandbox.wait_for(name, "Комментарий добавлен")
        assert is_quiet()
        assert Comment.objects.get(ticket=tickets[name]).body == "Строка 0"
        added = [row for row in sandbox.from_bot(name) if "Комментарий добавлен" in row["text"]]
        assert len(added) == (2 if kind == "lost_answer" else 1)


def test_polling_goes_on_after_every_failure(processes, sandbox):
    tickets = open_tickets(sandbox, "anna")
    card = open_cards(sandbox, tickets)["anna"]["message_id"]

    for number, kind in enumerate(["500", "reset", "bad_json", "lost_answer", "timeout"]):
        sandbox.fault(kind, method="getUpdates", seconds=2 if kind == "timeout" else None)
        # the first comes with the poll that waits already, the second meets the fault
        sandbox.send("anna", f"Строка {2 * number}", reply_to=card)
        sandbox.send("anna", f"Строка {2 * number + 1}", reply_to=card)
        wait_until(lambda wanted=2 * number + 2: Comment.objects.count() >= wanted)

    assert is_quiet()
    lines = list(Comment.objects.order_by("pk").values_list("body", flat=True))
    assert lines == numbered("Строка", 10)
    added = [row for row in sandbox.from_bot("anna") if "Комментарий добавлен" in row["text"]]
    assert len(added) == 10


@pytest.mark.one_database
def test_wrong_token_is_refused_without_being_told(processes, sandbox):
    token = "7000000002:" + "w" * 35

    done = processes.run_bot(TELEGRAM_BOT_TOKEN=token)

    assert done.returncode != 0
    assert "Telegram не принял TELEGRAM_BOT_TOKEN" in done.stderr
    assert "Traceback" not in done.stderr
    assert "w" * 35 not in done.stdout + done.stderr


# Mail


def test_pin_arrives_once_mail_is_back(processes, sandbox):
    factories.BotRegistrationFactory(user=person("anna"), phone=PHONES["anna"])
    sandbox.fault("smtp_down", times=None)
    sandbox.start("anna")
    sandbox.wait_for("anna", "Шаг 1 из 2")

    processes.kill("worker")
    sandbox.contact("anna")
    sandbox.wait_for("anna", "Отправляю ПИН-код")
    assert LinkPin.objects.get().mail_attempts == 0  # the answer does not wait for the mail
    processes.launch("worker")
    sandbox.wait_for("anna", "Почта пока не принимает письмо")
    sandbox.send("anna", "123456")
    sandbox.wait_for("anna", "Письмо с кодом ещё не ушло")
    wait_until(lambda: LinkPin.objects.get().mail_attempts >= 2)
    sandbox.clear_faults()

    letter = sandbox.wait_for_mail("ПИН-код")
    pin = wait_until(lambda: LinkPin.objects.exclude(sent_at=None).first())
    assert (pin.expires_at - pin.sent_at).total_seconds() == 600
    sandbox.send("anna", re.findall(r"\b[0-9]{6}\b", letter["text"])[0])
    sandbox.wait_for("anna", "Регистрация завершена")
    delayed = [row for row in sandbox.from_bot("anna") if "Почта пока" in row["text"]]
    assert len(delayed) == 1


# The database


def test_everybody_writes_at_once(processes, sandbox, visit):
    """Three chats and an agent's desk; the logs are searched for a locked database afterwards."""
    tickets = open_tickets(sandbox, "anna", "boris", "viktor")
    cards = open_cards(sandbox, tickets)
    desk = visit("igor")
    others = [factories.open_ticket(person(name)) for name in ("anna", "boris", "viktor", "boris")]

    def write(name: str) -> None:
        for number in range(20):
            sandbox.send(name, f"Строка {number}", reply_to=cards[name]["message_id"])

    def serve() -> None:
        for number in range(20):
            path = f"/admin/tickets/ticket/{others[number % 4].number}/change/"
            act = ("answer", "wait", "answer", "resolve", "answer")[number // 4]
            page = desk.submit(path, {"act": act, "answer": f"Слова {number}"})
            assert "сохранена" in page

    at_once(serve, *(lambda name=name: write(name) for name in tickets))

    wait_until(lambda: Comment.objects.count() == 60 + 20)
    assert is_quiet()
    for name, ticket in tickets.items():
        lines = list(ticket.comments.order_by("pk").values_list("body", flat=True))
        assert lines == numbered("Строка", 20)
        added = [row for row in sandbox.from_bot(name) if "Комментарий добавлен" in row["text"]]
        assert len(added) == 20
    assert TicketEvent.objects.filter(kind=TicketEvent.Kind.STATUS).count() == 4 * 3
    assert TELEGRAM_SENT.all().count() == 20
    assert processes.token not in str(processes.logs())
