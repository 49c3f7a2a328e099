"""Keyboards, and buttons that are pressed."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sandbox.editing import answer_callback_query, delete_message
from sandbox.errors import TelegramError
from sandbox.sending import send_message
from sandbox.state import State
from tests.local_telegram import Sandbox
from tests.sandbox.api import ANNA, GROUP, Api, inline, reply

# Keyboards


@pytest.mark.parametrize(
    ("markup", "error"),
    [
        (inline({"text": "а", "callback_data": "я" * 33}), "BUTTON_DATA_INVALID"),
        (inline({"text": "а", "callback_data": ""}), "BUTTON_DATA_INVALID"),
        (inline({"text": "а"}), "text buttons are unallowed in the inline keyboard"),
        (
            inline({"text": "а", "callback_data": "a", "url": "https://a.ru"}),
            "inline keyboard button must have exactly one action",
        ),
        (
            inline({"text": "а", "url": "ftp://a.ru"}),
            "inline keyboard button URL 'ftp://a.ru' is invalid",
        ),
        (
            inline({"text": "а", "url": "http://localhost:8000/"}),
            "inline keyboard button URL 'http://localhost:8000/' is invalid",
        ),
        (inline(*[{"text": "а", "callback_data": "a"}] * 9), "reply markup is too long"),
        (
            {"inline_keyboard": [[{"text": "а", "callback_data": "a"}]] * 101},
            "reply markup is too long",
        ),
        (
            {"keyboard": [["а"]], "input_field_placeholder": "а" * 65},
            "input field placeholder is too long",
        ),
        (
            inline({"text": "а", "web_app": {}}),
            "sandbox: unknown field of an inline button: web_app",
        ),
    ],
)
def test_bad_keyboard_is_refused(anna: Sandbox, api: Api, markup: Any, error: str) -> None:
    refusal = api.refusal("sendMessage", chat_id=ANNA, text="а", reply_markup=markup)

    assert refusal == f"400 Bad Request: {error}"


def test_keyboards_at_their_limits(anna: Sandbox, api: Api) -> None:
    api.say(reply_markup=inline({"text": "а", "callback_data": "я" * 32}))
    api.say(reply_markup=inline(*[{"text": "а", "url": "http://127.0.0.1:8000/x"}] * 8))


def test_contact_is_asked_in_private_chats_only(group: Sandbox, api: Api) -> None:
    markup = {"keyboard": [[{"text": "Номер", "request_contact": True}]]}

    refusal = api.refusal("sendMessage", chat_id=GROUP, text="а", reply_markup=markup)

    assert refusal == "400 Bad Request: phone number can be requested in private chats only"


def test_reply_keyboard_is_shown_until_removed(anna: Sandbox, api: Api) -> None:
    message = api.say(reply_markup={"keyboard": [["Да"]], "input_field_placeholder": "Ответ"})
    assert "reply_markup" not in message
    assert (anna.keyboard("anna") or {})["keyboard"] == [[{"text": "Да"}]]

    api.say(reply_markup={"remove_keyboard": True})
    assert anna.keyboard("anna") is None


def test_one_time_keyboard_goes_after_use(anna: Sandbox, api: Api) -> None:
    api.say(reply_markup={"keyboard": [["Да"]], "one_time_keyboard": True})
    anna.send("anna", "не то")
    assert anna.keyboard("anna")
    anna.send("anna", "Да")
    assert anna.keyboard("anna") is None


def test_keyboard_goes_with_its_message(anna: Sandbox, api: Api) -> None:
    message = api.say(reply_markup={"keyboard": [["Да"]]})
    api.call("deleteMessage", chat_id=ANNA, message_id=message["message_id"])

    assert anna.keyboard("anna") is None


def test_selective_keyboard_in_a_group(group: Sandbox, api: Api) -> None:
    asked = group.send("boris", "/config", chat="alpha")["message_id"]
    api.say(
        chat_id=GROUP,
        reply_markup={"keyboard": [["Да"]], "selective": True},
        reply_parameters=reply(asked),
    )

    assert group.keyboard("boris", "alpha")
    assert group.keyboard("anna", "alpha") is None


# Buttons


def test_press_waits_for_the_answer(anna: Sandbox, api: Api) -> None:
    api.say(reply_markup=inline({"text": "Открыть", "callback_data": "open:1"}))

    with ThreadPoolExecutor() as pool:
        pressing = pool.submit(anna.press, "anna", "Открыть")
        [update] = api.call("getUpdates", timeout=5)
        query = update["callback_query"]
        answer = {"callback_query_id": query["id"], "text": "Готово", "show_alert": True}
        api.call("answerCallbackQuery", **answer)
        pressed = pressing.result()

    assert (query["from"]["id"], query["data"]) == (ANNA, "open:1")
    assert query["message"]["message_id"] == anna.last("anna")["message_id"]
    assert (pressed["answered"], pressed["text"], pressed["show_alert"]) == (True, "Готово", True)
    assert api.refusal("answerCallbackQuery", **answer).startswith(
        "400 Bad Request: query is too old and response timeout expired or query ID is invalid"
    )


def test_answers_that_are_refused(anna: Sandbox, api: Api) -> None:
    message = api.say()
    pressed = anna.press("anna", "forged", message, wait=0)

    too_long = api.refusal(
        "answerCallbackQuery", callback_query_id=pressed["callback_query_id"], text="а" * 201
    )

    assert not pressed["answered"]
    assert too_long == "400 Bad Request: MESSAGE_TOO_LONG"
    assert "query is too old" in api.refusal("answerCallbackQuery", callback_query_id="1")


def test_old_queries_and_messages_are_out_of_reach() -> None:
    async def walk() -> None:
        now = 1_795_000_000.0
        state = State(clock=lambda: now)
        state.people["anna"].started = True
        message = send_message(state, {"chat_id": ANNA, "text": "Привет"})
        target = {"chat_id": ANNA, "message_id": message["message_id"]}
        query = {"callback_query_id": state.add_callback().id}
        now += 15 * 60 + 1
        with pytest.raises(TelegramError, match="query is too old"):
            answer_callback_query(state, query)
        now += 48 * 3600
        with pytest.raises(TelegramError, match="can't be deleted for everyone"):
            delete_message(state, target)

    asyncio.run(walk())
