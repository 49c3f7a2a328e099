"""What has troubled other bots, as their public issues tell, does not trouble this one."""

import pytest
from telegram import Update

from telegram_bot.models import IncomingUpdate
from tests.telegram_bot.bot import PNG, App, Bot, Chat, store, work_off
from tickets.models import Ticket


def test_press_of_a_message_that_is_out_of_reach(ticket: Ticket, chat: Chat) -> None:
    """Telegram keeps back the message of an old button: it has a date of 0 and no words."""
    chat.start()
    press = {
        "id": "1", "chat_instance": "1", "data": f"card:{ticket.pk}",
        "from": {"id": chat.id, "is_bot": False, "first_name": "Анна"},
        "message": {"message_id": 3, "date": 0, "chat": {"id": chat.id, "type": "private"}},
    }  # fmt: skip
    answer = chat.do(lambda: chat.telegram.update(press, "callback_query"))
    assert f"№ {ticket.pk}" in answer.messages[-1]["text"]


def test_press_without_its_message(ticket: Ticket, chat: Chat) -> None:
    chat.start()
    press = {
        "id": "1", "chat_instance": "1", "data": "menu", "inline_message_id": "x",
        "from": {"id": chat.id, "is_bot": False, "first_name": "Анна"},
    }  # fmt: skip
    chat.telegram.update(press, "callback_query")
    assert "Что я умею" in chat.say("/help")


@pytest.mark.usefixtures("linked")
def test_numbers_of_updates_may_begin_anew(chat: Chat, bot: Bot) -> None:
    """After a week of silence the next number is any: lower ones are no old news."""
    chat.say("/help")
    message = {"message_id": 10**6, "date": 1, "text": "привет",
               "chat": {"id": chat.id, "type": "private"},
               "from": {"id": chat.id, "is_bot": False, "first_name": "Анна"}}  # fmt: skip
    known = IncomingUpdate.objects.latest("pk").update_id

    async def lower(application: App) -> None:
        raw = {"update_id": known - 5, "message": message}
        await store(application, [Update.de_json(raw, application.bot)])
        await work_off(application)

    bot.run(lower)
    assert IncomingUpdate.objects.get(update_id=known - 5).processed_at
    assert "Не понял" in chat.message_with("Не понял")["text"]


def test_every_caption_of_an_album_is_kept(ticket: Ticket, chat: Chat) -> None:
    chat.press_card(ticket, "➕ Комментарий")
    for number, words in enumerate(["До", "После"]):
        chat.telegram.files(
            "anna", (f"{number}.png", PNG), caption=words, extra={"media_group_id": "77"}
        )
    chat.bot.catch_up()
    assert ticket.comments.get().body == "До\nПосле"


@pytest.mark.parametrize(
    "sender",
    [{"first_name": ""}, {"first_name": "\u202e<b>"}, {"last_name": None}, {"language_code": "xx"}],
    ids=["deleted", "bidi", "null", "language"],
)
def test_odd_names_are_served(linked, chat: Chat, sender) -> None:
    me = {"id": chat.id, "is_bot": False, "first_name": "Анна"} | sender
    assert "Что я умею" in chat.say("/help", extra={"from": me})
