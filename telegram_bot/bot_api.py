"""How this project reaches the Bot API, whichever server serves it."""

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from importlib.util import find_spec
from ssl import SSLContext
from typing import Any
from urllib.parse import urlencode
from urllib.request import getproxies

import httpx
from django.conf import settings
from telegram import Bot
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError, TimedOut
from telegram.request import HTTPXRequest, RequestData

try:
    import aiohttp
except ImportError:  # then httpx makes every call
    aiohttp = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

HARMLESS = (
    "message is not modified",
    "query is too old",
    "message to delete not found",
    "message can't be deleted",
)
NO_TOPIC = ("message thread not found", "topic_closed", "topic_deleted")
PLACE = {"message_thread_id", "reply_parameters"}  # a reply goes to the topic of what it answers
UNEDITABLE = ("message to edit not found", "message can't be edited")

SEND_TIMEOUT = 8.0  # seconds
POOL_SIZE = 24  # calls at once
FORM = "application/x-www-form-urlencoded"
PROXIED = {"http", "https", "all"}


@cache
def tls() -> SSLContext:
    """One for the process: building it costs more than many calls."""
    return httpx.create_ssl_context()


def _is_direct() -> bool:
    """Whether no proxy is named, by the settings or the environment: httpx knows all their ways."""
    return not settings.TELEGRAM_PROXY_URL and getproxies().keys().isdisjoint(PROXIED)


_answer: ContextVar[dict[str, Any]] = ContextVar("answer")  # the last of this task


def last_answer() -> dict[str, Any]:
    """What Telegram answered to the last call of this task, as it came; empty before."""
    return _answer.get({})


class Request(HTTPXRequest):
    """With this project's time-outs, pool and proxy; it keeps each answer as it came.

    Calls without files go by aiohttp, at a third of the cost. Files go by httpx, since aiohttp
    knows no time-out for a server that stops reading, and so does what has to pass a proxy.
    """

    def __init__(self) -> None:
        if find_spec("sniffio") is None:  # httpcore would search every folder for it at each call
            sys.modules["sniffio"] = None  # type: ignore[assignment]
        self._session: aiohttp.ClientSession | None = None
        super().__init__(
            connection_pool_size=POOL_SIZE,
            connect_timeout=SEND_TIMEOUT,
            read_timeout=SEND_TIMEOUT,
            write_timeout=SEND_TIMEOUT,
            pool_timeout=SEND_TIMEOUT,
            proxy=settings.TELEGRAM_PROXY_URL or None,
            httpx_kwargs={"verify": tls()},
        )

    async def initialize(self) -> None:
        await super().initialize()
        if aiohttp and not self._session and _is_direct():
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=POOL_SIZE, ssl=tls()),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": self.USER_AGENT, "Content-Type": FORM},
            )

    async def shutdown(self) -> None:
        await super().shutdown()
        if self._session:
            await self._session.close()
            self._session = None

    async def do_request(  # type: ignore[override]  # as PTB calls it: all by name
        self, *, url: str, method: str, request_data: RequestData | None = None, **waits: Any
    ) -> tuple[int, bytes]:
        if self._session is None or (request_data and request_data.contains_files):
            return await super().do_request(url, method, request_data, **waits)
        wait = waits.get("read_timeout", self.DEFAULT_NONE)  # longer than usual for a poll
        limits = aiohttp.ClientTimeout(
            connect=2 * SEND_TIMEOUT,  # a place in the pool, and the connection
            sock_connect=SEND_TIMEOUT,
            sock_read=SEND_TIMEOUT if wait is self.DEFAULT_NONE else wait,
        )
        body = urlencode(request_data.json_parameters if request_data else {})
        try:
            async with self._session.request(
                method, url, data=body, timeout=limits, allow_redirects=False
            ) as response:
                return response.status, await response.read()
        except TimeoutError as error:
            raise TimedOut from error
        except aiohttp.ClientError as error:  # its words may name the address, and so the token
            raise NetworkError(f"aiohttp.{type(error).__name__}") from error

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        answer = HTTPXRequest.parse_json_payload(payload)
        _answer.set(answer)
        return answer


@asynccontextmanager
async def short_lived_bot() -> AsyncIterator[Bot]:
    """A bot for the event loop of one queued task, without a getMe before its first call."""
    async with Request() as client:
        yield Bot(
            settings.TELEGRAM_BOT_TOKEN,
            base_url=f"{settings.TELEGRAM_API_URL}/bot",
            base_file_url=f"{settings.TELEGRAM_API_URL}/file/bot",
            request=client,
            get_updates_request=client,
        )


def retry_after(error: RetryAfter) -> timedelta:
    wait = error.retry_after
    return wait if isinstance(wait, timedelta) else timedelta(seconds=wait)


def bot_id() -> int:
    """The numeric part of the token; 0 for a token without one."""
    number = settings.TELEGRAM_BOT_TOKEN.partition(":")[0]
    return int(number) if number.isascii() and number.isdecimal() else 0


@dataclass(frozen=True)
class Sent:
    """A message that Telegram has taken."""

    chat_id: int
    message_id: int
    is_edited: bool
    left_topic: int = 0  # the forum topic it was meant for and could not be sent to


async def make_call(bot: Bot, call: dict[str, Any]) -> Sent | None:
    """One Bot API call: the message it made, None when it makes none or the answer names none.

    What Telegram only notes is no error; a lost message is sent anew, and what a topic does not
    take is sent beside it.
    """
    method, params = call["method"], call["params"]
    try:
        return await _accepted(bot, method, params)
    except BadRequest as error:
        reason = error.message.lower()
        if any(text in reason for text in HARMLESS):
            return None
        if method == "edit_message_text" and any(text in reason for text in UNEDITABLE):
            return await _accepted(bot, "send_message", _without(params, "message_id"))
        if any(text in reason for text in NO_TOPIC) and PLACE & params.keys():
            sent = await _accepted(bot, method, _without(params, *PLACE))
            return sent and replace(sent, left_topic=params.get("message_thread_id", 0))
        raise


def _without(params: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name not in names}


async def _accepted(bot: Bot, method: str, params: dict[str, Any]) -> Sent | None:
    """Make a call. What Telegram has taken is taken, even if PTB cannot parse the answer."""
    _answer.set({})
    try:
        await getattr(bot, method)(**params)
    except TelegramError:
        raise
    except Exception as error:
        if not last_answer().get("ok"):
            raise
        logger.warning("The answer to %s cannot be parsed: %s", method, type(error).__name__)
    return _sent(last_answer().get("result"), params)


def _sent(result: Any, params: dict[str, Any]) -> Sent | None:
    """The message of a raw answer; a server may spell its numbers as strings."""
    if not isinstance(result, dict):
        return None
    chat = result.get("chat")
    place: Any = chat.get("id") if isinstance(chat, dict) else params.get("chat_id")
    try:
        return Sent(int(place), int(result["message_id"]), bool(result.get("edit_date")))
    except (KeyError, TypeError, ValueError):
        return None
