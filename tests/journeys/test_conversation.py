"""What people write in the ways they do: nothing of it is lost, and nothing said twice."""

import pytest

from accounts.models import MessengerAccount
from telegram_bot.models import Group
from tests.journeys.conftest import is_quiet, link, open_cards, open_tickets, person
from tests.journeys.processes import wait_until
from tests.local_telegram import Json, Sandbox
from tickets import recording
from tickets.comments import add_comment
from tickets.models import Comment, Ticket

pytestmark = pytest.mark.journey

BOT = "support_sandbox_bot"
QUOTE: Json = {
    "external_reply": {"origin": {"type": "hidden_user", "date": 1, "sender_user_name": "Пётр"}},
    "quote": {"text": "Сервер упал", "position": 0},
}


def bodies() -> list[str]:
    return list(Comment.objects.order_by("pk").values_list("body", flat=True))


def heard(sandbox: Sandbox, words: str, chat: str | None = None) -> int:
    return sum(words in (row["text"] or "") for row in sandbox.from_bot("anna", chat))


@pytest.mark.one_database
def test_words_of_a_person_in_every_way(processes, sandbox):
    ticket = open_tickets(sandbox, "anna")["anna"]
    card = open_cards(sandbox, {"anna": ticket})["anna"]

    # a thought in several messages, one of them a quote; then a reaction to it
    sandbox.send("anna", "Здравствуйте", reply_to=card["message_id"])
    sandbox.send("anna", "Опять белый экран")
    last = sandbox.send("anna", "Это оно?", extra=QUOTE)
    thought = "Здравствуйте\nОпять белый экран\n> Пётр:\n> Сервер упал\n\nЭто оно?"
    wait_until(lambda: bodies() == [thought], what=str(bodies()))
    assert is_quiet()  # the answers are sent, too
    said = len(sandbox.from_bot("anna"))
    sandbox.touch("anna", last["message_id"])
    sandbox.send("anna", "/help")  # ends the thought, and comes after the reaction
    sandbox.wait_for("anna", "/tickets")
    assert is_quiet()
    assert (bodies(), len(sandbox.from_bot("anna"))) == ([thought], said + 1)

    # words outside of any step, offered to the ticket
    sandbox.send("anna", "И ещё журнал")
    sandbox.wait_for("anna", "Это к заявке")
    sandbox.press("anna", f"➕ Добавить к № {ticket.pk}")
    wait_until(lambda: bodies() == [thought, "И ещё журнал"], what=str(bodies()))

    # what is forwarded orders nothing
    sandbox.send("anna", "/cancel")
    sandbox.send("anna", "/new", forwarded=True)
    assert is_quiet()
    assert heard(sandbox, "Выберите продукт") == 0
    assert Ticket.objects.count() == 1


@pytest.mark.one_database
def test_commands_of_the_private_chat_in_a_group(processes, sandbox):
    link(sandbox, "anna")
    sandbox.group("add_bot", by="anna")
    wait_until(lambda: Group.objects.exists())
    sandbox.send("anna", f"/tickets@{BOT}", chat="alpha")
    sandbox.wait_for("anna", "работает в личном чате", chat="alpha")
    sandbox.send("anna", f"Переслано: @{BOT} Реплика лежит", chat="alpha", forwarded=True)
    assert is_quiet()
    assert not Ticket.objects.exists()


@pytest.mark.one_database
def test_who_blocks_and_unblocks_hears_again_without_start(processes, sandbox):
    ticket = open_tickets(sandbox, "anna")["anna"]
    for blocked in (True, False):
        sandbox.block("anna", blocked)
        wait_until(lambda b=blocked: bool(MessengerAccount.objects.get().unreachable_at) == b)
    add_comment(ticket=ticket, actor=recording.agent(person("igor")), body="Ответ 0")
    sandbox.wait_for("anna", "Ответ 0")
