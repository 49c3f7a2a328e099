"""The way in: stored before it is confirmed, worked off once, in the order of its person."""

import asyncio
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import OperationalError
from telegram import Chat as TelegramChat
from telegram import Message, Update, User
from telegram.error import NetworkError

from operations.tasks import every_minute
from telegram_bot.inbox import SLOTS, DurableUpdateQueue, OrderPerPerson
from telegram_bot.models import IncomingUpdate
from tests.telegram_bot.bot import (
    App,
    Bot,
    Chat,
    fetch,
    running_application,
    store,
    where_stored,
    work_off,
)
from tickets.models import Comment

pytestmark = pytest.mark.each_case

WRITE = "➕ Комментарий"


async def store_only(application: App) -> None:
    """A process that is killed between storing and working off."""
    await store(application, await fetch(application))


def comments() -> list[str]:
    return list(Comment.objects.order_by("pk").values_list("body", flat=True))


def unprocessed() -> int:
    return IncomingUpdate.objects.filter(processed_at=None).count()


@pytest.fixture
def card(ticket, chat: Chat):
    """A message in Anna's chat; each reply to it is a comment."""
    return chat.say(str(ticket.pk)).messages[0]


@pytest.fixture
def write(card, chat: Chat) -> Callable[..., None]:
    """Write comments without letting the bot look."""

    def write(*texts: str) -> None:
        for text in texts:
            chat.telegram.send("anna", text, reply_to=card["message_id"])

    return write


# Nothing is lost


def test_update_is_stored_before_it_is_confirmed(linked, chat: Chat, bot: Bot) -> None:
    chat.telegram.send("anna", "/tickets")

    async def poll_once(application: App) -> None:
        updates = await application.bot.get_updates(timeout=0)
        await store(application, list(updates))

    bot.run(poll_once)
    [row] = IncomingUpdate.objects.all()
    assert (row.telegram_id, row.chat_id, row.processed_at) == (chat.id, chat.id, None)
    assert json.loads(row.payload)["message"]["text"] == "/tickets"


def test_database_that_fails_makes_telegram_send_again(
    linked, chat: Chat, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.telegram.send("anna", "/tickets")

    def locked(*args: object) -> bool:
        raise OperationalError("database is locked")

    async def refused(application: App) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("telegram_bot.inbox.store_updates", locked)
            with pytest.raises(NetworkError):
                await application.bot.get_updates(timeout=0)
        [update] = await application.bot.get_updates(timeout=0)
        await application.update_queue.put(update)
        assert application.update_queue.qsize() == 1

    bot.run(refused)
    assert unprocessed() == 1


def test_killed_process_loses_nothing(write, bot: Bot, chat: Chat) -> None:
    write("первый", "второй", "третий")
    bot.run(store_only)
    assert comments() == []
    bot.clock.advance(seconds=4)
    bot.sweep()
    assert comments() == ["первый", "второй", "третий"]
    assert len([row for row in chat.seen if "Комментарий добавлен" in row["text"]]) == 3
    assert unprocessed() == 0


def test_sweep_leaves_fresh_updates_to_their_process(write, bot: Bot) -> None:
    write("первый")
    bot.run(store_only)
    bot.sweep()
    assert comments() == []


def test_only_poller_takes_what_it_finds_at_once(write, bot: Bot) -> None:
    write("первый")
    bot.run(store_only)

    async def start(application: App) -> None:
        await application.update_queue.sweep(application.bot, everything=True)
        await work_off(application)

    bot.run(start)
    assert comments() == ["первый"]


def test_stopping_leaves_the_rest_stored(write, bot: Bot) -> None:
    write("первый", "второй")

    async def stopped(application: App) -> None:
        await store_only(application)
        await application.update_queue.put(object())  # the library's signal to stop
        for _ in range(2):
            update = application.update_queue.get_nowait()
            await application.update_processor.process_update(
                update, application.process_update(update)
            )

    bot.run(stopped)
    assert comments() == []
    bot.clock.advance(seconds=4)
    bot.sweep()
    assert comments() == ["первый", "второй"]


def test_processed_update_keeps_no_payload(write, bot: Bot) -> None:
    write("тайна")
    bot.run(store_only)
    assert unprocessed() == 1
    bot.clock.advance(seconds=4)
    bot.sweep()
    assert where_stored("тайна") == {"Comment.body", "TicketMessage.text"}


@pytest.mark.parametrize("text", ["a\0b", "a\ud83db", "\ufffe\U0001f600"], ids=ascii)
def test_odd_characters_are_stored_in_ascii(write, bot: Bot, text) -> None:
    write(text)
    bot.run(store_only)
    [row] = IncomingUpdate.objects.filter(processed_at=None)
    assert row.payload.isascii()
    assert "\0" not in row.payload
    bot.clock.advance(seconds=4)
    bot.sweep()
    assert len(comments()) == 1


def test_old_rows_are_deleted_once_processed(linked, chat: Chat, bot: Bot) -> None:
    chat.start()
    bot.clock.advance(days=6)
    chat.telegram.send("anna", "/help")
    bot.run(store_only)
    bot.clock.advance(days=2)
    every_minute()
    [row] = IncomingUpdate.objects.all()
    assert row.processed_at is None


def test_updates_of_a_former_bot_hold_nobody_up(linked, chat: Chat, bot: Bot) -> None:
    IncomingUpdate.objects.create(
        bot_id=1, update_id=1, telegram_id=chat.id, chat_id=chat.id, payload="{}"
    )
    bot.failing = True
    assert "Что я умею" in chat.say("/help")


# Nothing acts twice; a transaction of their own lets these see a unique constraint at work


@pytest.mark.django_db(transaction=True)
def test_same_update_again_has_one_effect(write, bot: Bot) -> None:
    write("первый")

    async def twice(application: App) -> None:
        updates = await fetch(application)
        for _ in range(2):
            await store(application, updates)
            await work_off(application)

    bot.run(twice)
    assert comments() == ["первый"]


@pytest.mark.django_db(transaction=True)
def test_two_processes_have_one_effect_and_keep_the_order(write, bot: Bot) -> None:
    write("первый", "второй", "третий", "четвёртый")

    async def side_by_side(application: App) -> None:
        updates = await fetch(application)
        async with running_application() as other:
            for place, update in enumerate(updates):
                await store(other if place % 2 else application, [update])
            await store(other, updates[:1])
            await work_off(other)
            await work_off(application)

    bot.run(side_by_side)
    bot.clock.advance(seconds=4)
    bot.sweep()
    assert comments() == ["первый", "второй", "третий", "четвёртый"]
    assert unprocessed() == 0


# What is not stored


def test_group_talk_is_not_stored(telegram, bot: Bot) -> None:
    telegram.group("add_bot", by="anna")
    telegram.group("promote", by="anna")
    bot.take_updates()
    known = IncomingUpdate.objects.count()
    assert telegram.send("boris", "Между нами", chat="alpha")["update_id"]
    bot.take_updates()
    assert IncomingUpdate.objects.count() == known
    assert where_stored("Между нами") == set()


# Floods


def test_flood_gets_one_answer(linked, chat: Chat, boris_chat: Chat, bot: Bot) -> None:
    for _ in range(30):
        chat.telegram.send("anna", "/help")
    bot.take_updates()
    answer = chat.say("/tickets")
    assert answer.texts == ["Слишком много сообщений сразу. Подождите минуту и продолжайте."]
    for _ in range(5):
        chat.do(lambda: chat.telegram.send("anna", "/tickets"), unanswered=True)
    assert "Слишком много сообщений" in chat.press("menu")
    assert "Шаг 1 из 2" in boris_chat.start()

    bot.clock.advance(seconds=61)
    assert "Открытых заявок нет" in chat.say("/tickets")


def test_album_counts_as_one_message(linked, chat: Chat) -> None:
    for _ in range(4):
        chat.send(*[(f"{number}.txt", b"x") for number in range(10)])
    assert "Слишком много" not in chat.say("/help")


# People side by side


def update_of(person: int, number: int) -> Update:
    user = User(person, "Кто-то", is_bot=False)
    chat = TelegramChat(person, TelegramChat.PRIVATE)
    message = Message(number, datetime.now(UTC), chat, from_user=user, text=str(number))
    return Update(number, message=message)


def test_order_of_each_person_is_kept() -> None:
    done: dict[int, list[int]] = {}
    running = peak = 0

    async def handle(person: int, number: int) -> None:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(random.random() / 1000)
        done.setdefault(person, []).append(number)
        running -= 1

    async def work() -> None:
        processor = OrderPerPerson(DurableUpdateQueue(1))
        await asyncio.gather(
            *(
                processor.process_update(
                    update_of(number % 20, number), handle(number % 20, number)
                )
                for number in range(400)
            )
        )

    asyncio.run(work())
    assert done == {person: list(range(person, 400, 20)) for person in range(20)}
    assert 1 < peak <= SLOTS


def test_flooding_person_takes_one_slot_only() -> None:
    async def work() -> None:
        processor = OrderPerPerson(DurableUpdateQueue(1))
        gate = asyncio.Event()
        served = asyncio.Event()

        async def set_served() -> None:
            served.set()

        flood = [
            asyncio.create_task(processor.process_update(update_of(1, number), gate.wait()))
            for number in range(50)
        ]
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await processor.process_update(update_of(2, 99), set_served())
        assert served.is_set()
        gate.set()
        await asyncio.gather(*flood)

    asyncio.run(work())
