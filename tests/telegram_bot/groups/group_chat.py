"""A group of the local Telegram: what its members do there, and what they see of the bot."""

from collections.abc import Callable, Coroutine
from typing import Any

from telegram_bot.inbox import DurableUpdateQueue
from telegram_bot.models import Group
from tests.local_telegram import FileSpec, Json
from tests.telegram_bot.bot import Answer, App, Bot

GROUP = "alpha"
BOT_NAME = "support_sandbox_bot"
MENTION = f"@{BOT_NAME}"


class GroupBot(Bot):
    """The bot under its name, as `runbot` makes it know it: in groups it is called by it."""

    def run(self, action: Callable[[App], Coroutine[Any, Any, None]]) -> None:
        async def named(application: App) -> None:
            queue = application.update_queue
            assert isinstance(queue, DurableUpdateQueue)
            queue.username = application.bot.username
            await action(application)

        super().run(named)


class Member:
    """One person in the group. An action ends when all that follows from it has."""

    def __init__(self, bot: Bot, key: str) -> None:
        self.bot = bot
        self.telegram = bot.telegram
        self.key = key
        self.sent: Json = {}  # what the last action made

    def say(self, text: str, **fields: Any) -> Answer:
        return self.do(lambda: self.telegram.send(self.key, text, chat=GROUP, **fields))

    def write(self, text: str, **fields: Any) -> int:
        """Write without the bot's side going on; the message's id."""
        sent = self.telegram.send(self.key, text, chat=GROUP, **fields)
        return int(sent["message_id"])

    def mention(self, text: str, **fields: Any) -> Answer:
        return self.say(f"{MENTION} {text}".strip(), **fields)

    def send(self, *files: FileSpec, **fields: Any) -> Answer:
        return self.do(lambda: self.telegram.files(self.key, *files, chat=GROUP, **fields))

    def edit(self, message_id: int, text: str) -> Answer:
        return self.do(lambda: self.telegram.edit(self.key, message_id, text, chat=GROUP))

    def press(self, label_or_data: str, message: Json | None = None) -> Answer:
        def press() -> Json:
            return self.telegram.press(self.key, label_or_data, message, chat=GROUP, wait=0)

        answer = self.do(press)
        assert answer.calls[0]["method"] == "answerCallbackQuery"
        return answer

    def act(self, action: str, **fields: Any) -> Answer:
        """Change the group itself."""
        return self.do(lambda: self.telegram.group(action, key=GROUP, by=self.key, **fields))

    def do(self, action: Callable[[], Json]) -> Answer:
        before = {_place(message): message for message in self.seen}
        known = self.telegram.requests()
        self.sent = action()
        self.bot.catch_up()
        changed = [one for one in self.seen if _differs(one, before.get(_place(one)))]
        calls = self.telegram.requests(after=known[-1]["n"] if known else 0)
        return Answer(changed, [call for call in calls if _is_for_a_group(call)])

    @property
    def last_id(self) -> int:
        return int(self.sent["message_id"])

    @property
    def seen(self) -> list[Json]:
        """The bot's messages in the group."""
        return self.telegram.from_bot(self.key, GROUP)

    @property
    def all_seen(self) -> list[Json]:
        return self.telegram.messages(self.key, GROUP)


def group_row() -> Group:
    return Group.objects.get()


def _is_for_a_group(call: Json) -> bool:
    """Whether a call does something there; a question about rights changes nothing."""
    if call["method"] == "getChatMember":
        return False
    chat_id = str(call["params"].get("chat_id", ""))
    return call["method"] == "answerCallbackQuery" or chat_id.startswith("-")


def _place(message: Json) -> tuple[int, int]:
    return message["chat_id"], message["message_id"]


def _differs(message: Json, before: Json | None) -> bool:
    names = ("text", "caption", "reply_markup")
    return before is None or any(message[name] != before[name] for name in names)
