"""Direct answers: kept until they are sent, each sent once."""

from datetime import timedelta

import pytest

from telegram_bot.direct_replies import REPLY_CLAIM, claim_due_replies, release_replies
from telegram_bot.models import IncomingUpdate
from telegram_bot.processing import ALBUM_WAIT
from tests.telegram_bot.bot import Bot, Chat, where_stored
from tickets.models import Ticket

pytestmark = pytest.mark.usefixtures("linked")
BOT_ID = 7000000001


def send(chat: Chat, bot: Bot, text: str = "/help") -> None:
    """Say something and let the bot try once to answer."""
    chat.telegram.send(chat.key, text)
    bot.take_updates()


def planned_in(bot: Bot) -> int:
    """Seconds until the kept reply is due."""
    row = IncomingUpdate.objects.exclude(replies="").get()
    assert row.reply_due_at
    return round((row.reply_due_at - bot.clock.now()).total_seconds())


@pytest.mark.parametrize("kind", ["500", "reset", "bad_json"])
def test_answer_is_kept_until_it_is_sent(chat: Chat, bot: Bot, telegram, kind) -> None:
    telegram.fault(kind, method="sendMessage", times=2)
    send(chat, bot)
    assert chat.seen == []
    assert planned_in(bot) == 2
    bot.clock.advance(seconds=3)
    bot.send_due_replies()
    assert planned_in(bot) == 4
    bot.clock.advance(seconds=5)
    bot.send_due_replies()
    bot.send_due_replies()
    assert ["Что я умею" in message["text"] for message in chat.seen] == [True]
    assert where_stored("Что я умею") == set()


def test_telegram_says_when_to_come_again(chat: Chat, bot: Bot, telegram) -> None:
    telegram.fault("429", method="sendMessage", retry_after=17)
    send(chat, bot)
    assert planned_in(bot) == 17
    bot.clock.advance(seconds=16)
    bot.send_due_replies()
    assert chat.seen == []
    bot.clock.advance(seconds=2)
    bot.send_due_replies()
    assert len(chat.seen) == 1


def test_only_the_rest_is_sent_again(ticket: Ticket, chat: Chat, bot: Bot, telegram) -> None:
    chat.start()
    telegram.fault("500", method="editMessageText")
    answer = chat.watch(
        lambda: (chat.telegram.press("anna", f"card:{ticket.pk}", wait=0), bot.take_updates())
    )
    assert [(call["method"], call["status"]) for call in answer.calls] == [
        ("answerCallbackQuery", 200),
        ("editMessageText", 500),
    ]
    bot.clock.advance(seconds=3)
    again = chat.watch(bot.send_due_replies)
    assert [call["method"] for call in again.calls] == ["editMessageText"]
    assert f"№ {ticket.pk}" in chat.last["text"]


@pytest.mark.parametrize(
    ("kind", "description"),
    [
        ("403", "Forbidden: bot was blocked by the user"),
        ("403", "Forbidden: user is deactivated"),
        ("400", "Bad Request: chat not found"),
    ],
)
def test_answer_that_is_refused_is_dropped(
    chat: Chat, bot: Bot, telegram, kind, description
) -> None:
    telegram.fault(kind, method="sendMessage", description=description)
    send(chat, bot)
    assert not IncomingUpdate.objects.exclude(replies="").exists()
    assert not IncomingUpdate.objects.filter(reply_due_at__isnull=False).exists()


def test_answer_is_tried_for_a_day_then_staff_see_it(
    chat: Chat, bot: Bot, telegram, caplog: pytest.LogCaptureFixture
) -> None:
    telegram.fault("500", method="sendMessage", times=None)
    send(chat, bot)
    bot.clock.advance(hours=23)
    bot.send_due_replies()
    assert planned_in(bot) > 0
    bot.clock.advance(hours=2)
    bot.send_due_replies()
    [row] = IncomingUpdate.objects.all()
    assert (row.replies, row.reply_due_at) == ("", None)
    assert row.error == "answer not sent: NetworkError"
    assert "is given up" in caplog.text


def test_day_of_tries_begins_with_the_first_one(chat: Chat, bot: Bot, telegram) -> None:
    telegram.fault("500", method="sendMessage")
    send(chat, bot)
    IncomingUpdate.objects.update(received_at=bot.clock.now() - timedelta(days=2))
    bot.clock.advance(seconds=3)
    bot.send_due_replies()
    assert "Что я умею" in chat.last["text"]


def test_answer_that_cannot_be_parsed_is_sent(ticket: Ticket, chat: Chat, bot, telegram) -> None:
    telegram.fault("strings", method="sendMessage")
    send(chat, bot, str(ticket.pk))
    assert not IncomingUpdate.objects.exclude(replies="").exists()
    chat.reply(chat.last, "Стало хуже")
    assert ticket.comments.get().body == "Стало хуже"


@pytest.mark.parametrize(
    "description",
    [
        "Bad Request: query is too old and response timeout expired or query ID is invalid",
        "Bad Request: message is not modified",
    ],
)
def test_what_telegram_only_notes_is_no_error(
    chat: Chat, bot: Bot, telegram, description, caplog: pytest.LogCaptureFixture
) -> None:
    chat.start()
    telegram.fault("400", method="answerCallbackQuery", description=description)
    telegram.press("anna", "help", wait=0)
    bot.take_updates()
    assert "Что я умею" in chat.last["text"]
    assert "refused" not in caplog.text


def test_screen_whose_message_is_gone_comes_as_a_new_one(chat: Chat, telegram) -> None:
    chat.start()
    telegram.fault(
        "400", method="editMessageText", description="Bad Request: message to edit not found"
    )
    answer = chat.press("❓ Помощь")
    assert "Что я умею" in answer
    assert len(chat.seen) == 2


def test_killed_process_leaves_its_answer_to_the_next(chat: Chat, bot: Bot, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("telegram_bot.processing.send_replies", _killed)
        send(chat, bot)
    bot.send_due_replies()
    assert chat.seen == []  # the process that took the update may still be sending
    bot.clock.advance(seconds=REPLY_CLAIM.total_seconds() + 1)
    bot.send_due_replies()
    assert len(chat.seen) == 1


def test_only_poller_sends_at_once_what_its_predecessor_left(
    chat: Chat, bot: Bot, monkeypatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("telegram_bot.processing.send_replies", _killed)
        send(chat, bot)
    release_replies(BOT_ID)
    bot.send_due_replies()
    assert len(chat.seen) == 1


async def _killed(*args: object) -> None:
    pass


def test_due_answer_is_claimed_once(chat: Chat, bot: Bot, telegram) -> None:
    telegram.fault("500", method="sendMessage")
    send(chat, bot)
    bot.clock.advance(seconds=3)
    assert len(claim_due_replies(BOT_ID)) == 1
    assert claim_due_replies(BOT_ID) == []
    bot.clock.advance(seconds=31)
    assert len(claim_due_replies(BOT_ID)) == 1


def test_answers_of_another_bot_are_not_sent(chat: Chat, bot: Bot, telegram) -> None:
    telegram.fault("500", method="sendMessage")
    send(chat, bot)
    bot.clock.advance(seconds=3)
    assert claim_due_replies(1) == []


def test_part_of_an_album_waits_for_the_last_one(ticket: Ticket, chat: Chat, bot: Bot) -> None:
    """The answers of the parts become one, also when a process dies between them."""
    card = chat.say(str(ticket.pk)).messages[0]
    chat.telegram.files("anna", ("1.txt", b"1"), ("2.txt", b"2"), reply_to=card["message_id"])
    bot.take_updates()
    assert len(chat.seen) == 1
    assert IncomingUpdate.objects.exclude(replies="").count() == 1
    bot.clock.advance(seconds=ALBUM_WAIT.total_seconds())
    bot.send_due_replies()
    assert "Комментарий добавлен" in chat.last["text"]
    assert len(chat.seen) == 2
