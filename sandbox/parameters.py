"""Reading the parameters of a Bot API request, whichever way they were sent."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from sandbox.errors import TelegramError, bad_request, not_emulated
from sandbox.files import Upload

Parameters = dict[str, Any]
MAX_DEPTH = 100  # as in Telegram's own parser
# Bytes that are no text, a charset that nobody knows, a part of a form without its head
UNREADABLE = (ValueError, LookupError, HttpProcessingError)


def as_text(value: Any) -> str:
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise bad_request("strings must be encoded in UTF-8") from None
    return text


def as_int(value: Any) -> int:
    return int(value)


def as_bool(value: Any) -> bool:
    return str(value).lower() in ("true", "1", "yes")


def parse_json(text: str | bytes | bytearray) -> Any:
    """As strict as Telegram's parser, and stricter where one name comes twice: ValueError."""
    try:
        value = json.loads(text, object_pairs_hook=_as_object, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _is_too_deep(value):
        raise ValueError("nested too deeply")
    return value


def _as_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a name comes twice")
    return fields


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _depth in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
    return bool(level)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def as_json(value: Any) -> Any:
    parsed = parse_json(value) if isinstance(value, str) else value
    as_text(json.dumps(parsed, ensure_ascii=False))
    return parsed


def as_chat_id(value: Any) -> int | str:
    return value if str(value).startswith("@") else int(value)


def as_file(value: Any) -> Any:
    return value if isinstance(value, Upload) else as_text(value)


CONVERTERS: dict[Callable[[Any], Any], str] = {
    as_chat_id: "chat_id from_chat_id",
    as_int: "message_id message_thread_id offset limit timeout user_id cache_time max_connections "
    "duration width height",
    as_bool: "disable_notification protect_content show_alert drop_pending_updates is_big "
    "disable_content_type_detection supports_streaming has_spoiler",
    as_json: "reply_markup reply_parameters link_preview_options allowed_updates media reaction "
    "commands scope menu_button message_ids",
    as_file: "document photo video audio voice thumbnail",
}
BY_NAME = {name: convert for convert, names in CONVERTERS.items() for name in names.split()}


async def read_request(request: web.Request) -> tuple[Parameters, dict[str, Upload]]:
    """The raw parameters and the uploaded files by field name."""
    values: Parameters = dict(request.query)
    uploads: dict[str, Upload] = {}
    try:
        if request.content_type == "application/json":
            values |= _read_json(await request.text())
        else:
            await _read_form(request, values, uploads)
    except web.HTTPRequestEntityTooLarge:
        raise TelegramError(413, "Request Entity Too Large") from None
    except UNREADABLE:
        raise bad_request("can't read the request") from None
    return values, uploads


def _read_json(body: str) -> Parameters:
    try:
        values = parse_json(body or "{}")
    except ValueError:
        raise bad_request("can't parse JSON object") from None
    if not isinstance(values, dict):
        raise bad_request("object expected as request body")
    return values


async def _read_form(request: web.Request, values: Parameters, uploads: dict[str, Upload]) -> None:
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            uploads[name] = read_upload(value)
        else:
            values[name] = value if isinstance(value, str) else bytes(value).decode()


def read_upload(field: web.FileField) -> Upload:
    with field.file:
        return Upload(field.filename, field.content_type, field.file.read())


def convert(values: Parameters, uploads: dict[str, Upload], known: set[str]) -> Parameters:
    """The typed parameters of a method; what the method does not know is refused."""
    attached = {name: upload for name, upload in uploads.items() if name not in known}
    values = {**values, **{name: upload for name, upload in uploads.items() if name in known}}
    if unknown := sorted(values.keys() - known):
        raise not_emulated(f"unknown parameter {', '.join(unknown)}")
    parameters = {name: _convert_one(name, value) for name, value in values.items()}
    return parameters | {"attached": attached}


def _convert_one(name: str, value: Any) -> Any:
    try:
        return BY_NAME.get(name, as_text)(value)
    except (ValueError, TypeError):
        raise bad_request(f"can't parse parameter {name}") from None
