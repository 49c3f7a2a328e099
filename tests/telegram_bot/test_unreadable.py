"""An update that cannot be parsed is one lost update: everybody else is served."""

import asyncio
import json
import logging
import socket
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync

from operations.tasks import every_minute
from telegram_bot.application import ALLOWED_UPDATES, build_application
from telegram_bot.intake import taken_apart
from telegram_bot.models import IncomingUpdate
from tests.local_telegram import Json
from tests.telegram_bot.bot import App, Bot, Chat, fetch, store, work_off

pytestmark = pytest.mark.usefixtures("linked")

APOLOGY = "Не получилось прочитать сообщение"
STORY: Json = {
    "external_reply": {"origin": {"type": "hidden_user", "date": 1, "sender_user_name": "А"},
                       "story": {}}
}  # fmt: skip
SECRET = "0123456789abcdef0123456789abcdef"


def rows() -> list[IncomingUpdate]:
    return list(IncomingUpdate.objects.exclude(error="").order_by("pk"))


@pytest.mark.parametrize(
    "extra",
    [
        STORY,
        {"entities": [{"type": "bold"}]},
        {"reply_markup": {"inline_keyboard": [[{}]]}},
        {"poll": {"id": "1"}},
        {"forward_origin": {"type": "user"}},
        {"date": "вчера"},
        {"chat": {"id": 10**30, "type": "private"}},
        {"chat": "никакой"},
    ],
    ids=lambda extra: next(iter(extra)),
)
def test_unreadable_update_holds_nobody_up(chat: Chat, boris_chat: Chat, bot: Bot, extra) -> None:
    chat.telegram.send("anna", "Что с заявкой?", extra=extra)
    assert "Шаг 1 из 2" in boris_chat.start()
    [row] = rows()
    assert row.processed_at
    assert row.payload.isascii()
    assert json.loads(row.payload)["message"]["text"] == "Что с заявкой?"
    assert chat.telegram.state()  # nothing waits: the next fetch confirmed it
    bot.take_updates()
    assert len(rows()) == 1


def test_person_is_told_once_and_staff_are(chat: Chat, bot: Bot, caplog) -> None:
    for _ in range(3):
        chat.telegram.send("anna", "Что с заявкой?", extra=STORY)
    bot.catch_up()
    bot.catch_up()
    assert [APOLOGY in message["text"] for message in chat.seen] == [True]
    assert chat.last["reply_to_message_id"]
    errors = [entry for entry in caplog.records if entry.levelno == logging.ERROR]
    assert len(errors) == 3
    assert "__init__() missing" in errors[0].message
    assert "Что с заявкой" not in caplog.text
    assert [row.error.startswith("unreadable, TypeError") for row in rows()] == [True] * 3


def test_person_is_told_again_later(chat: Chat, bot: Bot) -> None:
    for _ in range(2):
        chat.telegram.send("anna", "Что с заявкой?", extra=STORY)
        bot.catch_up()
        bot.clock.advance(minutes=2)
    assert len([message for message in chat.seen if APOLOGY in message["text"]]) == 2


def test_nobody_is_told_where_nobody_can_be_read(chat: Chat, bot: Bot) -> None:
    chat.telegram.update({"text": "?"})
    bot.catch_up()
    assert chat.seen == []
    assert (rows()[0].telegram_id, rows()[0].chat_id) == (0, 0)


def test_unreadable_press_is_answered(chat: Chat, bot: Bot) -> None:
    chat.start()
    press = {"id": "1", "from": {"id": chat.id}, "message": chat.last, "data": "menu"}
    press["message"] = {"message_id": 1, "chat": {"id": chat.id, "type": "private"}}
    chat.telegram.update(press, "callback_query")
    bot.catch_up()
    assert APOLOGY in chat.last["text"]


def test_row_is_kept_for_a_week(chat: Chat, bot: Bot) -> None:
    chat.telegram.send("anna", "Что с заявкой?", extra=STORY)
    bot.catch_up()
    bot.clock.advance(days=6)
    every_minute()
    bot.sweep()
    assert len(rows()) == 1
    bot.clock.advance(days=2)
    every_minute()
    assert rows() == []


def test_same_unreadable_update_again_has_one_row(chat: Chat, bot: Bot) -> None:
    chat.telegram.send("anna", "Что с заявкой?", extra=STORY)

    async def twice(application: App) -> None:
        updates = await fetch(application)
        await store(application, updates * 2)

    bot.run(twice)
    assert len(rows()) == 1


def test_group_talk_is_not_kept_even_unreadable(chat: Chat, bot: Bot) -> None:
    chat.telegram.group("add_bot", by="anna")
    chat.telegram.group("promote", by="anna")
    chat.telegram.send("boris", "Между нами", chat="alpha", extra=STORY)
    bot.catch_up()
    assert rows() == []


def test_update_without_an_id_is_left_out() -> None:
    assert taken_apart([{"message": {}}, "слово", None, {"update_id": "7"}]) == []
    assert taken_apart([{"update_id": 7}]) == [{"update_id": 7}]


def test_stored_payload_that_another_version_cannot_read(chat: Chat, bot: Bot) -> None:
    broken = {"update_id": 5, "message": {"chat": {"id": chat.id, "type": "private"},
                                          "from": {"id": chat.id}}}  # fmt: skip
    for update_id, payload in ((4, "{"), (5, json.dumps(broken))):
        IncomingUpdate.objects.create(
            bot_id=7000000001, update_id=update_id, telegram_id=chat.id, chat_id=chat.id,
            payload=payload,
        )  # fmt: skip
    chat.telegram.send("anna", "/start")
    bot.clock.advance(seconds=4)
    bot.sweep()
    bot.send_due_replies()
    assert [row.update_id for row in rows()] == [4, 5]
    assert APOLOGY in chat.last["text"]
    assert "Что я умею" in chat.say("/help")


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def post(port: int, body: Any, secret: str = SECRET) -> int:
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret, "Content-Type": "application/json"}
    content = body if isinstance(body, str) else json.dumps(body)
    url = f"http://127.0.0.1:{port}/telegram"
    return httpx.post(url, content=content, headers=headers, trust_env=False).status_code


def test_webhook_answers_200_to_what_it_cannot_read(chat: Chat, bot: Bot) -> None:
    chat.start()
    port = free_port()
    place = {"chat": {"id": chat.id, "type": "private"}, "from": {"id": chat.id}}
    good = {"message_id": 2, "date": 1, "text": "привет", **place}
    good["from"] = {"id": chat.id, "is_bot": False, "first_name": "Анна"}
    codes: list[int] = []

    async def serve() -> None:
        application = build_application()
        async with application:
            await application.updater.start_webhook(
                listen="127.0.0.1", port=port, url_path="telegram", secret_token=SECRET,
                webhook_url="https://127.0.0.1/telegram", allowed_updates=ALLOWED_UPDATES,
            )  # fmt: skip
            bad = {"update_id": 1, "message": {"message_id": 1, "date": 1, **place, **STORY}}
            for body in (bad, {"update_id": 2, "message": good}, "{"):
                codes.append(await asyncio.to_thread(post, port, body))
            codes.append(await asyncio.to_thread(post, port, bad, "x"))
            await work_off(application)
            await application.updater.stop()
            await application.bot.delete_webhook()

    async_to_sync(serve)()
    bot.send_due_replies()
    assert codes == [200, 200, 200, 403]
    assert [row.update_id for row in rows()] == [1]
    assert any("Не понял" in message["text"] for message in chat.seen)
    assert APOLOGY in chat.last["text"]
