"""The way in: an update is stored before it is confirmed; one person's are taken in order."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta
from time import monotonic
from typing import Any
from weakref import WeakValueDictionary

from django.db import DatabaseError, DataError, InterfaceError, OperationalError
from django.db.models import Window
from django.db.models.functions import RowNumber
from django.utils import timezone
from django.utils.crypto import salted_hmac
from telegram import Bot, Message, Update
from telegram.constants import ChatType
from telegram.error import NetworkError
from telegram.ext import BaseUpdateProcessor

from config.database import is_unavailable
from config.statements import insert_new
from telegram_bot.bot_api import POOL_SIZE
from telegram_bot.database import in_database
from telegram_bot.mentions import commands, is_meant
from telegram_bot.models import IncomingUpdate
from telegram_bot.unreadable import (
    LARGEST,
    Unreadable,
    as_json,
    keep_unreadable,
    require_words,
)

logger = logging.getLogger(__name__)

SLOTS = POOL_SIZE  # people served side by side; more would wait for a connection to Telegram
SLOTS_OF_A_GROUP = 2  # of those, however many of its members write
NO_LIMIT = 1_000_000
FORGOTTEN_AFTER = timedelta(seconds=3)  # then the sweep looks for a stored update
LONGEST_STEP_WAIT = timedelta(minutes=5)
SWEEP_BATCH = 200
ALBUM_HELD = 2.0  # seconds

GROUP_COMMANDS = {"config", "help"}
PRIVATE_COMMANDS = {"start", "menu", "new", "tickets", "cancel"}  # a group is told where they work


def concerns_bot(update: Update, bot_id: int, username: str) -> bool:
    """Whether an update may be stored at all: what a group says to itself never is."""
    chat, user = update.effective_chat, update.effective_user
    if chat is None or user is None or chat.type == ChatType.CHANNEL:
        return False
    if chat.type == ChatType.PRIVATE:
        return chat.id == user.id  # else one person would be answered in the chat of another
    message = update.message or update.edited_message
    if message is None:
        return True  # a press of our button, a change of our membership
    if message.is_automatic_forward:
        return False  # what a linked channel publishes
    replied = message.reply_to_message
    return bool(
        is_meant(message, bot_id, username)
        or commands(message, username) & GROUP_COMMANDS
        or commands(message, username, named=True) & PRIVATE_COMMANDS
        or (replied and replied.from_user and replied.from_user.id == bot_id)
        or message.new_chat_title
        or message.migrate_to_chat_id
        or message.migrate_from_chat_id
    )


class Albums:
    """Parts of group albums: a mention stands in one of them, the others follow it.

    Parts without a mention wait here for ALBUM_HELD, in memory only, and are then forgotten.
    """

    def __init__(self) -> None:
        self._wanted: dict[str, float] = {}
        self._held: dict[str, list[tuple[float, Update]]] = {}

    def of(self, update: Update) -> str:
        message = update.effective_message
        return str(message.media_group_id or "") if message else ""

    def want(self, album: str) -> list[Update]:
        """The album is ours: its parts that came before, again if they could not be stored."""
        self.forget_old()
        self._wanted[album] = monotonic()
        return [update for _at, update in self._held.get(album, [])]

    def is_wanted(self, album: str) -> bool:
        self.forget_old()
        return album in self._wanted

    def hold(self, album: str, update: Update) -> None:
        self.forget_old()
        self._held.setdefault(album, []).append((monotonic(), update))

    def forget_old(self) -> None:
        old = monotonic() - ALBUM_HELD
        self._wanted = {album: at for album, at in self._wanted.items() if at > old}
        self._held = {album: parts for album, parts in self._held.items() if parts[-1][0] > old}


class DurableUpdateQueue(asyncio.Queue[object]):
    """PTB awaits `put` before it confirms updates, in polling and in webhook mode alike.

    A database that does not answer is raised as NetworkError, so that PTB fetches again later.
    """

    def __init__(self, bot_id: int) -> None:
        super().__init__()
        self.bot_id = bot_id
        self.username = ""  # known after getMe, before the first update
        self._albums = Albums()
        self.closing = False
        self._writing = asyncio.Lock()
        self._in_memory: set[int] = set()
        self._taken: set[int] = set()  # with their batch, and not yet put by PTB

    async def store(self, batch: Sequence[Update]) -> None:
        """Take a fetched batch at once, before PTB puts each of it."""
        await self._take(batch)
        self._taken.update(update.update_id for update in batch)

    async def put(self, item: object) -> None:
        if not isinstance(item, Update):
            self.closing = True  # PTB's stop signal: what has not begun stays stored
            await super().put(item)
        elif item.update_id in self._taken:
            self._taken.remove(item.update_id)
        else:
            await self._take([item])

    async def _take(self, batch: Sequence[Update]) -> None:
        async with self._writing:  # fetched twice at once, the second waits for the first
            wanted: dict[int, Update] = {}
            for item in batch:
                for update in await self._wanted(item):
                    if update.update_id not in self._in_memory:
                        wanted.setdefault(update.update_id, update)
            self._in_memory.update(wanted)  # before they are stored, else a sweep might find them
            fresh: set[int] = set()
            try:
                fresh = await self._store(list(wanted.values()))
            finally:
                self._in_memory -= wanted.keys() - fresh
            for update_id, update in wanted.items():
                if update_id in fresh:
                    await super().put(update)

    async def _wanted(self, item: Update) -> list[Update]:
        """What is to be stored now that an update came: nothing, itself, the parts before it."""
        try:
            found = Unreadable.of(item)
            require_words(item)
            album = self._albums.of(item)
            is_ours = found is None and concerns_bot(item, self.bot_id, self.username)
        except Exception as error:  # parsed, and yet not what it seems
            found, album, is_ours = Unreadable.of(item, error), "", False
        if found:
            await self._keep_unreadable(found)
        elif is_ours:
            return [item, *(self._albums.want(album) if album else ())]
        elif album and self._albums.is_wanted(album):
            return [item]
        elif album:
            self._albums.hold(album, item)
        return []

    async def _store(self, updates: Sequence[Update]) -> set[int]:
        """Ids of those to be worked off. One that fits no row does not take the others with it."""
        if not updates:
            return set()
        try:
            return await in_database(store_updates, self.bot_id, updates)
        except Exception as error:
            gone = isinstance(error, DatabaseError | InterfaceError)
            if gone and not isinstance(error, DataError):  # an error of PTB's keeps it polling
                raise NetworkError("the inbox cannot be written") from error
            if len(updates) == 1:
                await self._keep_unreadable(Unreadable.of(updates[0], error))
                return set()
        return {found for update in updates for found in await self._store([update])}

    async def _keep_unreadable(self, found: Unreadable | None) -> None:
        """What cannot be read is put aside for staff; nothing waits for it."""
        if found is None or not found.concerns_bot(self.bot_id, self.username):
            return
        try:
            await in_database(keep_unreadable, self.bot_id, found)
        except (InterfaceError, OperationalError) as error:
            raise NetworkError("the inbox cannot be written") from error
        except Exception:
            logger.exception("Update %s is lost", found.update_id)

    async def put_aside(self, update: Update, error: Exception) -> None:
        """What no handler could judge is as good as unreadable; if it was served, nothing is done.

        It would else come back for ever, and its person's later ones would wait behind it.
        """
        try:
            if not is_unavailable(error):
                await self._keep_unreadable(Unreadable.of(update, error))
        finally:
            self.forget(update)

    def forget(self, update: Update) -> None:
        """The update is done, or left to the sweep."""
        self._in_memory.discard(update.update_id)

    async def sweep(self, bot: Bot, *, everything: bool = False) -> None:
        """Queue stored updates that are due and not in memory; drop parts of albums not for us."""
        self._albums.forget_old()
        found = await in_database(forgotten_updates, self.bot_id, everything=everything)
        for update_id, payload in found:
            if update_id in self._in_memory or self.closing:
                continue
            try:
                update = Update.de_json(json.loads(payload), bot)
            except Exception as error:  # stored by another version of the library
                await self._keep_unreadable(Unreadable.stored(update_id, payload, error))
            else:
                self._in_memory.add(update.update_id)
                await super().put(update)


def store_updates(bot_id: int, updates: Sequence[Update]) -> set[int]:
    """Store each once, all or none of them; the ids of those that are not processed already."""
    rows = [_as_row(bot_id, update) for update in updates]
    ids = {row.update_id for row in rows}
    if insert_new(rows) == len(ids):
        return ids
    waiting = IncomingUpdate.objects.filter(bot_id=bot_id, processed_at=None)
    return set(waiting.filter(update_id__in=ids).values_list("update_id", flat=True))


def _as_row(bot_id: int, update: Update) -> IncomingUpdate:
    message = update.effective_message
    person, chat = update.effective_user, update.effective_chat
    ids = {"telegram_id": person.id if person else 0, "chat_id": chat.id if chat else 0}
    if any(abs(number) > LARGEST for number in ids.values()):
        raise DataError("an id that fits no row")
    return IncomingUpdate(
        bot_id=bot_id,
        update_id=update.update_id,
        **ids,
        album=(message.media_group_id or "") if message else "",
        **_said(update.message or update.edited_message),
        payload=as_json(update),
    )


def _said(message: Message | None) -> dict[str, Any]:
    """Which message it is and a digest of its content: an edit without a change is nothing."""
    if message is None:
        return {}
    files = [file.file_unique_id for file in (message.document, message.video, message.audio)
             if file] + [size.file_unique_id for size in message.photo]  # fmt: skip
    content = json.dumps([message.text or message.caption or "", *sorted(files)])
    digest = salted_hmac("telegram_bot.IncomingUpdate", content, algorithm="sha256").hexdigest()
    return {"message_id": message.message_id, "digest": digest}


def forgotten_updates(bot_id: int, *, everything: bool) -> list[tuple[int, str]]:
    """Ids and payloads; a person whose oldest update must wait is left out."""
    now = timezone.now()
    chosen = _by_turns(bot_id)
    rows = IncomingUpdate.objects.in_bulk(chosen)
    waiting: set[int] = set()
    found = []
    for row in (rows[key] for key in chosen if key in rows):
        if not everything and abs(now - row.received_at) <= FORGOTTEN_AFTER:
            continue  # its process has it; received later than now, the clock went back
        if now < row.due_at <= now + LONGEST_STEP_WAIT:
            waiting.add(row.telegram_id)
        if row.telegram_id not in waiting:
            found.append((row.update_id, row.payload))
    return found


def _by_turns(bot_id: int) -> list[int]:
    """Keys of waiting updates: the oldest of each person, then the second oldest of each …

    The index `update_by_turns` has all of it in order: nothing is sorted but the outcome.
    """
    turn = Window(RowNumber(), partition_by="telegram_id", order_by="id")
    rows = IncomingUpdate.objects.filter(bot_id=bot_id, processed_at=None).annotate(turn=turn)
    chosen = rows.filter(turn__lte=SWEEP_BATCH).order_by("turn", "id")
    return list(chosen.values_list("pk", flat=True)[:SWEEP_BATCH])


class OrderPerPerson(BaseUpdateProcessor):
    """Updates of one person one after another, people side by side.

    An update first waits for those of its person, then for one of its group's places, then for a
    slot: neither a person nor a group that sends a flood can take every slot. PTB's own semaphore
    comes before `do_process_update`, so it gets no limit.
    """

    def __init__(self, queue: DurableUpdateQueue) -> None:
        super().__init__(NO_LIMIT)
        self._queue = queue
        self._slots = asyncio.Semaphore(SLOTS)
        self._lines: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._groups: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()

    async def initialize(self) -> None:
        pass

    async def shutdown(self) -> None:
        pass

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        async with self._line_of(update), self._place_of(update), self._slots:
            if self._queue.closing:
                coroutine.close()  # type: ignore[attr-defined]
                return
            await coroutine

    def _line_of(self, update: object) -> asyncio.Lock:
        person = update.effective_user if isinstance(update, Update) else None
        key = person.id if person else 0
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = asyncio.Lock()
        return line

    def _place_of(self, update: object) -> AbstractAsyncContextManager[None]:
        chat = update.effective_chat if isinstance(update, Update) else None
        if chat is None or chat.type == ChatType.PRIVATE:
            return nullcontext()
        places = self._groups.get(chat.id)
        if places is None:
            places = self._groups[chat.id] = asyncio.Semaphore(SLOTS_OF_A_GROUP)
        return places
