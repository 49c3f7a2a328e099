"""Calls to the Bot API side by side, each in its turn: no more in a second than Telegram takes."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack

from telegram import Bot
from telegram.error import TelegramError

from telegram_bot.bot_api import POOL_SIZE, make_call, short_lived_bot
from telegram_bot.replies import Reply
from tickets.models import Delivery

logger = logging.getLogger(__name__)

MESSAGES_A_SECOND = 25  # over all; Telegram allows about 30, the rest is for direct answers
LATE = 0.12  # seconds of turns that may be caught up: with these it stays below 30 in any second
LEAST = 0.003  # seconds in which a call that was begun gets on its way
PATIENCE = 0.25  # seconds of waiting for results, where there is nothing else to do

Ready = tuple[Delivery, Reply]
Result = tuple[Delivery, Reply, object]


class Sender:
    """The calls of one drain. They get on only while somebody waits here."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()
        self._bot = self._runner.run(self._open.enter_async_context(short_lived_bot()))
        self._going: dict[asyncio.Task[object], Ready] = {}
        self._turn = time.monotonic()  # of the next call

    @property
    def is_busy(self) -> bool:
        return bool(self._going)

    def next_turn(self) -> Iterator[Result]:
        """Wait until a call may begin; yield meanwhile what became of earlier ones."""
        while (left := self._turn - time.monotonic()) > 0:
            yield from self._ended(within=left)
        while len(self._going) >= POOL_SIZE:
            yield from self.results()

    def begin(self, delivery: Delivery, message: Reply) -> None:
        call = self._runner.get_loop().create_task(_result(self._bot, message))
        self._going[call] = delivery, message
        self._turn = max(self._turn, time.monotonic() - LATE) + 1 / MESSAGES_A_SECOND
        self._runner.run(asyncio.sleep(LEAST))

    def results(self) -> Iterator[Result]:
        """Each message with its result, or its error, of the calls that end first; or none.

        The caller records it before the next is waited for, so that a killed process sends again
        only what was on its way.
        """
        yield from self._ended(within=PATIENCE)

    def finish(self) -> Iterator[Result]:
        """Those of all that are left."""
        try:
            while self._going:
                yield from self.results()
        finally:
            self._runner.run(self._open.aclose())
            self._runner.close()

    def _ended(self, *, within: float) -> Iterator[Result]:
        for call in self._runner.run(_first_of(self._going, within)):
            yield *self._going.pop(call), call.result()


async def _first_of(
    calls: dict[asyncio.Task[object], Ready], seconds: float
) -> set[asyncio.Task[object]]:
    """The calls that end first; none if that is not in this time."""
    if not calls:
        await asyncio.sleep(seconds)
        return set()
    done, _rest = await asyncio.wait(calls, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    return done


async def _result(bot: Bot, message: Reply) -> object:
    """What became of a call; an error comes in the place of a result."""
    try:
        return await make_call(bot, message.as_call())
    except TelegramError as error:
        return error
    except Exception as error:
        logger.exception("A message cannot be sent")
        return error
