"""How this project reaches the Bot API, whichever server serves it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cache
from ssl import SSLContext
from typing import Any

import httpx
from django.conf import settings
from telegram import Bot
from telegram.error import BadRequest, RetryAfter
from telegram.request import HTTPXRequest

HARMLESS = (
    "message is not modified",
    "query is too old",
    "message to delete not found",
    "message can't be deleted",
)
UNEDITABLE = ("message to edit not found", "message can't be edited")

SEND_TIMEOUT = 8.0  # seconds
POOL_SIZE = 16  # httpx slows down with more waiters


@cache
def tls() -> SSLContext:
    """One for the process: building it costs more than many calls."""
    return httpx.create_ssl_context()


def request() -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=POOL_SIZE,
        connect_timeout=SEND_TIMEOUT,
        read_timeout=SEND_TIMEOUT,
        write_timeout=SEND_TIMEOUT,
        pool_timeout=SEND_TIMEOUT,
        proxy=settings.TELEGRAM_PROXY_URL or None,
        httpx_kwargs={"verify": tls()},
    )


@asynccontextmanager
async def short_lived_bot() -> AsyncIterator[Bot]:
    """A bot for the event loop of one queued task, without a getMe before its first call."""
    async with request() as client:
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


async def make_call(bot: Bot, call: dict[str, Any]) -> object:
    """One Bot API call. What Telegram only notes is no error; a lost message is sent anew."""
    try:
        return await getattr(bot, call["method"])(**call["params"])
    except BadRequest as error:
        reason = error.message.lower()
        if any(text in reason for text in HARMLESS):
            return None
        if call["method"] == "edit_message_text" and any(text in reason for text in UNEDITABLE):
            params = {key: value for key, value in call["params"].items() if key != "message_id"}
            return await bot.send_message(**params)
        raise
