"""The HTTP side the chat page and the tests use: do what a person does, see what there is."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox import groups, people
from sandbox.bot_api import STATE
from sandbox.errors import ControlError
from sandbox.files import KINDS, Upload, guess_type
from sandbox.hooks import handle_hook, handle_hooks
from sandbox.parameters import parse_json, read_upload
from sandbox.state import Json, State
from sandbox.view import show_messages, show_state

PAGE = Path(__file__).parent / "page"
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; frame-src 'self' blob:; frame-ancestors 'self'"
)
VISITED = {"page", "bot_link"}  # routes that a link of another site may open
MAX_WAIT = 60.0
SHOWN_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp", "video/mp4", "audio/")

JSON_FIELDS = {"entities", "extra", "forwarded"}  # of a form with files

Action = Callable[[State, Json], Any]

ACTIONS: dict[str, Action] = {
    "meet": people.meet,
    "send": people.send,
    "start": people.start,
    "contact": people.contact,
    "press": people.press,
    "edit": people.edit,
    "touch": people.touch,
    "delete": people.delete,
    "block": people.block,
    "update": people.update,
}


async def handle_action(request: web.Request) -> web.Response:
    action = ACTIONS[request.match_info["action"]]
    result = action(request.app[STATE], await _read_json(request))
    return web.json_response(await result if inspect.isawaitable(result) else result)


async def _read_json(request: web.Request) -> Json:
    try:
        fields = parse_json(await request.text() or "{}")
    except (ValueError, LookupError):  # also a charset that nobody knows
        raise ControlError("Тело запроса — не JSON.") from None
    if not isinstance(fields, dict):
        raise ControlError("Нужен объект JSON.")
    return fields


async def handle_files(request: web.Request) -> web.Response:
    fields: Json = {}
    uploads: list[Upload] = []
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            uploads.append(read_upload(value))
        else:
            fields[name] = parse_json(value) if name in JSON_FIELDS else value
    kind = fields.get("kind") or "document"
    if kind not in KINDS:
        raise ControlError(f"Нет такого вида файла: {kind}")
    if "fake_size" in fields:
        name = uploads[0].name if uploads else "big.bin"
        uploads = [Upload(name, guess_type(name), b"", int(fields["fake_size"]))]
    return web.json_response(people.send_files(request.app[STATE], fields, uploads))


async def handle_group(request: web.Request) -> web.Response:
    fields = await _read_json(request)
    return web.json_response(groups.act(request.app[STATE], request.match_info["key"], fields))


async def handle_state(request: web.Request) -> web.Response:
    return web.json_response(show_state(request.app[STATE]))


async def handle_messages(request: web.Request) -> web.Response:
    return web.json_response(show_messages(request.app[STATE], dict(request.query)))


async def handle_wait(request: web.Request) -> web.Response:
    """Answer once the version is newer than `after`, or `timeout` seconds have passed."""
    state = request.app[STATE]
    timeout = min(float(request.query.get("timeout", 10)), MAX_WAIT)
    await state.wait_for_change(int(request.query.get("after", state.version)), timeout)
    return web.json_response({"version": state.version})


async def handle_events(request: web.Request) -> web.StreamResponse:
    """Server-sent events; changes that come together are told once."""
    state = request.app[STATE]
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    await response.prepare(request)
    version = 0
    while True:  # until the page is gone
        event = {"version": state.version, "kind": state.last_kind}
        lines = f"data: {json.dumps(event)}\n\n" if state.version > version else ": still\n\n"
        version = state.version
        await response.write(lines.encode())
        await state.wait_for_change(version, seconds=15)


async def handle_mail(request: web.Request) -> web.Response:
    state = request.app[STATE]
    if request.method == "DELETE":
        state.mail.clear()
        state.changed("mail")
    return web.json_response(state.mail)


async def handle_letter(request: web.Request) -> web.Response:
    wanted = request.match_info["id"]
    for letter in request.app[STATE].mail:
        if str(letter["id"]) == wanted:
            return web.json_response(letter)
    raise ControlError("Такого письма нет.", 404)


async def handle_requests(request: web.Request) -> web.Response:
    after = int(request.query.get("after", 0))
    log = request.app[STATE].requests
    return web.json_response([entry for entry in log if entry["n"] > after])


async def handle_faults(request: web.Request) -> web.Response:
    state = request.app[STATE]
    if request.method == "POST":
        state.faults.add(await _read_json(request))
    elif request.method == "DELETE":
        state.faults.clear()
    if request.method != "GET":
        state.changed("faults")
    return web.json_response(state.faults.describe())


async def handle_reset(request: web.Request) -> web.Response:
    request.app[STATE].reset()
    return web.json_response({})


async def handle_media(request: web.Request) -> web.Response:
    """A file of a chat, for the chat page."""
    stored = request.app[STATE].files.by_id(request.match_info["id"])
    if stored is None:
        raise ControlError("Такого файла нет.", 404)
    kind = guess_type(stored.path)
    shown = kind.startswith(SHOWN_TYPES)
    headers = {"Content-Security-Policy": "sandbox; default-src 'none'"}
    if not shown:
        headers["Content-Disposition"] = "attachment"
    return web.Response(
        body=stored.upload.content,
        content_type=kind if shown else "application/octet-stream",
        headers=headers,
    )


async def handle_bot_link(request: web.Request) -> web.Response:
    """What t.me/<bot>?start=… is to Telegram: the way into the chat."""
    raise web.HTTPFound(request.rel_url.with_path("/", keep_query=True))


async def handle_static(request: web.Request) -> web.StreamResponse:
    path = (PAGE / request.match_info.get("name", "index.html")).resolve()
    if not (path.is_relative_to(PAGE) and path.is_file()):
        raise ControlError("Нет такого файла.", 404)
    return web.FileResponse(path)


def routes() -> list[web.RouteDef]:
    return [
        web.get("/", handle_static, name="page"),
        web.get("/{bot:[a-z0-9_]+_bot}", handle_bot_link, name="bot_link"),
        web.get("/sandbox/static/{name}", handle_static),
        web.get("/sandbox/files/{id}", handle_media),
        web.get("/sandbox/state", handle_state),
        web.get("/sandbox/events", handle_events),
        web.get("/sandbox/wait", handle_wait),
        web.get("/sandbox/messages", handle_messages),
        web.post(f"/sandbox/{{action:{'|'.join(ACTIONS)}}}", handle_action),
        web.post("/sandbox/files", handle_files),
        web.post("/sandbox/groups/{key}", handle_group),
        web.get("/sandbox/mail", handle_mail),
        web.delete("/sandbox/mail", handle_mail),
        web.get("/sandbox/mail/{id}", handle_letter),
        web.post("/hooks/{name}", handle_hook),
        web.route("*", "/sandbox/hooks", handle_hooks),
        web.get("/sandbox/requests", handle_requests),
        web.get("/sandbox/faults", handle_faults),
        web.post("/sandbox/faults", handle_faults),
        web.delete("/sandbox/faults", handle_faults),
        web.post("/sandbox/reset", handle_reset),
    ]
