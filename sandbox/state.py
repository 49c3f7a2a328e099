"""Everything the sandbox knows: people, groups, messages, what the bot has set."""

import asyncio
import itertools
import json
import secrets
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from sandbox import BOT_ID, new_token
from sandbox.errors import bad_request, forbidden
from sandbox.faults import Faults
from sandbox.files import FileStore
from sandbox.limits import Limits
from sandbox.updates import Updates, first_id

Json = dict[str, Any]

BOT_USERNAME = "support_sandbox_bot"
ANONYMOUS = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}
TYPING_SECONDS = 5
ADMIN_RIGHTS = (
    "can_manage_chat",
    "can_change_info",
    "can_delete_messages",
    "can_invite_users",
    "can_restrict_members",
    "can_pin_messages",
    "can_manage_video_chats",
)
ADMIN_LACKS = (
    "can_be_edited",
    "is_anonymous",
    "can_promote_members",
    "can_manage_topics",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)


@dataclass
class Person:
    key: str
    id: int
    first_name: str
    last_name: str
    username: str | None
    phone: str
    role: str
    started: bool = False
    blocked: bool = False

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    def describe(self) -> Json:
        """The person as a Telegram user."""
        return {"is_bot": False, "language_code": "ru", **self.names()}

    def names(self) -> Json:
        names: Json = {"id": self.id, "first_name": self.first_name, "last_name": self.last_name}
        return names | ({"username": self.username} if self.username else {})


@dataclass
class Message:
    """`data` is the message as the bot sees it; it is replaced, never changed in place."""

    data: Json
    sender: str
    silent: bool = False
    has_reply_keyboard: bool = False
    reactions: list[str] = field(default_factory=list)

    @property
    def id(self) -> int:
        return int(self.data["message_id"])

    @property
    def from_bot(self) -> bool:
        return bool(self.data["from"]["id"] == BOT_ID)


@dataclass
class Chat(ABC):
    key: str
    id: int
    messages: dict[int, Message] = field(default_factory=dict)
    keyboards: dict[str, tuple[int, Json]] = field(default_factory=dict)  # by person
    next_message_id: int = field(kw_only=True)
    typing_until: float = 0

    is_private: ClassVar[bool]

    @abstractmethod
    def describe(self) -> Json:
        """The chat as the bot sees it."""

    @abstractmethod
    def member_keys(self) -> list[str]: ...

    @abstractmethod
    def require_open(self) -> None:
        """Raise what Telegram answers where the bot may not write."""

    def set_keyboard(self, keys: list[str], message_id: int, markup: Json | None) -> None:
        for key in keys:
            self.keyboards.pop(key, None)
            if markup:
                self.keyboards[key] = (message_id, markup)

    def remove(self, message_id: int) -> None:
        del self.messages[message_id]
        for key, (shown_by, _) in list(self.keyboards.items()):
            if shown_by == message_id:
                del self.keyboards[key]


@dataclass
class PrivateChat(Chat):
    person: Person = field(kw_only=True)
    is_private = True

    def describe(self) -> Json:
        return {"type": "private", **self.person.names()}

    def member_keys(self) -> list[str]:
        return [self.key]

    def require_open(self) -> None:
        if self.person.blocked:
            raise forbidden("bot was blocked by the user")
        if not self.person.started:
            raise forbidden("bot can't initiate conversation with a user")


@dataclass
class Group(Chat):
    title: str = field(kw_only=True)
    members: dict[str, str] = field(kw_only=True)  # person key to Telegram's member status
    type: str = "group"
    bot_status: str = "left"
    forum: bool = False
    topics: dict[int, Json] = field(default_factory=dict)
    is_private = False

    def describe(self) -> Json:
        chat: Json = {"id": self.id, "type": self.type, "title": self.title}
        return chat | ({"is_forum": True} if self.forum else {})

    def member_keys(self) -> list[str]:
        return list(self.members)

    def is_admin(self, key: str) -> bool:
        return self.members.get(key) in ("creator", "administrator")

    @property
    def has_bot(self) -> bool:
        return self.bot_status in ("member", "administrator")

    def require_open(self) -> None:
        kind = f"{self.type} chat"
        if self.bot_status == "kicked":
            raise forbidden(f"bot was kicked from the {kind}")
        if not self.has_bot:
            raise forbidden(f"bot is not a member of the {kind}")


def describe_member(user: Json, status: str) -> Json:
    member: Json = {"user": user, "status": status}
    if status == "administrator":
        member |= dict.fromkeys(ADMIN_RIGHTS, True) | dict.fromkeys(ADMIN_LACKS, False)
    elif status == "creator":
        member["is_anonymous"] = False
    elif status == "kicked":
        member["until_date"] = 0
    return member


@dataclass
class Callback:
    """A pressed inline button that waits for the bot's answer."""

    id: str
    at: float
    answer: asyncio.Future[Json]


def seed_people() -> list[Person]:
    return [
        Person("anna", 510000001, "Анна", "Кузнецова", "anna_k", "+79161234567", "клиент"),
        Person("boris", 510000002, "Борис", "Соколов", None, "+79031112233", "клиент"),
        Person("viktor", 510000003, "Виктор", "Гость", "guest_viktor", "+79265550199", "гость"),
    ]


def seed_group(first_message_id: int) -> Group:
    return Group(
        "alpha",
        -4510000001,
        title="Проект Альфа",
        members={"anna": "creator", "boris": "member", "viktor": "member"},
        next_message_id=first_message_id,
    )


class State:
    def __init__(
        self,
        *,
        token: str = "",
        limits: bool = True,
        memory: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.token = token or new_token()
        self.clock = clock
        self.limits = Limits(clock, enabled=limits)
        self.updates = Updates(clock)
        self.profile: Json = {}
        self.commands: dict[str, list[Json]] = {}  # by scope
        self.memory = memory
        self._recall_profile()
        self.last_message_id = 0  # of any chat
        self.version = 0
        self.last_kind = ""
        self._changed = asyncio.Event()
        self._numbers = itertools.count(1)
        self.reset()

    def reset(self) -> None:
        """Back to the seeded people. What the bot told of itself stays: it tells it once."""
        # The product remembers messages that are gone here, so no id is given a second time.
        self.first_message_id = max(first_id(self.clock()), self.last_message_id + 1)
        self.people = {person.key: person for person in seed_people()}
        chats: list[Chat] = [
            PrivateChat(key, person.id, person=person, next_message_id=self.first_message_id)
            for key, person in self.people.items()
        ]
        chats.append(seed_group(self.first_message_id))
        self.chats = {chat.id: chat for chat in chats}
        self.keys: dict[str, Chat] = {chat.key: chat for chat in self.chats.values()}
        self.migrated: dict[int, int] = {}
        self.files = FileStore()
        self.callbacks: dict[str, Callback] = {}
        self.mail: list[Json] = []
        self.hooks: deque[Json] = deque(maxlen=200)  # the newest first
        self.hook_secret = ""
        self.requests: deque[Json] = deque(maxlen=2000)
        self.faults = Faults()
        self.limits.clear()
        self.updates.clear()
        self.changed("reset")

    def add_person(self, person: Person) -> None:
        chat = PrivateChat(
            person.key, person.id, person=person, next_message_id=self.first_message_id
        )
        self.people[person.key] = person
        self.keys[person.key] = self.chats[person.id] = chat
        self.changed("people")

    @property
    def groups(self) -> list[Group]:
        return [chat for chat in self.keys.values() if isinstance(chat, Group)]

    def now(self) -> int:
        return int(self.clock())

    def number(self) -> int:
        return next(self._numbers)

    def changed(self, kind: str) -> None:
        self.version += 1
        self.last_kind = kind
        self._changed.set()
        self._changed = asyncio.Event()

    def profile_changed(self) -> None:
        """Keep what the bot told of itself: Telegram does, and the bot tells it only once."""
        if self.memory:
            fresh = self.memory.with_suffix(".new")
            fresh.write_text(json.dumps({"profile": self.profile, "commands": self.commands}))
            fresh.replace(self.memory)
        self.changed("profile")

    def _recall_profile(self) -> None:
        if self.memory:
            with suppress(FileNotFoundError, ValueError):
                kept = json.loads(self.memory.read_text())
                self.profile, self.commands = kept["profile"], kept["commands"]

    async def wait_for_change(self, after: int, seconds: float) -> None:
        """Return once the version is newer than `after`, or after that many seconds."""
        if self.version <= after:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._changed.wait()

    def bot(self) -> Json:
        name = self.profile.get("name") or "Поддержка"
        return {"id": BOT_ID, "is_bot": True, "first_name": name, "username": BOT_USERNAME}

    def find_chat(self, chat_id: Any) -> Chat:
        """The chat of the bot's request, whether or not the bot may write there."""
        if new_id := self.migrated.get(chat_id):
            raise bad_request(
                "group chat was upgraded to a supergroup chat", migrate_to_chat_id=new_id
            )
        if chat := self.chats.get(chat_id):
            return chat
        raise bad_request("chat not found")

    def person_by_id(self, user_id: int) -> Person | None:
        return next((person for person in self.people.values() if person.id == user_id), None)

    def post(
        self,
        chat: Chat,
        user: Json,
        content: Json,
        *,
        sender: str,
        thread: int | None = None,
        reply_to: int | None = None,
        silent: bool = False,
    ) -> Message:
        data: Json = {
            "message_id": chat.next_message_id,
            "date": self.now(),
            "chat": chat.describe(),
            "from": user,
            **content,
        }
        if thread:
            data |= {"message_thread_id": thread, "is_topic_message": True}
        # In a topic a message that answers nothing answers the topic's own first message.
        if origin := chat.messages.get(reply_to or thread or 0):
            data["reply_to_message"] = without(origin.data, "reply_to_message")
        message = Message(data, sender=sender, silent=silent)
        chat.messages[message.id] = message
        chat.next_message_id += 1
        self.last_message_id = max(self.last_message_id, message.id)
        self.changed("message")
        return message

    def add_callback(self) -> Callback:
        future = asyncio.get_running_loop().create_future()
        callback = Callback(str(secrets.randbits(60)), self.clock(), future)
        self.callbacks[callback.id] = callback
        return callback

    def log(self, entry: Json) -> None:
        self.requests.append({"n": self.number(), "at": self.clock(), **entry})
        self.changed("request")


def without(data: Json, *names: str) -> Json:
    return {name: value for name, value in data.items() if name not in names}
