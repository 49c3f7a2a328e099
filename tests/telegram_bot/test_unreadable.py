"""An update that cannot be parsed is one lost update: everybody else is served."""

import asyncio
import json
import logging
import socket
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError
from telegram import Update
from telegram.ext import MessageHandler

from operations.tasks import every_minute
from telegram_bot.application import ALLOWED_UPDATES, build_application
from telegram_bot.intake import LARGEST_BODY, parsed
from telegram_bot.models import IncomingUpdate
from tests.local_telegram import Json
from tests.telegram_bot.bot import App, Bot, Chat, fetch, store, work_off

pytestmark = [pytest.mark.usefixtures("linked"), pytest.mark.each_case]

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
        {"message_thread_id": -(2**64), "is_topic_message": True},
        {"migrate_to_chat_id": 10**30},
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


@pytest.mark.parametrize("words", [{"a": 1}, [[]], 5, True], ids=str)
@pytest.mark.parametrize("kind", ["text", "caption", "data"])
def test_words_that_are_none_hold_nobody_up(chat: Chat, bot: Bot, kind, words) -> None:
    person = {"id": chat.id, "is_bot": False, "first_name": "А"}
    at = {"id": chat.id, "type": "private"}
    message = {"message_id": 10**6, "date": 1, "from": person, "chat": at}
    press = {"id": "1", "from": person, "chat_instance": "1", "message": message, "data": words}
    content = press if kind == "data" else {**message, kind: words}
    update = {"kind": "callback_query" if kind == "data" else "message", "content": content}
    chat.telegram._post("update", **update)
    chat.start()
    assert not IncomingUpdate.objects.filter(processed_at=None).exists()
    [row] = rows()
    assert row.processed_at
    assert row.error == "unreadable, TypeError: words that are no text"


@pytest.fixture
def meet_a_handler_that_fails(chat: Chat, monkeypatch):
    """With an error before its flow, as PTB's filters raise them."""

    def meet(error: Exception) -> None:
        def fail(handler: Any, update: Any) -> None:
            raise error

        async def live() -> None:
            async with build_application() as application:
                await store(application, await fetch(application))
                with monkeypatch.context() as patched:
                    patched.setattr(MessageHandler, "check_update", fail)
                    await application.process_update(application.update_queue.get_nowait())
                assert not application.update_queue._in_memory

        chat.telegram.send("anna", "Что с заявкой?")
        async_to_sync(live)()

    return meet


def test_update_that_no_handler_can_judge_is_put_aside(chat: Chat, meet_a_handler_that_fails):
    """The next ones of the person would wait behind it for ever."""
    meet_a_handler_that_fails(AttributeError("odd"))
    [row] = rows()
    assert row.processed_at
    assert row.error == "unreadable, AttributeError: odd"
    chat.start()
    assert not IncomingUpdate.objects.filter(processed_at=None).exists()


def test_database_that_is_gone_puts_nothing_aside(chat: Chat, meet_a_handler_that_fails):
    meet_a_handler_that_fails(OperationalError("database is locked"))
    assert rows() == []
    assert IncomingUpdate.objects.filter(processed_at=None).count() == 1


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
    assert parsed([{"message": {}}, "слово", None, {"update_id": "7"}], None) == []
    assert parsed([{"update_id": 7}], None) == [Update(7)]


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


def declare(port: int, length: int) -> int:
    """The code that answers a body of this length before any of it is sent."""
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        head = f"POST /telegram HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
        client.sendall(head.encode())
        return int(client.recv(12)[9:])


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
            for body in (bad, {"update_id": 2, "message": good}, "{", "[" * 200_000):
                codes.append(await asyncio.to_thread(post, port, body))
            codes.append(await asyncio.to_thread(post, port, bad, "x"))
            codes.append(await asyncio.to_thread(declare, port, LARGEST_BODY + 1))
            await work_off(application)
            await application.updater.stop()
            await application.bot.delete_webhook()

    async_to_sync(serve)()
    bot.send_due_replies()
    assert codes == [200, 200, 200, 200, 403, 400]
    assert [row.update_id for row in rows()] == [1]
    assert any("Не понял" in message["text"] for message in chat.seen)
    assert APOLOGY in chat.last["text"]
