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
@pytest.mark.parametrize("chat_type", ["private", "supergroup"])
def test_pinned_message_that_is_inaccessible(chat: Chat, bot: Bot, chat_type) -> None:
    """The library cannot write it down; the bot heard nothing more of anybody."""
    place = {"id": chat.id if chat_type == "private" else -1005, "type": chat_type}
    content = {"message_id": 15, "date": 1, "chat": place,
               "from": {"id": chat.id, "is_bot": False, "first_name": "Анна"},
               "pinned_message": {"message_id": 1, "date": 0, "chat": place}}  # fmt: skip
    chat.telegram.update(content)
    assert "Что я умею" in chat.say("/help")
    assert not IncomingUpdate.objects.exclude(error="").exists()


@pytest.mark.usefixtures("ticket")
def test_private_chat_of_somebody_else(chat: Chat, boris_chat: Chat, bot: Bot) -> None:
    """Telegram sends no such thing, whoever knows the secret of the webhook may."""
    chat.start()
    boris_chat.start()
    anna = {"id": chat.id, "is_bot": False, "first_name": "Анна"}
    message = {"message_id": 3, "date": 1, "chat": {"id": boris_chat.id, "type": "private"},
               "text": "/tickets"}  # fmt: skip
    chat.telegram.update(message | {"from": anna})
    chat.telegram.update(
        {"id": "1", "chat_instance": "1", "data": "list", "from": anna, "message": message},
        "callback_query",
    )
    assert boris_chat.watch(bot.catch_up).calls == []


@pytest.mark.usefixtures("linked")
def test_update_that_cannot_be_written_down(chat: Chat, bot: Bot, monkeypatch) -> None:
    """One lost update, whatever the reason is."""
    monkeypatch.setattr("telegram_bot.inbox.as_json", lambda update: 1 / 0)
    chat.telegram.send("anna", "/help")
    bot.take_updates()
    assert [row.error for row in IncomingUpdate.objects.all()] == ["unreadable, ZeroDivisionError"]


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


@pytest.mark.each_case
@pytest.mark.parametrize(
    "sender",
    [{"first_name": ""}, {"first_name": "\u202e<b>"}, {"last_name": None}, {"language_code": "xx"}],
    ids=["deleted", "bidi", "null", "language"],
)
def test_odd_names_are_served(linked, chat: Chat, sender) -> None:
    me = {"id": chat.id, "is_bot": False, "first_name": "Анна"} | sender
    assert "Что я умею" in chat.say("/help", extra={"from": me})


def test_edit_that_comes_before_its_message_is_worked_off(ticket: Ticket, chat: Chat) -> None:
    """Both wait at Telegram, as after an hour in which the bot was off."""
    card = chat.say(str(ticket.pk)).messages[0]
    sent = chat.telegram.send("anna", "Стало хуже", reply_to=card["message_id"])
    chat.telegram.edit("anna", sent["message_id"], "Стало лучше")
    chat.bot.catch_up()
    assert ticket.comments.get().body == "Стало лучше"


def test_changed_caption_changes_the_words_and_doubles_no_file(ticket: Ticket, chat: Chat) -> None:
    chat.press_card(ticket, "➕ Комментарий")
    chat.send(("1.png", PNG), caption="До")
    [said] = [row for row in chat.telegram.messages("anna") if row["caption"] == "До"]
    chat.edit(said["message_id"], "После")
    chat.bot.run_queue()
    comment = ticket.comments.get()
    assert (comment.body, comment.attachments.count()) == ("После", 1)
    assert ticket.attachments.count() == 1


def test_rest_of_an_album_may_come_late(ticket: Ticket, chat: Chat, bot: Bot) -> None:
    """A phone uploads one picture after the other over a slow link."""
    chat.press_card(ticket, "➕ Комментарий")
    for number in range(4):
        words = {"caption": "Снимки"} if number == 0 else {}
        chat.telegram.files("anna", (f"{number}.png", PNG), **words, extra={"media_group_id": "7"})
        bot.catch_up()
        bot.clock.advance(seconds=15)
    assert ticket.comments.get().attachments.count() == 4


def test_questions_of_two_chats_do_not_mix(ticket: Ticket, chat: Chat, boris_chat: Chat) -> None:
    """Both answer at the same moment what each of them was asked."""
    chat.press_card(ticket, "➕ Комментарий")
    boris_chat.start()
    chat.telegram.send("boris", "Пишет Борис")
    chat.telegram.send("anna", "Пишет Анна")
    chat.bot.catch_up()
    assert [comment.body for comment in ticket.comments.all()] == ["Пишет Анна"]
