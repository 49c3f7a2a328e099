"""A receiver of webhooks to look at: what arrived under /hooks/<name>, and who signed it.

It checks by Standard Webhooks on its own, as a customer's program would.
"""

import base64
import binascii
import hmac
from typing import Any

from aiohttp import web

from sandbox.bot_api import STATE
from sandbox.errors import ControlError
from sandbox.parameters import parse_json
from sandbox.state import Json

PREFIX = "whsec_"
LARGEST_BODY = 256 * 1024
SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")


async def handle_hook(request: web.Request) -> web.Response:
    """Takes whatever comes, as long as it is text."""
    state = request.app[STATE]
    body = (await request.read())[:LARGEST_BODY]
    state.hooks.appendleft(
        {
            "n": state.number(),
            "at": state.now(),
            "name": request.match_info["name"],
            "headers": {name: request.headers.get(name, "") for name in SIGNED},
            "body": body.decode(errors="replace"),
        }
    )
    state.changed("hooks")
    return web.Response(status=204)


async def handle_hooks(request: web.Request) -> web.Response:
    """What came, each with whether its signature holds: null while no secret is known."""
    state = request.app[STATE]
    if request.method == "DELETE":
        state.hooks.clear()
        state.changed("hooks")
    if request.method == "POST":
        fields: Any = parse_json(await request.text())
        state.hook_secret = str(fields.get("secret", "")).strip()
        if state.hook_secret and _key_of(state.hook_secret) is None:
            state.hook_secret = ""
            raise ControlError("Секрет начинается с whsec_ и скопирован целиком.")
        state.changed("hooks")
    return web.json_response(
        {
            "has_secret": bool(state.hook_secret),
            "hooks": [{**one, "holds": holds(one, state.hook_secret)} for one in state.hooks],
        }
    )


def holds(one: Json, secret: str) -> bool | None:
    """Whether one of the signatures was made with the secret."""
    key = _key_of(secret) if secret else None
    if key is None:
        return None
    number, timestamp, signatures = (one["headers"][name] for name in SIGNED)
    digest = hmac.digest(key, f"{number}.{timestamp}.{one['body']}".encode(), "sha256")
    expected = b"v1," + base64.b64encode(digest)
    return any(hmac.compare_digest(expected, found.encode()) for found in signatures.split())


def _key_of(secret: str) -> bytes | None:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if key and secret.startswith(PREFIX) else None
