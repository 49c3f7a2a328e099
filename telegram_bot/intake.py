"""Updates on their way in are taken apart one by one: one that PTB cannot parse stops no other.

In its place stands an update with its id, which carries what came and the reason; the inbox keeps
it (`unreadable`). PTB itself would give up the whole batch, log it word by word and never go on.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Any

from telegram import Bot, Update
from telegram.ext import ExtBot, Updater
from telegram.ext._utils.webhookhandler import TelegramHandler

from telegram_bot.bot_api import Request, last_answer
from telegram_bot.unreadable import LARGEST, UNREADABLE, reason_of

logger = logging.getLogger(__name__)

Store = Callable[[Sequence[Update]], Awaitable[None]]

LARGEST_BODY = 1024**2  # bytes; Telegram's largest update, with all it quotes, has a tenth of it
SLOWEST_BODY = 20.0  # seconds


def parsed(batch: Sequence[Any], bot: Bot | None) -> list[Update]:
    """The updates of an answer, or what stands in the place of those that PTB cannot parse."""
    found = [_parsed(raw, bot) for raw in batch if _has_id(raw)]
    if len(found) < len(batch):
        logger.error("%s updates have no id, they are lost", len(batch) - len(found))
    return found


def _has_id(raw: Any) -> bool:
    number = raw.get("update_id") if isinstance(raw, dict) else None
    return isinstance(number, int) and 0 <= number <= LARGEST


def _parsed(raw: dict[str, Any], bot: Bot | None) -> Update:
    try:
        update = Update.de_json(raw, bot)
        _require_small_numbers(raw)
    except Exception as error:
        content = {UNREADABLE: {"raw": raw, "reason": reason_of(error)}}
        return Update(raw["update_id"], api_kwargs=content)
    return update


def _require_small_numbers(value: Any) -> None:
    """Raise OverflowError for a number, mostly an id, that fits no row."""
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            _require_small_numbers(one)
    elif isinstance(value, int) and abs(value) > LARGEST:
        raise OverflowError


class UpdatesRequest(Request):
    """Fetches updates only. PTB gets none of them: `PolledBot` parses them."""

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        answer = Request.parse_json_payload(payload)
        return answer | {"result": []} if isinstance(answer.get("result"), list) else answer


class PolledBot(ExtBot[None]):
    """A bot that has what a poll brings stored at once, and knows when one last succeeded."""

    _polled_at = 0.0

    def __init__(
        self, token: str, *, store: Store, request: Request, get_updates_request: Request, **at: Any
    ) -> None:
        self._requests = request, get_updates_request
        self._store = store
        super().__init__(token, request=request, get_updates_request=get_updates_request, **at)

    @property
    def polled_at(self) -> float:
        """By the monotonic clock; 0 before the first poll."""
        return self._polled_at

    async def hang_up(self) -> None:
        """Close the connections: PTB leaves them where it was stopped before it had begun."""
        for request in self._requests:
            await request.shutdown()

    async def get_updates(self, *args: Any, **kwargs: Any) -> tuple[Update, ...]:
        await super().get_updates(*args, **kwargs)
        self._polled_at = monotonic()
        found = parsed(last_answer().get("result") or (), self)
        await self._store(found)
        return tuple(found)


class TolerantHandler(TelegramHandler):
    """PTB's own answers 400 to what it cannot parse, and Telegram would send it for ever."""

    async def post(self) -> None:
        self._validate_post()
        try:
            body = json.loads(self.request.body)
        except (ValueError, RecursionError):  # no JSON, or a tower of brackets
            body = None
        for update in parsed([body], self.bot):
            await self.update_queue.put(update)


class TolerantUpdater(Updater):
    """PTB's own, with `TolerantHandler` as the handler of its webhook."""

    async def _start_webhook(self, *args: Any, **kwargs: Any) -> None:
        await super()._start_webhook(*args, **kwargs)
        server: Any = self._httpd and self._httpd._http_server
        server.conn_params.max_body_size = LARGEST_BODY
        server.conn_params.body_timeout = SLOWEST_BODY
        for rule in server.request_callback.wildcard_router.rules:
            rule.target = TolerantHandler
