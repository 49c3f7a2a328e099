"""The sandbox answers as strictly as Telegram: every rule over HTTP, as a bot meets it."""

import asyncio
import http.server
import itertools
import json
import os
import signal
import smtplib
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaDocument

from telegram_bot.sandbox import TOKEN
from telegram_bot.sandbox.bot_api import METHODS
from telegram_bot.sandbox.editing import answer_callback_query, delete_message
from telegram_bot.sandbox.entities import HtmlParser, detect_entities, utf16_length
from telegram_bot.sandbox.errors import TelegramError
from telegram_bot.sandbox.limits import Limits
from telegram_bot.sandbox.profile import set_my_commands
from telegram_bot.sandbox.sending import send_message
from telegram_bot.sandbox.state import State
from telegram_bot.sandbox.updates import Updates
from telegram_bot.sandbox.view import show_state
from tests.local_telegram import Sandbox, SandboxError, running_sandbox

ROOT = Path(__file__).parents[2]
ANNA, BORIS, VIKTOR = 510000001, 510000002, 510000003
GROUP = -4510000001
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
MEGABYTE = 1024 * 1024
MENTION = "@support_sandbox_bot"


class Api:
    """A bot without a library: one call, one envelope."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/bot{TOKEN}/", timeout=20, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def answer(self, method: str, files: Any = None, **fields: Any) -> dict[str, Any]:
        if files:
            response = self._http.post(method, data=fields, files=files)
        else:
            response = self._http.post(method, json=fields)
        body: dict[str, Any] = response.json()
        assert response.status_code == body.get("error_code", 200)
        return body

    def call(self, method: str, files: Any = None, **fields: Any) -> Any:
        body = self.answer(method, files, **fields)
        assert body["ok"], body
        return body["result"]

    def refusal(self, method: str, files: Any = None, **fields: Any) -> str:
        body = self.answer(method, files, **fields)
        assert not body["ok"], body
        return f"{body['error_code']} {body['description']}"

    def say(self, text: str = "Привет", chat_id: int = ANNA, **fields: Any) -> Any:
        return self.call("sendMessage", chat_id=chat_id, text=text, **fields)

    def updates(self) -> list[dict[str, Any]]:
        """The updates that wait, confirmed at once."""
        found: list[dict[str, Any]] = self.call("getUpdates")
        if found:
            self.call("getUpdates", offset=found[-1]["update_id"] + 1)
        return found


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    server.reset()
    return server


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[Api]:
    api = Api(sandbox.url)
    yield api
    api.call("deleteWebhook")
    api.call("getUpdates", allowed_updates=[])
    api.close()


@pytest.fixture
def anna(sandbox: Sandbox, api: Api) -> Sandbox:
    """Anna has pressed Start and the bot has read it."""
    sandbox.start("anna")
    api.updates()
    return sandbox


@pytest.fixture
def group(sandbox: Sandbox, api: Api) -> Sandbox:
    """The bot is a plain member of the group."""
    sandbox.group("add_bot")
    api.updates()
    return sandbox


def inline(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"inline_keyboard": [list(buttons)]}


def reply(message_id: int, **fields: Any) -> dict[str, Any]:
    return {"message_id": message_id, **fields}


# The request itself


def test_token_and_method_are_checked(sandbox: Sandbox) -> None:
    def get(path: str) -> tuple[int, str]:
        response = httpx.get(sandbox.url + path, trust_env=False)
        return response.status_code, response.json()["description"]

    assert get("/bot1:wrong/getMe") == (401, "Unauthorized")
    assert get("/botnonsense/getMe") == (404, "Not Found")
    assert get("/file/bot1:wrong/documents/file_1") == (401, "Unauthorized")
    assert get(f"/bot{TOKEN}/getGameHighScores") == (404, "Not Found: method not found")
    assert [entry["method"] for entry in sandbox.refused()] == ["getGameHighScores"]


def test_unknown_parameter_is_refused_and_flagged(anna: Sandbox, api: Api) -> None:
    refusal = api.refusal("sendMessage", chat_id=ANNA, text="Привет", pay_by_card=True)

    assert refusal == "400 Bad Request: sandbox: unknown parameter pay_by_card"
    assert [entry["refused"] for entry in anna.requests(method="sendMessage")] == [True]


@pytest.mark.parametrize("way", ["query", "form", "json", "multipart"])
def test_parameters_come_in_every_way(anna: Sandbox, way: str) -> None:
    markup = json.dumps(inline({"text": "А", "callback_data": "a"}))
    fields = {"chat_id": str(ANNA), "text": "Привет", "reply_markup": markup}
    ways: dict[str, Any] = {
        "query": {"params": fields},
        "form": {"data": fields},
        "json": {"json": fields},
        "multipart": {"files": {name: (None, value) for name, value in fields.items()}},
    }

    with httpx.Client(trust_env=False) as client:
        answer = client.post(f"{anna.url}/bot{TOKEN}/SendMessage", **ways[way]).json()

    assert answer["ok"], answer
    assert anna.buttons(anna.last("anna")) == {"А": "a"}


def test_log_hides_secrets(sandbox: Sandbox, api: Api) -> None:
    api.call("setWebhook", url="http://127.0.0.1:9/hook", secret_token="hush-hush")
    api.call("deleteWebhook")

    log = json.dumps(sandbox.requests())
    assert "hush" not in log
    assert TOKEN.split(":")[1] not in log


def test_other_sites_are_kept_out(sandbox: Sandbox) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        response = httpx.post(f"{sandbox.url}/sandbox/reset", headers=headers, trust_env=False)
        assert response.status_code == 403


# Text


@pytest.mark.parametrize(
    ("html", "text", "kinds"),
    [
        ("<b>а</b> <i>б</i>", "а б", ["bold", "italic"]),
        ("<blockquote expandable>а</blockquote>", "а", ["expandable_blockquote"]),
        ('<span class="tg-spoiler">а</span>', "а", ["spoiler"]),
        ('<a href="https://a.ru/?x=1&amp;y=2">а</a>', "а", ["text_link"]),
        ('<a href="javascript:alert(1)">а</a>', "а", []),
        ('<pre><code class="language-sql">x</code></pre>', "x", ["pre"]),
        ("&lt;b&gt; &#1080; &nbsp;", "<b> и &nbsp;", []),
        ("<B>а</B><b></b>", "а", ["bold"]),
    ],
)
def test_html_becomes_entities(html: str, text: str, kinds: list[str]) -> None:
    parsed, entities = HtmlParser(html).parse()

    assert (parsed, [entity["type"] for entity in entities]) == (text, kinds)


@pytest.mark.parametrize(
    ("html", "error"),
    [
        ("а <br> б", 'Unsupported start tag "br" at byte offset 3'),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("<b>а", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b>а</i>", 'Unmatched end tag at byte offset 5, expected "</b>", found "</i>"'),
        ("а</b>", "Unexpected end tag at byte offset 2"),
        ("<b", 'Unclosed start tag "b" at byte offset 0'),
        ("<span>а</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ],
)
def test_bad_html_is_refused(anna: Sandbox, api: Api, html: str, error: str) -> None:
    refusal = api.refusal("sendMessage", chat_id=ANNA, text=html, parse_mode="HTML")

    assert refusal == f"400 Bad Request: can't parse entities: {error}"


def test_offsets_count_utf16_units_of_the_trimmed_text(anna: Sandbox, api: Api) -> None:
    message = api.say(" \n🔥<b>а</b> \n", parse_mode="HTML")

    assert message["text"] == "🔥а"
    assert message["entities"] == [{"type": "bold", "offset": 2, "length": 1}]


def test_commands_mentions_and_addresses_are_found() -> None:
    text = "/new@support_sandbox_bot 🔥 @anna_k https://a.ru/x, a@b.ru #тег 1/2 a@b"

    found = {
        entity["type"]: (entity["offset"], entity["length"]) for entity in detect_entities(text, [])
    }

    assert found == {
        "bot_command": (0, 24),
        "mention": (28, 7),
        "url": (36, 14),
        "email": (52, 6),
        "hashtag": (59, 4),
    }


def test_mention_by_id_names_the_person(anna: Sandbox, api: Api) -> None:
    message = api.say(
        f'<a href="tg://user?id={BORIS}">Борис</a>, <a href="tg://user?id=7">кто-то</a>',
        parse_mode="HTML",
    )

    assert [entity["user"]["first_name"] for entity in message["entities"]] == ["Борис"]


def test_code_holds_no_found_entities(anna: Sandbox, api: Api) -> None:
    message = api.say("<code>/new https://a.ru</code>", parse_mode="HTML")

    assert [entity["type"] for entity in message["entities"]] == ["code"]


@pytest.mark.parametrize("text", ["", "  \n ", "<b> </b>"])
def test_empty_text_is_refused(anna: Sandbox, api: Api, text: str) -> None:
    refusal = api.refusal("sendMessage", chat_id=ANNA, text=text, parse_mode="HTML")

    assert refusal == "400 Bad Request: message text is empty"


def test_length_is_counted_after_parsing(anna: Sandbox, api: Api) -> None:
    longest = "🔥" * 2048
    assert utf16_length(longest) == 4096

    api.say(f"<b>{longest}</b>", parse_mode="HTML")
    refusal = api.refusal("sendMessage", chat_id=ANNA, text=longest + "!")

    assert refusal == "400 Bad Request: message is too long"


def test_long_caption_is_refused(anna: Sandbox, api: Api) -> None:
    files = {"document": ("a.txt", b"text")}

    api.call("sendDocument", files, chat_id=ANNA, caption="а" * 1024)
    refusal = api.refusal("sendDocument", files, chat_id=ANNA, caption="а" * 1025)

    assert refusal == "400 Bad Request: message caption is too long"


def test_lone_surrogate_is_refused_from_the_bot(anna: Sandbox) -> None:
    body = b'{"chat_id": 510000001, "text": "\\ud800"}'
    headers = {"Content-Type": "application/json"}

    answer = httpx.post(
        f"{anna.url}/bot{TOKEN}/sendMessage", content=body, headers=headers, trust_env=False
    ).json()

    assert answer["description"] == "Bad Request: strings must be encoded in UTF-8"


# Where the bot may write


def test_chats_that_are_closed_to_the_bot(sandbox: Sandbox, api: Api) -> None:
    def refusal(chat_id: int) -> str:
        return api.refusal("sendMessage", chat_id=chat_id, text="Привет")

    assert refusal(42) == "400 Bad Request: chat not found"
    assert refusal(ANNA) == "403 Forbidden: bot can't initiate conversation with a user"
    sandbox.start("anna")
    sandbox.block("anna")
    assert refusal(ANNA) == "403 Forbidden: bot was blocked by the user"
    assert refusal(GROUP) == "403 Forbidden: bot is not a member of the group chat"
    sandbox.group("add_bot")
    sandbox.group("remove_bot")
    assert refusal(GROUP) == "403 Forbidden: bot was kicked from the group chat"


def test_migrated_group_names_its_new_id(group: Sandbox, api: Api) -> None:
    new_id = group.group("migrate")["id"]

    answer = api.answer("sendMessage", chat_id=GROUP, text="Привет")

    assert answer["error_code"] == 400
    assert answer["parameters"] == {"migrate_to_chat_id": new_id}
    old, new = (update["message"] for update in api.updates())
    assert (old["chat"]["id"], old["migrate_to_chat_id"]) == (GROUP, new_id)
    assert (new["chat"]["id"], new["migrate_from_chat_id"]) == (new_id, GROUP)
    assert api.say(chat_id=new_id)["chat"]["type"] == "supergroup"


def test_topics(group: Sandbox, api: Api) -> None:
    described = group.group("create_topic", title="Сеть")
    chat_id, topic = described["id"], described["topics"][0]["id"]
    api.updates()

    group.send("boris", f"{MENTION} не работает", chat="alpha", topic=topic)
    [update] = api.updates()
    message = update["message"]
    answer = api.say(chat_id=chat_id, reply_parameters=reply(message["message_id"]))
    unknown = api.refusal("sendMessage", chat_id=chat_id, text="а", message_thread_id=999)
    group.group("close_topic", topic=topic)
    closed = api.refusal("sendMessage", chat_id=chat_id, text="а", message_thread_id=topic)

    assert (message["message_thread_id"], message["is_topic_message"]) == (topic, True)
    assert "forum_topic_created" in message["reply_to_message"]
    assert answer["message_thread_id"] == topic
    assert unknown == "400 Bad Request: message thread not found"
    assert closed == "400 Bad Request: TOPIC_CLOSED"


def test_reply_to_a_missing_message(anna: Sandbox, api: Api) -> None:
    missing = reply(999)
    refusal = api.refusal("sendMessage", chat_id=ANNA, text="а", reply_parameters=missing)
    allowed = api.say(reply_parameters=missing | {"allow_sending_without_reply": True})

    assert refusal == "400 Bad Request: message to be replied not found"
    assert "reply_to_message" not in allowed


def test_reply_holds_no_nested_reply(anna: Sandbox, api: Api) -> None:
    first = api.say("Первое")
    second = api.say("Второе", reply_parameters=reply(first["message_id"]))
    third = api.say("Третье", reply_parameters=reply(second["message_id"]))

    assert third["reply_to_message"]["text"] == "Второе"
    assert "reply_to_message" not in third["reply_to_message"]


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


# Editing and deleting


def test_edit_changes_text_and_keyboard(anna: Sandbox, api: Api) -> None:
    message = api.say(reply_markup=inline({"text": "а", "callback_data": "a"}))

    edited = api.call(
        "editMessageText", chat_id=ANNA, message_id=message["message_id"], text="Новый"
    )

    assert (edited["text"], "reply_markup" in edited, "edit_date" in edited) == (
        "Новый",
        False,
        True,
    )
    assert anna.last("anna")["edited"]


def test_edits_that_are_refused(anna: Sandbox, api: Api) -> None:
    own = api.say("Текст", reply_markup=inline({"text": "а", "callback_data": "a"}))
    keyboard = api.say("Вопрос", reply_markup={"keyboard": [["Да"]]})
    foreign = anna.send("anna", "Моё")

    def refusal(method: str, message: Any, **fields: Any) -> str:
        return api.refusal(method, chat_id=ANNA, message_id=message["message_id"], **fields)

    same = refusal("editMessageText", own, text="Текст", reply_markup=own["reply_markup"])
    assert same.startswith("400 Bad Request: message is not modified: specified new message")
    markup = {"keyboard": [["Да"]]}
    assert refusal("editMessageReplyMarkup", own, reply_markup=markup).endswith(
        "inline keyboard expected"
    )
    assert refusal("editMessageCaption", own, caption="а").endswith(
        "there is no caption in the message to edit"
    )
    for message in (keyboard, foreign):
        assert refusal("editMessageText", message, text="а").endswith("message can't be edited")
    assert refusal("editMessageText", {"message_id": 999}, text="а").endswith(
        "message to edit not found"
    )


def test_bot_deletes_own_and_private_messages(anna: Sandbox, api: Api) -> None:
    pin = anna.send("anna", "123456")["message_id"]
    own = api.say()["message_id"]
    before = len(anna.messages("anna"))

    api.call("deleteMessage", chat_id=ANNA, message_id=pin)
    api.call("deleteMessages", chat_id=ANNA, message_ids=[own, 999])
    again = api.refusal("deleteMessage", chat_id=ANNA, message_id=pin)

    assert len(anna.messages("anna")) == before - 2
    assert again == "400 Bad Request: message to delete not found"


def test_only_an_admin_bot_deletes_in_a_group(group: Sandbox, api: Api) -> None:
    message_id = group.send("boris", "/help", chat="alpha")["message_id"]

    refusal = api.refusal("deleteMessage", chat_id=GROUP, message_id=message_id)
    group.group("promote")
    api.call("deleteMessage", chat_id=GROUP, message_id=message_id)

    assert refusal == "400 Bad Request: message can't be deleted"


def test_reactions_and_chat_actions(anna: Sandbox, api: Api) -> None:
    message_id = anna.send("anna", "Привет")["message_id"]
    target = {"chat_id": ANNA, "message_id": message_id}

    api.call("setMessageReaction", **target, reaction=[{"type": "emoji", "emoji": "👀"}])
    refusal = api.refusal(
        "setMessageReaction", **target, reaction=[{"type": "emoji", "emoji": "🧯"}]
    )
    api.call("sendChatAction", chat_id=ANNA, action="typing")
    wrong = api.refusal("sendChatAction", chat_id=ANNA, action="thinking")

    assert anna.messages("anna")[-1]["reactions"] == ["👀"]
    assert refusal == "400 Bad Request: REACTION_INVALID"
    assert anna.chat("anna")["typing"]
    assert wrong == "400 Bad Request: wrong parameter action in request"
    api.say()
    assert not anna.chat("anna")["typing"]


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


# Files


def test_document_comes_back_byte_for_byte(anna: Sandbox, api: Api) -> None:
    anna.files("anna", ("журнал.txt", b"line\n", "text/plain"), caption="Лог /new")
    [update] = api.updates()
    message = update["message"]

    path = api.call("getFile", file_id=message["document"]["file_id"])["file_path"]
    content = httpx.get(f"{anna.url}/file/bot{TOKEN}/{path}", trust_env=False).content

    document = message["document"]
    assert (document["file_name"], document["mime_type"], document["file_size"]) == (
        "журнал.txt",
        "text/plain",
        5,
    )
    assert (message["caption"], content) == ("Лог /new", b"line\n")
    assert message["caption_entities"][0]["type"] == "bot_command"


def test_kinds_tell_what_telegram_tells(anna: Sandbox, api: Api) -> None:
    for kind in ("photo", "video", "audio", "voice", "video_note", "sticker"):
        anna.files("anna", ("a.bin", PNG), kind=kind)
    messages = [update["message"] for update in api.updates()]
    media = {kind: message[kind] for message in messages for kind in KINDS if kind in message}

    assert {"file_name", "mime_type"} <= media["video"].keys() & media["audio"].keys()
    assert media["voice"]["mime_type"] == "audio/ogg"
    assert "file_name" not in media["voice"]
    assert [{"file_name", "mime_type"} & size.keys() for size in media["photo"]] == [set(), set()]
    assert media["photo"][0]["width"] < media["photo"][-1]["width"]
    assert not {"file_name", "mime_type"} & media["video_note"].keys()


KINDS = ("photo", "video", "audio", "voice", "video_note", "sticker")


def test_big_file_cannot_be_downloaded(anna: Sandbox, api: Api) -> None:
    anna.files("anna", ("big.zip", b"-"), fake_size=20 * MEGABYTE + 1)
    [update] = api.updates()
    document = update["message"]["document"]

    refusal = api.refusal("getFile", file_id=document["file_id"])

    assert document["file_size"] == 20 * MEGABYTE + 1
    assert refusal == "400 Bad Request: file is too big"


def test_album_is_several_updates_with_one_caption(anna: Sandbox, api: Api) -> None:
    anna.files("anna", ("a.png", PNG), ("b.png", PNG), kind="photo", caption="Два")
    messages = [update["message"] for update in api.updates()]

    assert len({message["media_group_id"] for message in messages}) == 1
    assert [message.get("caption") for message in messages] == ["Два", None]


def test_bot_sends_an_album(anna: Sandbox, api: Api) -> None:
    media = json.dumps([{"type": "photo", "media": f"attach://{name}"} for name in ("a", "b")])
    files = {"a": ("a.png", PNG), "b": ("b.png", PNG)}

    sent = api.call("sendMediaGroup", files, chat_id=ANNA, media=media)

    assert [message["media_group_id"] for message in sent] == [sent[0]["media_group_id"]] * 2
    one = json.dumps([{"type": "photo", "media": "attach://a"}])
    assert "2-10" in api.refusal("sendMediaGroup", files, chat_id=ANNA, media=one)
    mixed = json.dumps(
        [{"type": "photo", "media": "attach://a"}, {"type": "document", "media": "attach://b"}]
    )
    assert "can't be mixed" in api.refusal("sendMediaGroup", files, chat_id=ANNA, media=mixed)


def test_uploads_that_are_refused(anna: Sandbox, api: Api) -> None:
    def refusal(kind: str, content: bytes) -> str:
        method = f"send{kind.capitalize()}"
        return api.refusal(method, {kind: ("a.bin", content)}, chat_id=ANNA)

    assert refusal("document", b"") == "400 Bad Request: file must be non-empty"
    assert refusal("photo", b"text") == "400 Bad Request: IMAGE_PROCESS_FAILED"
    assert "is too big for a photo" in refusal("photo", PNG + bytes(10 * MEGABYTE))
    assert refusal("document", bytes(50 * MEGABYTE + 1)) == "413 Request Entity Too Large"
    unknown = api.refusal("sendDocument", chat_id=ANNA, document="nonsense")
    assert unknown == "400 Bad Request: wrong file identifier/HTTP URL specified"


def test_known_file_is_sent_again_and_copied(anna: Sandbox, api: Api) -> None:
    first = api.call("sendDocument", {"document": ("a.txt", b"text")}, chat_id=ANNA, caption="а")
    again = api.call("sendDocument", chat_id=ANNA, document=first["document"]["file_id"])
    copy = api.call("copyMessage", chat_id=ANNA, from_chat_id=ANNA, message_id=first["message_id"])

    assert again["document"]["file_name"] == "a.txt"
    assert anna.last("anna")["message_id"] == copy["message_id"]
    assert (anna.last("anna")["caption"], anna.last("anna")["media"]["name"]) == ("а", "a.txt")


# People


def test_start_and_block_tell_the_bot(sandbox: Sandbox, api: Api) -> None:
    sandbox.start("anna", "t_10428")
    sandbox.block("anna")
    with pytest.raises(SandboxError, match="409"):
        sandbox.send("anna", "Привет")
    sandbox.block("anna", blocked=False)
    start, blocked, unblocked = api.updates()

    assert start["message"]["text"] == "/start t_10428"
    assert start["message"]["chat"]["type"] == "private"
    statuses = [
        update["my_chat_member"][f"{when}_chat_member"]["status"]
        for update in (blocked, unblocked)
        for when in ("old", "new")
    ]
    assert statuses == ["member", "kicked", "kicked", "member"]


def test_contacts(anna: Sandbox, api: Api) -> None:
    asked = api.say(reply_markup={"keyboard": [[{"text": "Номер", "request_contact": True}]]})
    anna.contact("anna")
    anna.contact("anna", phone="+79031112233", user_id=BORIS, first_name="Борис")
    anna.contact("anna", phone="79031112233", user_id=None, forwarded=True)
    own, foreign, bare = (update["message"] for update in api.updates())

    assert own["contact"] == {
        "phone_number": "79161234567",
        "first_name": "Анна",
        "user_id": ANNA,
    }
    assert own["reply_to_message"]["message_id"] == asked["message_id"]
    assert (foreign["contact"]["user_id"], foreign["from"]["id"]) == (BORIS, ANNA)
    assert "user_id" not in bare["contact"]
    assert bare["forward_origin"]["sender_user"]["id"] == ANNA


def test_people_edit_delete_and_reply(anna: Sandbox, api: Api) -> None:
    first = anna.send("anna", "Первое")["message_id"]
    anna.send("anna", "Второе", reply_to=first)
    anna.edit("anna", first, "Исправлено")
    anna.delete("anna", first)
    _, second, edited = api.updates()

    assert second["message"]["reply_to_message"]["message_id"] == first
    assert edited["edited_message"]["text"] == "Исправлено"
    assert first not in [message["message_id"] for message in anna.messages("anna")]
    with pytest.raises(SandboxError, match="403"):
        anna.edit("anna", api.say()["message_id"], "Чужое")


def test_hostile_text_reaches_the_bot(anna: Sandbox, api: Api) -> None:
    for text in ("a\x00b", "\ud800", "\u200b", "١٢٣"):
        anna.send("anna", text)

    assert [update["message"]["text"] for update in api.updates()] == [
        "a\x00b",
        "\ud800",
        "\u200b",
        "١٢٣",
    ]


# Groups


def test_bot_is_added_promoted_and_removed(sandbox: Sandbox, api: Api) -> None:
    for action in ("add_bot", "promote", "demote", "remove_bot"):
        sandbox.group(action)
    updates = api.updates()

    changes = [update["my_chat_member"] for update in updates if "my_chat_member" in update]
    assert [change["new_chat_member"]["status"] for change in changes] == [
        "member",
        "administrator",
        "member",
        "kicked",
    ]
    assert changes[0]["old_chat_member"]["status"] == "left"
    services = [update["message"] for update in updates if "message" in update]
    assert "new_chat_members" in services[0]
    assert "left_chat_member" in services[1]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("просто разговор", False),
        ("/help", True),
        (f"/config{MENTION}", True),
        ("/config@other_bot", False),
        (f"{MENTION.upper()} не открывается консоль", True),
        ("@anna_k посмотри", False),
    ],
)
def test_privacy_mode(group: Sandbox, api: Api, text: str, seen: bool) -> None:
    sent = group.send("boris", text, chat="alpha")

    assert (sent["update_id"] is not None) is seen
    assert len(api.updates()) == seen


def test_bot_sees_replies_and_text_mentions(group: Sandbox, api: Api) -> None:
    own = api.say(chat_id=GROUP)["message_id"]
    group.send("boris", "спасибо", chat="alpha", reply_to=own)
    entity = {"type": "text_mention", "offset": 0, "length": 9, "user": "bot"}
    group.send("boris", "Поддержка, помогите", chat="alpha", entities=[entity])
    replied, mentioned = (update["message"] for update in api.updates())

    assert replied["reply_to_message"]["message_id"] == own
    assert mentioned["entities"][0]["user"]["username"] == "support_sandbox_bot"


def test_bot_sees_a_text_mention_in_a_caption(group: Sandbox, api: Api) -> None:
    entity = {"type": "text_mention", "offset": 3, "length": 9, "user": "bot"}
    fields = {"caption": "🔥 Поддержка", "entities": json.dumps([entity])}
    group.files("boris", ("a.txt", b"a"), chat="alpha", **fields)
    group.files("boris", ("b.txt", b"b"), chat="alpha", caption="Поддержка")
    [update] = api.updates()

    [mention] = update["message"]["caption_entities"]
    assert mention["user"]["username"] == "support_sandbox_bot"


def test_admin_bot_sees_everything(group: Sandbox, api: Api) -> None:
    group.group("promote")
    api.updates()
    group.send("boris", "просто разговор", chat="alpha")

    assert len(api.updates()) == 1


def test_anonymous_admin(group: Sandbox, api: Api) -> None:
    group.send("anna", "/help", chat="alpha", anonymous=True)
    with pytest.raises(SandboxError, match="администраторы"):
        group.send("boris", "/help", chat="alpha", anonymous=True)
    [update] = api.updates()

    assert update["message"]["from"]["id"] == 1087968824
    assert update["message"]["sender_chat"]["id"] == GROUP


def test_members_of_a_group(group: Sandbox, api: Api) -> None:
    def status(user_id: int) -> str:
        found = api.call("getChatMember", chat_id=GROUP, user_id=user_id)["status"]
        return str(found)

    group.group("make_admin", person="viktor")

    assert [status(user) for user in (ANNA, BORIS, VIKTOR, int(TOKEN.split(":")[0]))] == [
        "creator",
        "member",
        "administrator",
        "member",
    ]
    admins = api.call("getChatAdministrators", chat_id=GROUP)
    assert [admin["user"]["id"] for admin in admins] == [ANNA, VIKTOR]
    assert api.call("getChatMemberCount", chat_id=GROUP) == 4
    api.call("leaveChat", chat_id=GROUP)
    assert group.state()["groups"][0]["bot_status"] == "left"


def test_foreign_messages_of_a_group(group: Sandbox) -> None:
    sent = group.send("boris", "моё", chat="alpha")["message_id"]
    with pytest.raises(SandboxError, match="403"):
        group.edit("viktor", sent, "чужое", chat="alpha")
    with pytest.raises(SandboxError, match="403"):
        group.delete("viktor", sent, chat="alpha")
    group.group("rename", title="Бета")

    assert group.messages("anna", "alpha")[-1]["service"].endswith("«Бета»")


# Updates


def test_offset_confirms_and_limit_cuts(anna: Sandbox, api: Api) -> None:
    for text in ("1", "2", "3"):
        anna.send("anna", text)
    ids = [update["update_id"] for update in api.call("getUpdates")]

    assert ids == sorted(set(ids))
    assert len(api.call("getUpdates", limit=2)) == 2
    rest = api.call("getUpdates", offset=ids[1])
    assert [update["update_id"] for update in rest] == ids[1:]
    assert len(api.call("getUpdates")) == 2
    assert [update["update_id"] for update in api.call("getUpdates", offset=-1)] == ids[2:]


def test_update_ids_follow_the_clock_over_restarts() -> None:
    now = 1_795_000_000.0
    before, after = Updates(lambda: now), Updates(lambda: now + 1)
    last = Updates(lambda: now + 10**8)

    assert before.next_id < after.next_id < last.next_id < 2**31


def test_message_ids_follow_the_clock_over_restarts() -> None:
    now = 1_795_000_000.0

    def first_ids(clock: float) -> set[int]:
        return {chat.next_message_id for chat in State(clock=lambda: clock).chats.values()}

    [before], [after], [last] = (first_ids(now + later) for later in (0, 1, 10**8))
    assert before < after < last < 2**31


def test_message_ids_never_come_back_after_a_reset(sandbox: Sandbox, api: Api) -> None:
    def ids_of_a_life() -> dict[int, list[int]]:
        """Ids by chat, of more messages than the clock gives ids for."""
        sandbox.start("anna")
        sandbox.group("add_bot")
        small = [api.say(chat_id=GROUP)["message_id"] for _ in range(30)]
        new_id = sandbox.group("migrate")["id"]
        private = [api.say()["message_id"] for _ in range(30)]
        large = [api.say(chat_id=new_id)["message_id"]]
        assert large < small[1:]  # a supergroup numbers anew
        return {ANNA: private, GROUP: small, new_id: large}

    lives = []
    for _ in range(3):
        sandbox.reset()
        lives.append(ids_of_a_life())

    for earlier, later in itertools.pairwise(lives):
        for chat_id, ids in later.items():
            assert min(ids) > max(earlier[chat_id])


def test_long_poll_ends_with_an_update(anna: Sandbox, api: Api) -> None:
    with ThreadPoolExecutor() as pool:
        polling = pool.submit(api.call, "getUpdates", timeout=10)
        sent = anna.send("anna", "Привет")
        assert [update["update_id"] for update in polling.result(5)] == [sent["update_id"]]


def test_second_poller_cuts_off_the_first(anna: Sandbox, api: Api) -> None:
    with ThreadPoolExecutor() as pool:
        first = pool.submit(api.refusal, "getUpdates", timeout=10)
        while not first.done():
            api.call("getUpdates", timeout=0)
        assert first.result() == (
            "409 Conflict: terminated by other getUpdates request; "
            "make sure that only one bot instance is running"
        )


def test_allowed_updates_are_remembered(anna: Sandbox, api: Api) -> None:
    message = api.say()
    api.call("getUpdates", allowed_updates=["callback_query"])
    assert anna.send("anna", "Привет")["update_id"] is None
    assert api.updates() == []
    assert anna.press("anna", "x", message, wait=0)["update_id"]
    api.call("getUpdates", allowed_updates=[])
    assert anna.send("anna", "Привет")["update_id"]


class Hook(http.server.BaseHTTPRequestHandler):
    answers: Queue[int]
    seen: Queue[tuple[str, int]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        secret = self.headers["X-Telegram-Bot-Api-Secret-Token"]
        self.seen.put((secret, body["update_id"]))
        self.send_response(self.answers.get())
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def listening_hook(*statuses: int) -> Iterator[str]:
    """A bot behind a webhook that answers so, one after the other."""
    Hook.answers, Hook.seen = Queue(), Queue()
    for status in statuses:
        Hook.answers.put(status)
    with http.server.HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook"
        finally:
            server.shutdown()
            thread.join()


def test_webhook_delivers_in_order_until_2xx(anna: Sandbox, api: Api) -> None:
    with listening_hook(500, 200, 200) as url:
        api.call("setWebhook", url=url, secret_token="s3cret")
        first = anna.send("anna", "1")["update_id"]
        second = anna.send("anna", "2")["update_id"]
        seen = [Hook.seen.get(timeout=5) for _ in range(3)]
        conflict = api.refusal("getUpdates")
        info = api.call("getWebhookInfo")

    assert seen == [("s3cret", first), ("s3cret", first), ("s3cret", second)]
    assert conflict.startswith("409 Conflict: can't use getUpdates method while webhook is active")
    assert info["url"] == url
    assert info["last_error_message"] == "Wrong response from the webhook: 500"


def test_webhook_stays_on_loopback(api: Api) -> None:
    assert "loopback" in api.refusal("setWebhook", url="https://example.com/hook")


# What the bot tells of itself


def test_commands_and_descriptions(sandbox: Sandbox, api: Api) -> None:
    new = [{"command": "new", "description": "Создать новую заявку"}]
    api.call("setMyCommands", commands=new, scope={"type": "all_private_chats"})
    api.call("setMyDescription", description="Создавайте заявки")
    api.call("setMyShortDescription", short_description="Заявки")
    api.call("setChatMenuButton", menu_button={"type": "commands"})

    bot = sandbox.state()["bot"]
    assert (bot["commands"], bot["group_commands"]) == (new, [])
    assert (bot["description"], bot["short_description"]) == ("Создавайте заявки", "Заявки")
    assert api.call("getMyCommands", scope={"type": "all_private_chats"}) == new
    api.call("deleteMyCommands", scope={"type": "all_private_chats"})
    assert sandbox.state()["bot"]["commands"] == []
    bad = [{"command": "Новая", "description": "а"}]
    assert api.refusal("setMyCommands", commands=bad) == "400 Bad Request: BOT_COMMAND_INVALID"
    assert "too long" in api.refusal("setMyDescription", description="а" * 513)


def test_what_the_bot_told_of_itself_outlives_the_sandbox(tmp_path: Path) -> None:
    memory = tmp_path / "sandbox.json"
    commands = [{"command": "new", "description": "Создать новую заявку"}]
    before = State(memory=memory)
    set_my_commands(before, {"commands": commands, "scope": {"type": "all_private_chats"}})
    METHODS["setMyDescription"][1](before, {"description": "Создавайте заявки"})

    bot = show_state(State(memory=memory))["bot"]

    assert (bot["commands"], bot["description"]) == (commands, "Создавайте заявки")
    assert [path.name for path in tmp_path.iterdir()] == ["sandbox.json"]
    memory.write_text("")
    assert show_state(State(memory=memory))["bot"]["commands"] == []


# Limits and faults


def test_flood_limits() -> None:
    now = 0.0
    limits = Limits(lambda: now, enabled=True)

    def send(chat_id: int, times: int, *, private: bool = True) -> int:
        """How many went through before the refusal."""
        for number in range(times):
            try:
                limits.take(chat_id, private=private)
            except TelegramError:
                return number
        return times

    assert send(ANNA, 25) == 20
    assert send(BORIS, 25) == 10  # 30 a second over all
    now = 5.0
    assert send(ANNA, 25) == 5  # then one a second
    now = 10.0
    assert send(GROUP, 25, private=False) == 20
    now = 13.0
    assert send(GROUP, 25, private=False) == 1  # 20 a minute


def test_limits_are_on_unless_switched_off() -> None:
    with running_sandbox(limits=True) as sandbox:
        sandbox.start("anna")
        api = Api(sandbox.url)
        answers = [api.answer("sendMessage", chat_id=ANNA, text="а") for _ in range(25)]
        api.close()

    refused = [answer for answer in answers if not answer["ok"]]
    assert refused
    assert refused[0]["error_code"] == 429
    assert refused[0]["parameters"]["retry_after"] >= 1


def test_error_faults(anna: Sandbox, api: Api) -> None:
    def send() -> dict[str, Any]:
        return api.answer("sendMessage", chat_id=ANNA, text="а")

    anna.fault("429", retry_after=7)
    assert send()["parameters"] == {"retry_after": 7}
    anna.fault("403", times=2)
    assert [send()["error_code"], send()["error_code"], send()["ok"]] == [403, 403, True]
    anna.fault("500", method="editMessageText", times=None)
    assert send()["ok"]
    anna.fault("400", chat="boris")
    assert send()["ok"]
    anna.clear_faults()
    anna.fault("500")
    assert api.call("getMe")
    assert api.call("getUpdates") is not None
    assert send()["error_code"] == 500


@pytest.mark.parametrize(
    ("kind", "delivered"), [("reset", 0), ("timeout", 0), ("lost_answer", 1), ("bad_json", 0)]
)
def test_broken_answers(anna: Sandbox, api: Api, kind: str, delivered: int) -> None:
    anna.fault(kind, seconds=0.01)
    with pytest.raises((httpx.TransportError, ValueError)):
        api.answer("sendMessage", chat_id=ANNA, text="а")

    assert len(anna.from_bot("anna")) == delivered
    assert api.say()


def test_slow_answer_and_failing_download(anna: Sandbox, api: Api) -> None:
    anna.fault("slow", seconds=0.05)
    began = time.monotonic()
    message = api.call("sendDocument", {"document": ("a.txt", b"text")}, chat_id=ANNA)
    assert time.monotonic() - began >= 0.05

    anna.fault("500", method="file")
    path = api.call("getFile", file_id=message["document"]["file_id"])["file_path"]
    url = f"{anna.url}/file/bot{TOKEN}/{path}"
    statuses = [httpx.get(url, trust_env=False).status_code for _ in range(2)]
    assert statuses == [500, 200]


def leave_in_the_middle(sandbox: Sandbox, request: str) -> None:
    """Start a request and reset the connection, as a killed client does."""
    address = httpx.URL(sandbox.url)
    with socket.create_connection((address.host, address.port)) as client:
        client.sendall(f"{request} HTTP/1.1\r\nHost: {address.netloc.decode()}\r\n".encode())
        client.sendall(b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{")
        sandbox.state()  # by now the handler waits for the rest
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sandbox.state()  # by now it knows that there is none


@pytest.mark.parametrize("path", [f"bot{TOKEN}/sendMessage", "sandbox/send"])
def test_client_that_leaves_is_no_error(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    leave_in_the_middle(sandbox, f"POST /{path}")

    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


# Mail


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "support@localhost", "an@example.test"
    message["Subject"] = "ПИН-код"
    message.set_content("Ваш код: 123456")
    message.add_alternative("<b>123456</b>", subtype="html")
    message.add_attachment(b"text", maintype="text", subtype="plain", filename="лог.txt")
    return message


def deliver_letter(sandbox: Sandbox) -> None:
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=5) as smtp:
        smtp.send_message(letter(), to_addrs=["an@example.test", "copy@example.test"])


def test_mailbox_keeps_letters(sandbox: Sandbox) -> None:
    deliver_letter(sandbox)
    mail = sandbox.wait_for_mail("123456")

    assert (mail["subject"], mail["from"]) == ("ПИН-код", "support@localhost")
    assert mail["to"] == ["an@example.test", "copy@example.test"]
    assert "123456" in mail["text"]
    assert "<b>" in mail["html"]
    assert mail["attachments"] == [{"name": "лог.txt", "size": 4}]
    sandbox.clear_mail()
    assert sandbox.mail() == []


def test_mail_faults(sandbox: Sandbox) -> None:
    sandbox.fault("smtp_down")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        deliver_letter(sandbox)
    sandbox.fault("smtp_slow", seconds=0.05)
    began = time.monotonic()
    deliver_letter(sandbox)

    assert refused.value.smtp_code == 451
    assert time.monotonic() - began >= 0.05
    assert len(sandbox.mail()) == 1


# The page


def test_chat_page_is_served_under_a_strict_policy(sandbox: Sandbox) -> None:
    page = httpx.get(f"{sandbox.url}/", trust_env=False)
    outside = httpx.get(f"{sandbox.url}/sandbox/static/..%2Fstate.py", trust_env=False)

    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert outside.status_code == 404


def test_link_to_the_bot_leads_to_the_chat_page_with_its_parameter(sandbox: Sandbox) -> None:
    for query in ("?start=n_7", ""):
        answer = httpx.get(f"{sandbox.url}/support_sandbox_bot{query}", trust_env=False)
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/{query}")


def test_events_tell_of_changes(sandbox: Sandbox) -> None:
    with (
        httpx.Client(trust_env=False, timeout=5) as client,
        client.stream("GET", f"{sandbox.url}/sandbox/events") as events,
    ):
        lines = (json.loads(line[6:]) for line in events.iter_lines() if line.startswith("data"))
        version = next(lines)["version"]
        sandbox.start("anna")
        event = next(lines)

    assert event["version"] > version
    assert event["kind"] == "message"


def test_reset_forgets_everything(anna: Sandbox, api: Api) -> None:
    anna.send("anna", "Привет")
    anna.fault("500", times=None)
    anna.reset()

    state = anna.state()
    assert not any(person["started"] for person in state["people"])
    assert (anna.messages("anna"), anna.requests(), api.updates()) == ([], [], [])
    assert api.refusal("sendMessage", chat_id=ANNA, text="а").startswith("403")


# The library and the command


def test_real_library_drives_it(anna: Sandbox) -> None:
    async def walk() -> None:
        bot = Bot(TOKEN, base_url=f"{anna.url}/bot", base_file_url=f"{anna.url}/file/bot")
        async with bot:
            keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("А", callback_data="a")]])
            message = await bot.send_message(
                ANNA, "<b>Привет</b>", parse_mode="HTML", reply_markup=keyboard
            )
            edited = await message.edit_text("Пока")
            assert not isinstance(edited, bool)
            assert (edited.text, edited.reply_markup) == ("Пока", None)
            document = await bot.send_document(ANNA, b"text", filename="a.txt")
            assert document.document
            file = await bot.get_file(document.document.file_id)
            assert bytes(await file.download_as_bytearray()) == b"text"
            album = await bot.send_media_group(
                ANNA, [InputMediaDocument(b"a", filename="a"), InputMediaDocument(b"b")]
            )
            assert len(album) == 2
            loop = asyncio.get_running_loop()
            pressing = loop.run_in_executor(None, anna.press, "anna", "a", {**anna.last("anna")})
            [update] = await bot.get_updates(timeout=5)
            assert update.callback_query
            await update.callback_query.answer("Готово")
            assert (await pressing)["text"] == "Готово"
            chat = await bot.get_chat(ANNA)
            assert chat.first_name == "Анна"

    asyncio.run(walk())
    assert anna.refused() == []


def test_library_reads_every_membership_change(group: Sandbox) -> None:
    async def walk() -> None:
        async with Bot(TOKEN, base_url=f"{group.url}/bot") as bot:
            updates = await bot.get_updates()
            assert all(update.my_chat_member or update.message for update in updates)
            admins = await bot.get_chat_administrators(supergroup["id"])
            assert [admin.status for admin in admins] == ["creator", "administrator"]

    group.group("promote")
    supergroup = group.group("create_topic", title="Сеть")
    asyncio.run(walk())


def run_command(*arguments: str, token: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "sandbox", *arguments],
        cwd=ROOT,
        env={**os.environ, "TELEGRAM_BOT_TOKEN": token},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("arguments", "token", "words"),
    [
        (["--host", "0.0.0.0"], "", "только этот компьютер"),  # noqa: S104
        ([], "123:real", "настоящий TELEGRAM_BOT_TOKEN"),
        (["--port", "{taken}"], TOKEN, "Порт {taken} занят"),
    ],
)
def test_command_refuses(sandbox: Sandbox, arguments: list[str], token: str, words: str) -> None:
    taken = sandbox.url.rsplit(":", 1)[1]
    command = run_command(*(each.format(taken=taken) for each in arguments), token=token)
    _, errors = command.communicate(timeout=30)

    assert command.returncode == 1
    assert words.format(taken=taken) in errors


def test_command_ends_with_open_polls_and_streams() -> None:
    with run_command("--port", "0", "--smtp-port", "0") as command:
        assert command.stdout
        url = command.stdout.readline().split()[2].rstrip("/")
        with (
            httpx.Client(trust_env=False, timeout=60) as client,
            client.stream("GET", f"{url}/sandbox/events"),
            ThreadPoolExecutor() as pool,
        ):
            polling = pool.submit(client.get, f"{url}/bot{TOKEN}/getUpdates?timeout=50")
            client.get(f"{url}/sandbox/state")
            command.send_signal(signal.SIGTERM)
            assert command.wait(timeout=10) == 0  # far sooner than the poll would end
            assert polling.exception(timeout=10)
        command.communicate()
