"""Updates that cannot be parsed: kept as they came, told to staff and to the person, skipped."""

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from telegram import Update
from telegram.constants import ChatType

from telegram_bot.models import IncomingUpdate
from telegram_bot.replies import say

logger = logging.getLogger(__name__)

UNREADABLE = "unreadable"  # where a stand-in carries what came, and begins the reason of its row
WITH_A_MESSAGE = ("message", "edited_message")
PUBLIC = (ChatType.GROUP, ChatType.SUPERGROUP, ChatType.CHANNEL)
ONE_ANSWER = timedelta(minutes=1)  # to a person, however much of theirs cannot be read
LARGEST = 2**63 - 1  # of a row's numbers


def reason_of(error: Exception) -> str:
    """Why something could not be parsed; only what speaks of fields, never of a person's words."""
    missing = isinstance(error, TypeError | KeyError | AttributeError)
    name = type(error).__name__
    return f"{name}: {error}"[:200] if missing else name


def as_json(update: Update) -> str:
    """The update as it is kept. PTB's own raises for a pinned message that is inaccessible."""
    return json.dumps(update.to_dict(), default=_as_sent)


def _as_sent(value: Any) -> Any:
    return int(value.timestamp()) if isinstance(value, datetime) else str(value)


def require_words(update: Update) -> None:
    """PTB takes for words whatever stands in their place; its filters then fail on it."""
    message, press = update.message or update.edited_message, update.callback_query
    words = [message and message.text, message and message.caption, press and press.data]
    if any(word is not None and not isinstance(word, str) for word in words):
        raise TypeError("words that are no text")


@dataclass(frozen=True)
class Unreadable:
    """What came in the place of an update, and as much as can be told of it."""

    update_id: int
    raw: dict[str, Any]
    reason: str

    @classmethod
    def of(cls, update: Update, error: Exception | None = None) -> "Unreadable | None":
        """None for an update that could be parsed, unless an error tells that it is of no use."""
        if error is not None:
            return cls.stored(update.update_id, as_json(update), error)
        found = update.api_kwargs.get(UNREADABLE)
        return cls(update.update_id, found["raw"], found["reason"]) if found else None

    @classmethod
    def stored(cls, update_id: int, payload: str, error: Exception) -> "Unreadable":
        """What cannot be read any more of a payload that was stored."""
        try:
            raw = json.loads(payload)
        except ValueError:
            raw = {"payload": payload}
        return cls(update_id, raw, reason_of(error))

    @property
    def message(self) -> Any:
        return next((self.raw[kind] for kind in WITH_A_MESSAGE if kind in self.raw), None)

    @property
    def _place(self) -> Any:
        """The object that names the chat: the message, or that of a pressed button."""
        press = _at(self.raw, "callback_query", "message")
        return self.message or press or self.raw.get("my_chat_member")

    @property
    def chat_id(self) -> int:
        return _number(_at(self._place, "chat", "id"))

    @property
    def telegram_id(self) -> int:
        sender = _at(self.raw, "callback_query", "from", "id")
        return _number(sender or _at(self._place, "from", "id"))

    @property
    def is_public(self) -> bool:
        """Said in a group, as far as can be told."""
        return _at(self._place, "chat", "type") in PUBLIC

    def concerns_bot(self, bot_id: int, username: str) -> bool:
        """What a group says to itself is not kept, readable or not."""
        if not self.is_public or self.message is None:
            return True
        if _number(_at(self.message, "reply_to_message", "from", "id")) == bot_id:
            return True
        words = _at(self.message, "text") or _at(self.message, "caption") or ""
        return bool(username) and f"@{username}".casefold() in str(words).casefold()


def keep_unreadable(bot_id: int, found: Unreadable) -> None:
    """Keep it done, with its reason: no sweep takes it up, and it goes with the old rows."""
    logger.error("Update %s cannot be read: %s", found.update_id, found.reason)
    now = timezone.now()
    answers = [_apology(found)] if _is_to_be_told(found, now - ONE_ANSWER) else []
    fields = {
        "telegram_id": found.telegram_id,
        "chat_id": found.chat_id,
        "payload": json.dumps(found.raw),
        "processed_at": now,
        "error": f"{UNREADABLE}, {found.reason}",
        "replies": json.dumps(answers) if answers else "",
        "reply_due_at": now if answers else None,
    }
    try:
        with transaction.atomic():
            IncomingUpdate.objects.create(bot_id=bot_id, update_id=found.update_id, **fields)
    except IntegrityError:  # it was stored before: by a version that could read it, or came again
        waiting = IncomingUpdate.objects.filter(bot_id=bot_id, processed_at=None)
        waiting.filter(update_id=found.update_id).update(**fields)


def _is_to_be_told(found: Unreadable, since: Any) -> bool:
    if not found.telegram_id or not found.chat_id:
        return False
    mine = IncomingUpdate.objects.filter(telegram_id=found.telegram_id, received_at__gt=since)
    return not mine.filter(error__startswith=UNREADABLE).exists()


def _apology(found: Unreadable) -> dict[str, Any]:
    text = _(
        "Не получилось прочитать сообщение: в нём есть то, чего я ещё не умею. Мы уже знаем."
        " Отправьте его ещё раз простым текстом или файлом."
    )
    answered = _number(_at(found.message, "message_id"))
    return say(found.chat_id, text, reply_to=answered or None).as_call()


def _at(value: Any, *path: str) -> Any:
    """What stands at a path of keys, None where there is no such path."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _number(value: Any) -> int:
    """An id as a number, 0 where there is none that fits a row."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return 0
    return number if abs(number) <= LARGEST else 0
