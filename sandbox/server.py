"""The sandbox as a server: one HTTP port and one SMTP port on loopback."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from sandbox.bot_api import STATE, error_response, handle_file, handle_method
from sandbox.control import POLICY, VISITED, routes
from sandbox.errors import BrokenAnswer, ControlError, TelegramError
from sandbox.files import MAX_UPLOAD
from sandbox.mail import start_smtp
from sandbox.parameters import UNREADABLE
from sandbox.state import State

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
# Of Sec-Fetch-Site, which browsers add and no script can forge: the chat page, the address bar.
# A bot sends none.
OWN_SITES = {None, "same-origin", "none"}
# How long open polls and event streams may linger once the sandbox is told to stop.
SHUTDOWN_SECONDS = 0.1
# Albums carry several files in one body; each of them is checked on its own.
MAX_BODY = 11 * MAX_UPLOAD
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PortTakenError(OSError):
    """Another program listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is taken")
        self.port = port


@dataclass
class Listening:
    """Where the sandbox answers."""

    url: str
    smtp_port: int
    state: State


def build_app(state: State) -> web.Application:
    app = web.Application(client_max_size=MAX_BODY, middlewares=[guard])
    app[STATE] = state
    app.add_routes(
        [
            web.get("/file/bot{token:[^/]+}/{path:.+}", handle_file),
            web.route("*", "/bot{token:[^/]+}/{method:[^/]+}", handle_method),
            *routes(),
        ]
    )
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(stop_pushing)
    return app


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


async def stop_pushing(app: web.Application) -> None:
    app[STATE].updates.stop_pushing()


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn refusals into answers, and keep other sites' pages in the browser out."""
    try:
        if not _is_own(request):
            raise ControlError("Песочница отвечает только своей странице.", 403)
        return await handler(request)
    except BrokenAnswer as error:
        if error.body is None and request.transport:
            request.transport.abort()
        return web.Response(text=error.body, content_type="application/json")
    except TelegramError as error:
        return error_response(error)
    except ControlError as error:
        return web.json_response({"error": str(error)}, status=error.status)
    except (TypeError, *UNREADABLE) as error:
        return web.json_response({"error": f"Не удалось разобрать запрос: {error}"}, status=400)
    except ConnectionError:  # the client left; nothing is wrong and nobody reads the answer
        return web.Response()


def _is_own(request: web.Request) -> bool:
    """Whether a bot or the chat page asks, not another site in the same browser.

    A foreign name in Host is such a site, too: its name may be made to lead here.
    """
    host = urlsplit(f"//{request.host}")
    origin = request.headers.get("Origin")
    if host.hostname not in LOOPBACK or origin not in (None, f"http://{request.host}"):
        return False
    return request.headers.get("Sec-Fetch-Site") in OWN_SITES or _is_visit(request)


def _is_visit(request: web.Request) -> bool:
    """A link that opens the chat page, as those of the portal to the bot do; it does nothing."""
    return (
        request.match_info.route.name in VISITED
        and request.headers.get("Sec-Fetch-Mode") == "navigate"
        and request.headers.get("Sec-Fetch-Dest") == "document"
    )


@asynccontextmanager
async def listening(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    smtp_port: int = 0,
    token: str = "",
    limits: bool = True,
    memory: Path | None = None,
) -> AsyncIterator[Listening]:
    """Run the sandbox while the context is open; port 0 takes a free one, no token a new one."""
    state = State(token=token, limits=limits, memory=memory)
    runner = web.AppRunner(
        build_app(state), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS, handle_signals=False
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise PortTakenError(port) from error
        try:
            smtp = await start_smtp(state, host, smtp_port)
        except OSError as error:
            raise PortTakenError(smtp_port) from error
        async with smtp:
            url = f"http://{host}:{runner.addresses[0][1]}"
            yield Listening(url, smtp.sockets[0].getsockname()[1], state)
    finally:
        await runner.cleanup()
