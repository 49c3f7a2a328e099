"""The bot step by step: the real application over HTTP to the local Telegram, and its people.

Every `catch_up` is a new process of the bot, so what it knows it knows from the database.
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from django.apps import apps
from telegram import Update
from telegram.ext import Application

from telegram_bot.application import ALLOWED_UPDATES, build_application
from telegram_bot.direct_replies import DueReplies
from telegram_bot.inbox import DurableUpdateQueue
from telegram_bot.models import IncomingUpdate
from telegram_bot.processing import ALBUM_WAIT
from tests.conftest import Clock
from tests.local_telegram import FileSpec, Json, Sandbox, buttons
from tests.queue import Task, run_queue
from tickets.models import Attachment, Ticket

App = Application[Any, Any, Any, Any, Any, Any]

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
JPEG = b"\xff\xd8\xff\xe0" + bytes(32)
MP4 = b"\0\0\0\x18ftypmp42" + bytes(32)
LOG = "14:20 реплика отстала\n".encode()


class Bot:
    """What runs on our side; `catch_up` does all that waits to be done."""

    def __init__(self, telegram: Sandbox, clock: Clock) -> None:
        self.telegram = telegram
        self.clock = clock
        self.tasks: list[Task] = []  # that the queue has run
        self.failing = False  # whether a test expects steps to fail
        self._looked = 0  # number of the last request seen

    def catch_up(self) -> None:
        self.take_updates()
        if IncomingUpdate.objects.filter(reply_due_at__isnull=False).exists():
            self.clock.advance(seconds=ALBUM_WAIT.total_seconds())
            self.send_due_replies()
        self.run_queue()

    def new_requests(self) -> list[Json]:
        """Bot API requests since the last look."""
        found = self.telegram.requests(after=self._looked)
        self._looked = found[-1]["n"] if found else self._looked
        return found

    def take_updates(self) -> None:
        """Fetch what Telegram has and work it off."""
        self.run(fetch_and_work_off)
        if not self.failing:
            left = IncomingUpdate.objects.filter(processed_at=None)
            assert not left, f"a step failed: {[row.error for row in left]}"

    def sweep(self) -> None:
        """What a process does about updates that it finds stored."""
        self.run(sweep_and_work_off)

    def send_due_replies(self) -> None:
        self.run(lambda application: DueReplies(application.bot).send())

    def run_queue(self) -> None:
        self.tasks += run_queue()

    def run(self, action: Callable[[App], Coroutine[Any, Any, None]]) -> None:
        """Do something inside a process of the bot that starts and ends here."""

        async def live() -> None:
            async with running_application() as application:
                await action(application)

        async_to_sync(live)()


@asynccontextmanager
async def running_application() -> AsyncIterator[App]:
    application = build_application()
    problems: list[BaseException] = []

    async def remember(update: object, context: Any) -> None:
        problems.append(context.error)

    application.add_error_handler(remember)
    await application.initialize()
    try:
        yield application
    finally:
        await application.shutdown()
    assert problems == []


async def fetch(application: App) -> list[Update]:
    """Take what waits at Telegram; it is confirmed by the fetch that follows."""
    found: list[Update] = []
    offset = None
    while updates := await application.bot.get_updates(
        offset=offset, timeout=0, allowed_updates=ALLOWED_UPDATES
    ):
        found += updates
        offset = updates[-1].update_id + 1
    return found


async def store(application: App, updates: list[Update]) -> None:
    for update in updates:
        await application.update_queue.put(update)


async def work_off(application: App) -> None:
    """Dispatch what is in the queue the way the application's own loop does."""
    queue = application.update_queue
    while not queue.empty():
        update = queue.get_nowait()
        await application.update_processor.process_update(
            update, application.process_update(update)
        )


async def fetch_and_work_off(application: App) -> None:
    await store(application, await fetch(application))
    await work_off(application)


async def sweep_and_work_off(application: App) -> None:
    queue = application.update_queue
    assert isinstance(queue, DurableUpdateQueue)
    await queue.sweep(application.bot)
    await work_off(application)


@dataclass
class Answer:
    """What a person sees of the bot after an action, and the calls behind it.

    `words in answer` looks at the messages that came or changed and at the toast.
    """

    messages: list[Json]
    calls: list[Json]

    @property
    def texts(self) -> list[str]:
        return [_words(message) for message in self.messages]

    @property
    def text(self) -> str:
        return "\n".join(self.texts)

    @property
    def buttons(self) -> dict[str, str]:
        """Label to callback data or address, of all these messages."""
        return {
            label: data for message in self.messages for label, data in buttons(message).items()
        }

    @property
    def toast(self) -> str:
        """What the press itself was answered with."""
        return "".join(call["params"].get("text", "") for call in self.named("answerCallbackQuery"))

    def named(self, method: str) -> list[Json]:
        return [call for call in self.calls if call["method"] == method]

    def __contains__(self, words: str) -> bool:
        return any(words in text for text in [*self.texts, self.toast])


class Chat:
    """One person's private chat with the bot. An action ends when all that follows from it has."""

    def __init__(self, bot: Bot, key: str) -> None:
        self.bot = bot
        self.telegram = bot.telegram
        self.key = key
        people = {person["key"]: person for person in self.telegram.state()["people"]}
        self.id: int = people[key]["id"]
        self.phone: str = people[key]["phone"]

    # What the person does

    def say(self, text: str, **fields: Any) -> Answer:
        return self.do(lambda: self.telegram.send(self.key, text, **fields))

    def start(self, payload: str = "") -> Answer:
        return self.do(lambda: self.telegram.start(self.key, payload))

    def reply(self, to: Json, text: str) -> Answer:
        return self.say(text, reply_to=to["message_id"])

    def share_contact(self, **fields: Any) -> Answer:
        return self.do(lambda: self.telegram.contact(self.key, **fields))

    def send(self, *files: FileSpec, **fields: Any) -> Answer:
        """Send a file, or an album of several."""
        return self.do(lambda: self.telegram.files(self.key, *files, **fields))

    def press(self, label_or_data: str, message: Json | None = None) -> Answer:
        """Press a button of a message as it is now, by default of the last one that has it."""
        if message:
            message = self.now(message)
        answer = self.do(lambda: self.telegram.press(self.key, label_or_data, message, wait=0))
        first = answer.calls[0]
        assert (first["method"], first["status"]) == ("answerCallbackQuery", 200), first
        return answer

    def press_card(self, ticket: Ticket, label: str) -> Answer:
        """Open a ticket's card by its number and press one of its buttons."""
        return self.press(label, self.say(str(ticket.pk)).messages[-1])

    def edit(self, message_id: int, text: str) -> Answer:
        return self.do(lambda: self.telegram.edit(self.key, message_id, text))

    def do(self, action: Callable[[], Any], *, unanswered: bool = False) -> Answer:
        """Whatever a person does is answered, if only by a call that ends the button's clock."""
        before = {message["message_id"]: _look(message) for message in self.seen}
        answer = self.watch(lambda: (action(), self.bot.catch_up()))
        answer.messages = [
            message for message in self.seen if before.get(message["message_id"]) != _look(message)
        ]
        assert bool(answer.calls) != unanswered, "the bot kept silent"
        return answer

    def watch(self, action: Callable[[], Any]) -> Answer:
        """The calls that concern this person while something happens."""
        self.bot.new_requests()
        action()
        return Answer([], [call for call in self.bot.new_requests() if self._concerns(call)])

    def _concerns(self, call: Json) -> bool:
        if call["method"] == "answerCallbackQuery":
            return True
        return str(call["params"].get("chat_id")) == str(self.id)

    # What the person sees

    @property
    def seen(self) -> list[Json]:
        """The bot's messages in the chat."""
        return self.telegram.from_bot(self.key)

    @property
    def last(self) -> Json:
        return self.telegram.last(self.key)

    @property
    def keyboard(self) -> list[str]:
        """The keys under the input field."""
        rows = (self.telegram.keyboard(self.key) or {}).get("keyboard", [])
        return [key["text"] for row in rows for key in row]

    def now(self, message: Json) -> Json:
        """A message as it looks by now."""
        [found] = [row for row in self.seen if row["message_id"] == message["message_id"]]
        return found

    def message_with(self, words: str) -> Json:
        """The last message of the bot that has the words."""
        found = [message for message in self.seen if words in _words(message)]
        assert found, f"no {words!r} among {[_words(message) for message in self.seen]}"
        return found[-1]


def content_of(attachment: Attachment) -> bytes:
    """What is stored of it; the row is read anew."""
    attachment.refresh_from_db()
    with attachment.file.open() as file:
        return file.read()


def stored_files(ticket: Ticket) -> list[tuple[str, bytes]]:
    """Names and contents."""
    return [(file.name, content_of(file)) for file in ticket.attachments.all()]


def where_stored(text: str) -> set[str]:
    """The columns, as `Model.column`, of any table that hold a text."""
    return {
        f"{model.__name__}.{field.attname}"
        for label in ("accounts", "tickets", "telegram_bot", "django_q")
        for model in apps.get_app_config(label).get_models()
        for field in model._meta.concrete_fields
        for value in model._default_manager.values_list(field.attname, flat=True)
        if text in str(value)
    }


def _words(message: Json) -> str:
    return message["text"] or message["caption"] or ""


def _look(message: Json) -> tuple[Any, ...]:
    return _words(message), message["reply_markup"]
