"""The bot's queue of updates: long polling and webhook."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from sandbox.errors import TelegramError

Update = dict[str, Any]

CLOCK_ZERO = 1_767_225_600  # 2026-01-01: ids grow by ten a second from here and stay 31 bits long
UNASKED = {"chat_member", "message_reaction", "message_reaction_count"}
CONFLICT = (
    "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running"
)
WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)
WEBHOOK_TIMEOUT = ClientTimeout(total=10)
MAX_RETRY_DELAY = 5.0


def first_id(now: float) -> int:
    """Where numbering begins: beyond all that was given out, and remembered, before a restart."""
    return max(int((now - CLOCK_ZERO) * 10), 1)


class Updates:
    def __init__(self, clock: Callable[[], float]) -> None:
        self.pending: deque[Update] = deque()
        self.next_id = first_id(clock())
        self.allowed: list[str] = []
        self.webhook: dict[str, Any] = {}
        self.webhook_error = ""
        self._poll: asyncio.Future[None] | None = None
        self._pusher: asyncio.Task[None] | None = None
        self._arrived = asyncio.Event()

    def add(self, kind: str, content: dict[str, Any]) -> int | None:
        """Queue an update and return its id, or None when the bot has not asked for the kind."""
        if not self.wants(kind):
            return None
        update_id = self.next_id
        self.next_id += 1
        self.pending.append({"update_id": update_id, kind: content})
        self._arrived.set()
        if self._poll and not self._poll.done():
            self._poll.set_result(None)
        return update_id

    def wants(self, kind: str) -> bool:
        return kind in self.allowed if self.allowed else kind not in UNASKED

    async def poll(self, *, offset: int, limit: int, seconds: float) -> list[Update]:
        if self.webhook:
            raise TelegramError(409, WEBHOOK_ACTIVE)
        self.end_poll()
        self._confirm(offset)
        if not self.pending and seconds:
            self._poll = poll = asyncio.get_running_loop().create_future()
            await asyncio.wait([poll], timeout=seconds)
            if poll.cancelled():
                raise TelegramError(409, CONFLICT)
        return list(islice(self.pending, limit))

    def end_poll(self) -> None:
        """Cut off the poll that waits now, as Telegram does with the older of two."""
        if self._poll and not self._poll.done():
            self._poll.cancel()

    def _confirm(self, offset: int) -> None:
        while offset < 0 and len(self.pending) > -offset:
            self.pending.popleft()
        while offset > 0 and self.pending and self.pending[0]["update_id"] < offset:
            self.pending.popleft()

    def clear(self) -> None:
        self.pending.clear()

    def set_webhook(self, webhook: dict[str, Any]) -> None:
        self.stop_pushing()
        self.webhook = webhook
        self.webhook_error = ""
        if webhook:
            self.end_poll()
            self._pusher = asyncio.get_running_loop().create_task(self._push())

    def stop_pushing(self) -> None:
        if self._pusher:
            self._pusher.cancel()
            self._pusher = None

    async def _push(self) -> None:
        """Deliver in order, one at a time, each until the bot answers 2xx."""
        headers = {"Content-Type": "application/json"}
        if secret := self.webhook.get("secret_token"):
            headers["X-Telegram-Bot-Api-Secret-Token"] = secret
        failures = 0
        async with ClientSession(headers=headers, timeout=WEBHOOK_TIMEOUT) as session:
            while True:
                if not self.pending:
                    self._arrived.clear()
                    await self._arrived.wait()
                    continue
                update = self.pending[0]
                if await self._deliver(session, update):
                    failures = 0
                    if self.pending and self.pending[0] is update:
                        self.pending.popleft()
                else:
                    failures += 1
                    await asyncio.sleep(min(0.1 * 2**failures, MAX_RETRY_DELAY))

    async def _deliver(self, session: ClientSession, update: Update) -> bool:
        body = json.dumps(update)
        try:
            # Not a step further than the address that was judged: redirects lead anywhere
            async with session.post(
                self.webhook["url"], data=body, allow_redirects=False
            ) as response:
                if response.status < 300:
                    return True
                self.webhook_error = f"Wrong response from the webhook: {response.status}"
        except (ClientError, TimeoutError, OSError) as error:
            self.webhook_error = f"Connection failed: {type(error).__name__}"
        return False
