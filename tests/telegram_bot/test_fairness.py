"""A flood of one person, or of one group, stands in nobody else's way."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from telegram import Chat as TelegramChat
from telegram import Message, MessageEntity, Update, User
from telegram.error import NetworkError

from telegram_bot.direct_replies import CHATS_AT_ONCE, DueReplies, claim_due_replies
from telegram_bot.inbox import (
    SLOTS,
    SLOTS_OF_A_GROUP,
    SWEEP_BATCH,
    DurableUpdateQueue,
    OrderPerPerson,
    forgotten_updates,
)
from telegram_bot.models import IncomingUpdate
from telegram_bot.processing import UPDATES_A_MINUTE
from tests.telegram_bot.bot import App, Bot, Chat, fetch, fetch_and_work_off, store, work_off

pytestmark = pytest.mark.each_case

BOT_ID = 7
FLOODER, GROUP = 1, -100
A_DAY_AGO = timedelta(days=1)
WRITES = ("INSERT", "UPDATE", "DELETE")


def texts(application: App) -> list[str]:
    """What is queued in memory, in its order."""
    queue = application.update_queue
    return [queue.get_nowait().message.text for _ in range(queue.qsize())]


def stored(**fields: Any) -> list[int]:
    rows = IncomingUpdate.objects.filter(**fields).order_by("pk")
    return list(rows.values_list("update_id", flat=True))


# A poll is stored at once


@pytest.mark.parametrize("count", [1, 30])
def test_poll_is_stored_in_one_write(linked, chat: Chat, bot: Bot, count) -> None:
    ids = [chat.telegram.send("anna", str(number))["update_id"] for number in range(count)]
    queued: list[str] = []

    async def poll_and_put(application: App) -> None:
        updates = await application.bot.get_updates(timeout=0)
        await store(application, list(updates))
        queued.extend(texts(application))

    with CaptureQueriesContext(
        connection,
    ) as queries:
        bot.run(poll_and_put)
    assert [query["sql"][:6] for query in queries] == ["INSERT"]
    assert stored(processed_at=None) == ids
    assert queued == [str(number) for number in range(count)]


def test_poll_brings_again_what_is_stored_already(linked, chat: Chat, bot: Bot) -> None:
    chat.start()
    again: list[str] = []
    ids = [chat.telegram.send("anna", text)["update_id"] for text in ("раз", "два")]

    async def twice(application: App) -> None:
        updates = await fetch(application)
        await store(application, updates)
        await work_off(application)
        await application.update_queue.store(updates)
        again.extend(texts(application))

    bot.run(twice)
    assert again == []
    assert stored(update_id__in=ids) == ids


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "odd", [{"message_id": 10**30}, {"chat": {"id": 10**30}}], ids=["message", "chat"]
)
def test_row_that_cannot_be_stored_takes_no_other(linked, chat: Chat, bot: Bot, odd) -> None:
    person = {"id": chat.id, "is_bot": False, "first_name": "Анна"}
    message = {"message_id": 1, "date": 1, "from": person, "chat": {"id": chat.id}, "text": "два"}
    message |= odd
    message["chat"]["type"] = "private"
    first = chat.telegram.send("anna", "раз")["update_id"]
    chat.telegram.update(message)
    last = chat.telegram.send("boris", "/start")["update_id"]
    bot.run(lambda application: application.bot.get_updates(timeout=0))
    assert stored(processed_at=None) == [first, last]
    assert stored(error__startswith="unreadable") == [first + 1]


@pytest.mark.django_db(transaction=True)
def test_poll_that_cannot_be_stored_comes_again(
    linked, chat: Chat, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [chat.telegram.send("anna", text)["update_id"] for text in ("раз", "два")]
    queued: list[str] = []

    def locked(*args: object) -> None:
        raise OperationalError("database is locked")

    async def poll_twice(application: App) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("telegram_bot.inbox.store_updates", locked)
            with pytest.raises(NetworkError):
                await application.bot.get_updates(timeout=0)
        await store(application, await fetch(application))
        queued.extend(texts(application))

    bot.run(poll_twice)
    assert queued == ["раз", "два"]
    assert stored() == ids


def album_part(number: int, caption: str = "") -> Update:
    words = {"caption": caption, "caption_entities": [MessageEntity("mention", 0, 4)]}
    message = Message(
        number, datetime.now(UTC), TelegramChat(GROUP, TelegramChat.SUPERGROUP),
        from_user=User(2, "Кто-то", is_bot=False), media_group_id="album",
        **(words if caption else {}),
    )  # fmt: skip
    return Update(number, message=message)


def test_album_whose_mention_could_not_be_stored_comes_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue = DurableUpdateQueue(BOT_ID)
    queue.username = "bot"
    mention = album_part(2, "@bot не работает вход")

    def locked(*args: object) -> None:
        raise OperationalError("database is locked")

    def keep(_bot_id: int, updates: list[Update]) -> set[int]:
        return {update.update_id for update in updates}

    async def poll() -> None:
        await queue.store([album_part(1)])
        monkeypatch.setattr("telegram_bot.inbox.store_updates", locked)
        with pytest.raises(NetworkError):
            await queue.store([mention])
        monkeypatch.setattr("telegram_bot.inbox.store_updates", keep)
        await queue.store([mention])

    monkeypatch.setattr("telegram_bot.database.close_old_connections", lambda: None)
    asyncio.run(poll())
    assert [queue.get_nowait().update_id for _ in range(queue.qsize())] == [2, 1]


# People take turns


def wait_in_line(*people: int) -> None:
    """Store one update for each, with their numbers in the order they came."""
    rows = [
        IncomingUpdate(
            bot_id=BOT_ID, update_id=number, telegram_id=person, chat_id=person, payload="{}",
            received_at=timezone.now() - A_DAY_AGO,
        )
        for number, person in enumerate(people)
    ]  # fmt: skip
    IncomingUpdate.objects.bulk_create(rows)


def test_people_take_turns_however_much_waits_of_one(db) -> None:
    wait_in_line(*[FLOODER] * (SWEEP_BATCH + 50), 2, 3, 3)
    chosen = [number for number, _payload in forgotten_updates(BOT_ID, everything=True)]
    first, second = SWEEP_BATCH + 50, SWEEP_BATCH + 51
    assert chosen[:5] == [0, first, second, 1, second + 1]
    assert chosen[5:] == list(range(2, SWEEP_BATCH - 3))


def test_who_must_wait_gives_the_turn_to_others(db) -> None:
    wait_in_line(FLOODER, FLOODER, 2)
    soon = timezone.now() + timedelta(seconds=8)
    IncomingUpdate.objects.filter(update_id=0).update(due_at=soon)
    assert forgotten_updates(BOT_ID, everything=False) == [(2, "{}")]


@pytest.mark.parametrize("count", [1, SWEEP_BATCH + 50])
def test_turns_take_the_same_queries_for_any_number(db, django_assert_num_queries, count) -> None:
    wait_in_line(*[FLOODER] * count)
    with django_assert_num_queries(2):
        forgotten_updates(BOT_ID, everything=False)


def test_excess_of_a_flood_takes_few_queries(linked, chat: Chat, bot: Bot) -> None:
    for _ in range(UPDATES_A_MINUTE + 1):
        chat.telegram.send("anna", "/tickets")
    bot.take_updates()
    chat.telegram.send("anna", "/tickets")
    with CaptureQueriesContext(connection) as queries:
        bot.run(fetch_and_work_off)
    changed = [query["sql"] for query in queries if query["sql"].startswith(WRITES)]
    assert len(changed) == 3  # the update as it came, the count of the minute, the update as done
    assert len(queries) <= 9


# A group has few of the slots


def update_of(person: int, chat_id: int, number: int) -> Update:
    kind = TelegramChat.SUPERGROUP if chat_id < 0 else TelegramChat.PRIVATE
    message = Message(
        number, datetime.now(UTC), TelegramChat(chat_id, kind),
        from_user=User(person, "Кто-то", is_bot=False), text=str(number),
    )  # fmt: skip
    return Update(number, message=message)


class Work:
    """Steps that go on until they may end; who is at it is known."""

    def __init__(self) -> None:
        self.processor = OrderPerPerson(DurableUpdateQueue(BOT_ID))
        self.running: list[int] = []
        self.may_end = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self, *updates: Update) -> None:
        for update in updates:
            step = self.processor.process_update(update, self._step(update))
            self._tasks.append(asyncio.create_task(step))
        for _ in range(5):
            await asyncio.sleep(0)  # as far as they come

    async def _step(self, update: Update) -> None:
        assert update.effective_chat
        self.running.append(update.effective_chat.id)
        await self.may_end.wait()

    async def end(self) -> None:
        self.may_end.set()
        await asyncio.gather(*self._tasks)


def members_of(group: int, count: int = 20) -> list[Update]:
    return [update_of(person, group, person) for person in range(1, count + 1)]


def with_work(action: Callable[[Work], Any]) -> None:
    async def run() -> None:
        work = Work()
        await action(work)
        await work.end()

    asyncio.run(run())


def test_flooding_group_leaves_slots_to_others() -> None:
    async def flood(work: Work) -> None:
        await work.begin(*members_of(GROUP))
        assert work.running == [GROUP] * SLOTS_OF_A_GROUP
        await work.begin(update_of(500, 500, 1))
        assert work.running[SLOTS_OF_A_GROUP:] == [500]
        await work.end()
        assert work.running.count(GROUP) == 20

    with_work(flood)


def test_each_group_has_slots_of_its_own() -> None:
    async def flood(work: Work) -> None:
        await work.begin(*members_of(GROUP, 5))
        await work.begin(*(update_of(person, -200, person) for person in range(50, 55)))
        assert work.running == [GROUP] * SLOTS_OF_A_GROUP + [-200] * SLOTS_OF_A_GROUP
        assert len(work.running) < SLOTS

    with_work(flood)


# Chats take turns with answers that are due


def answer_due(update_id: int, chat_id: int, *, ago: int = 1) -> None:
    now = timezone.now()
    IncomingUpdate.objects.create(
        bot_id=BOT_ID, update_id=update_id, telegram_id=update_id, chat_id=chat_id,
        processed_at=now, replies="[]", reply_due_at=now - timedelta(seconds=ago),
    )  # fmt: skip


def claimed() -> list[int]:
    return [row.update_id for row in claim_due_replies(BOT_ID)]


def test_answers_to_a_group_stand_before_nobody(db) -> None:
    for number in range(CHATS_AT_ONCE + 10):
        answer_due(number, GROUP, ago=60)
    answer_due(98, 98)
    answer_due(99, 99)
    assert claimed() == [0, 98, 99]
    assert claimed() == [1]


def test_chat_that_hangs_holds_nobody_up(db, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        answer_due(number, GROUP)
        answer_due(number + 10, 10)
    begun: list[int] = []

    async def send(_bot: object, row: IncomingUpdate) -> None:
        begun.append(row.update_id)
        if row.chat_id == GROUP:
            await asyncio.Event().wait()

    async def run() -> None:
        replies = DueReplies(SimpleNamespace(id=BOT_ID))
        for _ in range(3):
            await replies.send(patience=0.01)
        await replies.stop()

    monkeypatch.setattr("telegram_bot.database.close_old_connections", lambda: None)
    monkeypatch.setattr("telegram_bot.direct_replies.send_replies", send)
    async_to_sync(run)()
    assert begun == [1, 11, 12]


@pytest.mark.parametrize("count", [1, 30])
def test_claim_takes_the_same_queries_for_any_number_in_a_chat(
    db, django_assert_num_queries, count
) -> None:
    for number in range(count):
        answer_due(number, GROUP)
    with django_assert_num_queries(2):
        claim_due_replies(BOT_ID)


def test_chat_that_is_to_wait_is_left_alone_and_keeps_its_order(
    linked, chat: Chat, boris_chat: Chat, bot: Bot, telegram
) -> None:
    telegram.fault("500", method="sendMessage", times=4)
    telegram.send("anna", "/help")
    telegram.send("anna", "/tickets")
    telegram.send("anna", "/new")
    telegram.send("boris", "/start")
    bot.take_updates()
    bot.clock.advance(seconds=3)
    telegram.fault("429", method="sendMessage", retry_after=17, chat="anna")

    tried = chat.watch(bot.send_due_replies)
    assert [call["status"] for call in tried.calls] == [429]
    assert "Шаг 1 из 2" in boris_chat.last["text"]
    bot.clock.advance(seconds=15)
    assert chat.watch(bot.send_due_replies).calls == []
    bot.clock.advance(seconds=3)
    for words in ("Что я умею", "Открытых заявок нет", "продукт"):
        bot.send_due_replies()
        assert words in chat.last["text"]
