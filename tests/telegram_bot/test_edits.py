"""An edited message that says what it said before is nothing: a reaction, a preview."""

import pytest

from operations.tasks import every_minute
from tests.telegram_bot.bot import LOG, Bot, Chat
from tests.telegram_bot.own_tickets import WRITE
from tickets.models import Ticket, TicketEvent

pytestmark = pytest.mark.usefixtures("linked")


def said(chat: Chat) -> int:
    """The id of the person's last message."""
    mine = [row for row in chat.telegram.messages(chat.key) if not row["from_bot"]]
    return int(mine[-1]["message_id"])


def touch(chat: Chat, message_id: int) -> None:
    chat.do(lambda: chat.telegram.touch(chat.key, message_id), unanswered=True)


@pytest.mark.parametrize("text", ["/start", "Что там?", "123"])
def test_reaction_to_any_message_is_silence(chat: Chat, text) -> None:
    chat.say(text)
    touch(chat, said(chat))
    assert "Изменённое сообщение" in chat.edit(said(chat), "Другое")
    touch(chat, said(chat))


def test_reaction_to_a_comment_changes_nothing(ticket: Ticket, chat: Chat, bot: Bot) -> None:
    chat.press_card(ticket, WRITE)
    chat.say("Стало хуже")
    touch(chat, said(chat))
    bot.clock.advance(minutes=20)
    touch(chat, said(chat))
    assert not TicketEvent.objects.filter(kind=TicketEvent.Kind.EDITED).exists()
    assert "больше 15 минут назад" in chat.edit(said(chat), "Стало лучше")


def test_reaction_to_a_file_is_silence_and_a_changed_caption_is_not(ticket, chat: Chat) -> None:
    chat.press_card(ticket, WRITE)
    chat.send(("log.txt", LOG), caption="Вот файл")
    touch(chat, said(chat))
    assert "исправлен" in chat.edit(said(chat), "Вот другой файл")


def test_reaction_to_an_old_message_that_is_forgotten_is_silence(chat: Chat, bot: Bot) -> None:
    chat.telegram.send("anna", "Привет")
    bot.take_updates()
    bot.clock.advance(days=9)
    bot.run_queue()
    every_minute()
    touch(chat, said(chat))
