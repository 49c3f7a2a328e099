"""The Bot API: the table of methods and the way of one request through it."""

import asyncio
import inspect
import json
import re
import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from aiohttp import web

from sandbox import editing, profile, sending
from sandbox.errors import BrokenAnswer, TelegramError
from sandbox.faults import Fault
from sandbox.files import MAX_DOWNLOAD, Upload
from sandbox.parameters import Parameters, convert, read_request
from sandbox.state import Json, State

STATE = web.AppKey("state", State)

Handler = Callable[[State, Parameters], Any]

TO_CHAT = "chat_id message_thread_id disable_notification protect_content reply_parameters "
SEND = TO_CHAT + "reply_markup "
CAPTION = "caption parse_mode "
SHAPE = "duration width height "
EDIT = "chat_id message_id reply_markup "

METHODS: dict[str, tuple[str, Handler]] = {
    "getMe": ("", profile.get_me),
    "getUpdates": ("offset limit timeout allowed_updates", profile.get_updates),
    "setWebhook": (
        "url secret_token allowed_updates drop_pending_updates max_connections",
        profile.set_webhook,
    ),
    "deleteWebhook": ("drop_pending_updates", profile.delete_webhook),
    "getWebhookInfo": ("", profile.get_webhook_info),
    "setMyCommands": ("commands scope language_code", profile.set_my_commands),
    "getMyCommands": ("scope language_code", profile.get_my_commands),
    "deleteMyCommands": ("scope language_code", profile.delete_my_commands),
    "setMyName": ("name language_code", profile.set_profile("name", "name", 64)),
    "setMyDescription": (
        "description language_code",
        profile.set_profile("description", "description", 512),
    ),
    "setMyShortDescription": (
        "short_description language_code",
        profile.set_profile("short_description", "short_description", 120),
    ),
    "setChatMenuButton": ("chat_id menu_button", profile.set_chat_menu_button),
    "getFile": ("file_id", profile.get_file),
    "getChat": ("chat_id", profile.get_chat),
    "getChatMember": ("chat_id user_id", profile.get_chat_member),
    "getChatAdministrators": ("chat_id", profile.get_chat_administrators),
    "getChatMemberCount": ("chat_id", profile.get_chat_member_count),
    "leaveChat": ("chat_id", profile.leave_chat),
    "sendMessage": (SEND + "text parse_mode link_preview_options", sending.send_message),
    "sendDocument": (
        SEND + CAPTION + "document thumbnail disable_content_type_detection",
        partial(sending.send_media, kind="document"),
    ),
    "sendPhoto": (SEND + CAPTION + "photo has_spoiler", partial(sending.send_media, kind="photo")),
    "sendVideo": (
        SEND + CAPTION + SHAPE + "video thumbnail has_spoiler supports_streaming",
        partial(sending.send_media, kind="video"),
    ),
    "sendAudio": (
        SEND + CAPTION + "audio duration performer title thumbnail",
        partial(sending.send_media, kind="audio"),
    ),
    "sendVoice": (SEND + CAPTION + "voice duration", partial(sending.send_media, kind="voice")),
    "sendMediaGroup": (TO_CHAT + "media", sending.send_media_group),
    "copyMessage": (SEND + CAPTION + "from_chat_id message_id", sending.copy_message),
    "sendChatAction": ("chat_id message_thread_id action", editing.send_chat_action),
    "editMessageText": (EDIT + "text parse_mode link_preview_options", editing.edit_message_text),
    "editMessageCaption": (EDIT + CAPTION, editing.edit_message_caption),
    "editMessageReplyMarkup": (EDIT, editing.edit_message_reply_markup),
    "deleteMessage": ("chat_id message_id", editing.delete_message),
    "deleteMessages": ("chat_id message_ids", editing.delete_messages),
    "answerCallbackQuery": (
        "callback_query_id text show_alert cache_time",
        editing.answer_callback_query,
    ),
    "setMessageReaction": ("chat_id message_id reaction is_big", editing.set_message_reaction),
}
# Telegram takes the names in any case.
BY_NAME = {
    name.lower(): (set(parameters.split()), handler)
    for name, (parameters, handler) in METHODS.items()
}
SECRETS = {"secret_token"}
TRICKLE_PAUSE = 0.1  # seconds between two pieces of a file


async def handle_method(request: web.Request) -> web.StreamResponse:
    """One Bot API request: token, fault, work, a line in the log, answer."""
    state = request.app[STATE]
    method = request.match_info["method"]
    check_token(state, request.match_info["token"])
    started = time.perf_counter()
    values, uploads = await read_request(request)
    fault = state.faults.take_api(method, _chat_key(state, values.get("chat_id")))
    error: TelegramError | None = None
    result: Any = None
    try:
        await _suffer(fault)
        result = await _call(state, method, values, uploads)
        if fault and fault.kind == "lost_answer":
            raise BrokenAnswer(fault.kind)
    except TelegramError as refusal:
        error = refusal
    if error or result or method.lower() != "getupdates":  # an empty poll says nothing
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        state.log(_describe(method, values, uploads, error) | {"ms": milliseconds})
    if error:
        raise error
    if fault and fault.kind == "strings":
        result = _in_strings(result)
    return web.json_response({"ok": True, "result": result})


def _in_strings(result: Any) -> Any:
    """What some servers make of a message: numbers and nested objects as strings."""
    if not isinstance(result, dict):
        return result
    kept = {name: result[name] for name in ("chat", "from") if name in result}
    return {name: json.dumps(value) for name, value in result.items()} | kept


def check_token(state: State, token: str) -> None:
    if not re.fullmatch(r"[0-9]+:[A-Za-z0-9_-]+", token):
        raise TelegramError(404, "Not Found")
    if not secrets.compare_digest(token, state.token):
        raise TelegramError(401, "Unauthorized")


def _chat_key(state: State, chat_id: Any) -> str | None:
    chat = state.chats.get(int(chat_id)) if re.fullmatch(r"-?\d+", str(chat_id)) else None
    return chat.key if chat else None


async def _suffer(fault: Fault | None) -> None:
    """What a fault does before the work."""
    if fault is None:
        return
    if fault.seconds and fault.kind != "trickle":
        await asyncio.sleep(fault.seconds)
    if error := fault.error():
        raise error
    if fault.kind in ("timeout", "reset"):
        raise BrokenAnswer(fault.kind)
    if fault.kind == "bad_json":
        raise BrokenAnswer(fault.kind, '{"ok":tru')


async def _call(state: State, method: str, values: Parameters, uploads: dict[str, Upload]) -> Any:
    if method.lower() not in BY_NAME:
        raise TelegramError(404, "Not Found: method not found", refused=True)
    known, handler = BY_NAME[method.lower()]
    result = handler(state, convert(values, uploads, known))
    return await result if inspect.isawaitable(result) else result


def _describe(
    method: str, values: Parameters, uploads: dict[str, Upload], error: TelegramError | None
) -> Json:
    files = {name: f"<{file.name}, {file.size} bytes>" for name, file in uploads.items()}
    shown = {name: "•••" if name in SECRETS else value for name, value in values.items()}
    return {
        "method": method,
        "params": shown | files,
        "status": error.code if error else 200,
        "description": error.description if error else "",
        "refused": bool(error and error.refused),
    }


async def handle_file(request: web.Request) -> web.StreamResponse:
    """A download; the fault method for it is «file»."""
    state = request.app[STATE]
    check_token(state, request.match_info["token"])
    fault = state.faults.take_api("file", None)
    await _suffer(fault)
    stored = state.files.by_path(request.match_info["path"])
    if stored is None or stored.upload.size > MAX_DOWNLOAD:
        raise TelegramError(404, "Not Found")
    upload = stored.upload
    content = upload.content or bytes(upload.size)
    if fault and fault.kind == "trickle":
        return await _trickle(request, content, fault.seconds)
    return web.Response(body=content, content_type="application/octet-stream")


async def _trickle(request: web.Request, content: bytes, seconds: float) -> web.StreamResponse:
    """Hand out the bytes evenly over so many seconds."""
    response = web.StreamResponse(headers={"Content-Length": str(len(content))})
    response.content_type = "application/octet-stream"
    await response.prepare(request)
    pieces = max(1, int(seconds / TRICKLE_PAUSE))
    step = -(-len(content) // pieces)
    for place in range(0, len(content), step):
        await response.write(content[place : place + step])
        await asyncio.sleep(TRICKLE_PAUSE)
    return response


def error_response(error: TelegramError) -> web.Response:
    body: Json = {"ok": False, "error_code": error.code, "description": error.description}
    if error.parameters:
        body["parameters"] = error.parameters
    return web.json_response(body, status=error.code)
