"""Direct replies on their way out: kept with their update until Telegram has taken them."""

import asyncio
import json
import logging
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db.models import Window
from django.db.models.functions import RowNumber
from django.utils import timezone
from telegram import Bot
from telegram.error import BadRequest, ChatMigrated, Forbidden, RetryAfter, TelegramError

from accounts.links import is_in_force
from config.backoff import backoff, is_due
from config.database import retry_once
from config.statements import delete_where, write_columns
from telegram_bot.bot_api import Sent, make_call, retry_after
from telegram_bot.database import in_database
from telegram_bot.groups import leave_topic
from telegram_bot.models import Group, IncomingUpdate, TicketMessage

logger = logging.getLogger(__name__)

CHATS_AT_ONCE = 20
REPLY_CLAIM = timedelta(seconds=30)
LONGEST_ASKED_WAIT = timedelta(minutes=15)  # whatever Telegram asks for
REPLY_GIVE_UP_AFTER = timedelta(hours=24)  # as a notice, from the first try


async def send_replies(bot: Bot, row: IncomingUpdate) -> None:
    """Make the calls a row still holds, in order; what fails for a while is planned again."""
    calls: list[dict[str, Any]] = json.loads(row.replies)
    sent: list[tuple[dict[str, Any], Sent | None]] = []
    wait: timedelta | None = None
    reason = ""
    while calls:
        if not await _may_be_read(calls[0]):
            calls.pop(0)
            continue
        try:
            sent.append((calls[0], await make_call(bot, calls[0])))
        except RetryAfter as error:
            wait, reason = retry_after(error), type(error).__name__
            await in_database(retry_once, _put_off, row, wait)
            break
        except ChatMigrated as error:
            calls = _moved(calls, error.new_chat_id)
            continue
        except (BadRequest, Forbidden) as error:
            logger.warning("Reply %s refused: %s", calls[0]["method"], error.message)
        except TelegramError as error:
            logger.warning("Reply %s failed: %s", calls[0]["method"], type(error).__name__)
            wait = backoff(row.reply_attempts + 1)
            reason = type(error).__name__
            break
        except Exception:  # a call that cannot be made must not hold up the others for ever
            logger.exception("Reply %s cannot be made", calls[0]["method"])
        calls.pop(0)
    await in_database(retry_once, record_replies, row, sent, calls, wait, reason)


async def _may_be_read(call: dict[str, Any]) -> bool:
    """Whether the person a call is for may be told still: the link stands, also its consent."""
    link = call.get("link")
    return link is None or await in_database(retry_once, is_in_force, link)


def _moved(calls: list[dict[str, Any]], chat_id: int) -> list[dict[str, Any]]:
    """The calls that still make sense in the supergroup a group became: new messages only."""
    return [
        call | {"params": {**call["params"], "chat_id": chat_id, "reply_parameters": None}}
        for call in calls
        if call["method"] == "send_message"
    ]


def record_replies(
    row: IncomingUpdate,
    sent: list[tuple[dict[str, Any], Sent | None]],
    left: list[dict[str, Any]],
    wait: timedelta | None,
    reason: str = "",
) -> None:
    """What is sent and what is planned again; what is given up is told to staff."""
    now = timezone.now()
    if left and now - (row.processed_at or row.received_at) > REPLY_GIVE_UP_AFTER:
        logger.error("The answer to update %s is given up: %s", row.update_id, reason)
        left, row.error = [], f"answer not sent: {reason}"
    row.replies = json.dumps(left) if left else ""
    row.reply_attempts += 1
    row.reply_due_at = now + min(wait, LONGEST_ASKED_WAIT) if left and wait is not None else None
    for call, result in sent:
        if result:
            _note_sent(result, call)
    # last, and in no transaction: killed between, what is sent again is noted again
    write_columns(row, "replies", "reply_attempts", "reply_due_at", "error")


def _note_sent(sent: Sent, call: dict[str, Any]) -> None:
    """Remember the ticket a message is about; forget it when an edited one is about none now."""
    if sent.left_topic:
        leave_topic(sent.chat_id, sent.left_topic)
    place = {"chat_id": sent.chat_id, "message_id": sent.message_id}
    if call["is_welcome"]:
        Group.objects.filter(chat_id=sent.chat_id).update(welcome_message_id=sent.message_id)
    elif call["ticket_id"]:
        TicketMessage.note(
            sent.chat_id,
            sent.message_id,
            call["ticket_id"],
            has_resolution=call["has_resolution"],
        )
    elif sent.is_edited:
        delete_where(TicketMessage, **place)


class DueReplies:
    """Sends what an earlier try or another process left, by one process.

    Chats are served side by side, each with its next row, which is as much as Telegram takes in a
    second. A chat that does not answer, or has many rows, delays its own only.
    """

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._sending: dict[int, asyncio.Task[None]] = {}  # by chat

    async def send(self, *, patience: float | None = None) -> None:
        """Begin with what is due, and wait at most `patience` seconds for the chats to take it."""
        self._sending = {chat: task for chat, task in self._sending.items() if not task.done()}
        for row in await in_database(claim_due_replies, self._bot.id, busy=set(self._sending)):
            self._sending[row.chat_id] = asyncio.create_task(send_replies(self._bot, row))
        if self._sending:
            done, _hanging = await asyncio.wait(self._sending.values(), timeout=patience)
            await asyncio.gather(*done)  # raises what one of them could not write down

    async def stop(self) -> None:
        for task in self._sending.values():
            task.cancel()
        await asyncio.gather(*self._sending.values(), return_exceptions=True)


def claim_due_replies(bot_id: int, *, busy: Collection[int] = ()) -> list[IncomingUpdate]:
    """The oldest due row of each chat but the busy ones; each row is claimed before it is sent."""
    now = timezone.now()
    due = IncomingUpdate.objects.filter(
        is_due("reply_due_at", now, longest=LONGEST_ASKED_WAIT), bot_id=bot_id
    )
    turn = Window(RowNumber(), partition_by="chat_id", order_by="id")
    first = due.exclude(chat_id__in=busy).annotate(turn=turn).filter(turn=1)
    return [
        row
        for row in first.order_by("reply_due_at", "id")[: CHATS_AT_ONCE - len(busy)]
        if due.filter(pk=row.pk).update(reply_due_at=now + REPLY_CLAIM)
    ]


def _put_off(row: IncomingUpdate, wait: timedelta) -> None:
    """Telegram wants a chat left alone: what is due there by now waits as long, in its order."""
    now = timezone.now()
    due = IncomingUpdate.objects.filter(
        bot_id=row.bot_id, chat_id=row.chat_id, reply_due_at__lte=now
    )
    due.update(reply_due_at=now + min(wait, LONGEST_ASKED_WAIT))


def release_replies(bot_id: int) -> None:
    """At the start of the only poller: replies a killed one had claimed are due at once."""
    IncomingUpdate.objects.filter(bot_id=bot_id, reply_due_at__gt=timezone.now()).update(
        reply_due_at=timezone.now()
    )
