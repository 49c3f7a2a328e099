"""The least of a Bot API over real HTTP, and people who write to its bot.

It costs the machine little beside the bots that are measured, and notes when an update is handed
out and when its answer arrives. The sandbox does far more, and for that is too slow here.
"""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

Json = dict[str, Any]

BOT: Json = {"id": 42, "is_bot": True, "first_name": "Бот", "username": "benchmark_bot"}
FIRST_PERSON = 540_000_000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


@dataclass(frozen=True)
class Step:
    """What a person does, and words of the answer that ends their waiting."""

    answer: str
    say: str = ""
    press: str = ""  # a button by the word of its callback data


class Person:
    """One private chat, played by a script that begins anew at its end."""

    def __init__(self, stub: "Stub", number: int, script: tuple[Step, ...]) -> None:
        self.stub, self.script = stub, script
        self.user = {"id": FIRST_PERSON + number, "is_bot": False, "first_name": f"Гость {number}"}
        self.chat = {"id": self.user["id"], "type": "private", "first_name": f"Гость {number}"}
        self.seen: dict[int, Json] = {}  # messages of the bot, the last changed at the end
        self.place = 0  # in the script
        self.awaited: str | None = None  # None while it is the person's turn
        self.handed_out: float | None = None

    def act(self) -> None:
        """Take the next step of the script."""
        step = self.script[self.place % len(self.script)]
        self.place += 1
        self.awaited, self.handed_out = step.answer, None
        content = self._pressed(step.press) if step.press else {"message": self._message(step.say)}
        self.stub.queue(self, content)

    def _message(self, text: str) -> Json:
        message = {"message_id": self.stub.number(), "from": self.user, "chat": self.chat}
        command = [{"type": "bot_command", "offset": 0, "length": len(text)}]
        entities = {"entities": command} if text.startswith("/") else {}
        return message | {"date": int(time.time()), "text": text} | entities

    def _pressed(self, word: str) -> Json:
        for message in reversed(self.seen.values()):
            for row in message.get("reply_markup", {}).get("inline_keyboard", ()):
                for button in row:
                    data = button.get("callback_data", "")
                    if data.partition(":")[0] == word:
                        press = {"id": str(self.stub.number()), "from": self.user}
                        press |= {"message": message, "chat_instance": "1", "data": data}
                        return {"callback_query": press}
        raise LookupError(f"{self.user['id']} sees no button {word}")

    def hear(self, message: Json) -> None:
        self.seen.pop(message["message_id"], None)
        self.seen[message["message_id"]] = message
        while len(self.seen) > 4:
            del self.seen[next(iter(self.seen))]


@dataclass
class Counted:
    """Since the last `reset`; times in seconds."""

    begun: float = field(default_factory=time.monotonic)
    ended: float = 0.0  # when the last step was answered
    steps: int = 0
    calls: int = 0  # all but getUpdates
    waits: list[float] = field(default_factory=list)  # from handing out to the first words


class Stub:
    """Answers every call after `latency` seconds; `on_answer` hears of each answered step."""

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.people: dict[int, Person] = {}
        self.counted = Counted()
        self.on_answer: Callable[[Person], None] = lambda person: None
        self.polled = asyncio.Event()
        self._number = int(time.time() * 1000)  # of updates, messages, presses: never given twice
        self._pending: list[tuple[Person, Json]] = []
        self._arrived = asyncio.Event()

    def add_people(self, count: int, script: tuple[Step, ...]) -> None:
        people = [Person(self, number, script) for number in range(count)]
        self.people = {person.user["id"]: person for person in people}

    def reset(self) -> None:
        self.counted = Counted()

    def number(self) -> int:
        self._number += 1
        return self._number

    def queue(self, person: Person, content: Json) -> None:
        self._pending.append((person, {"update_id": self.number(), **content}))
        self._arrived.set()

    async def answer(self, method: str, params: Json) -> Any:
        if method == "getUpdates":
            return await self._updates(int(params.get("timeout", 0)))
        self.counted.calls += 1
        person = self.people.get(int(params.get("chat_id", 0)))
        if person is None or "text" not in params:
            await asyncio.sleep(self.latency)
            return SIMPLE.get(method, True)
        message = self._taken(method, params, person)
        is_answer = self._note_answer(person, params["text"])
        await asyncio.sleep(self.latency)
        person.hear(message)
        if is_answer:
            self.on_answer(person)
        return message

    async def _updates(self, patience: int) -> list[Json]:
        self.polled.set()
        with suppress(TimeoutError):
            await asyncio.sleep(self.latency)
            await asyncio.wait_for(self._arrived.wait(), patience)
        batch, self._pending = self._pending[:100], self._pending[100:]
        if not self._pending:
            self._arrived.clear()
        now = time.monotonic()
        for person, _update in batch:
            person.handed_out = now
        return [update for _person, update in batch]

    def _taken(self, method: str, params: Json, person: Person) -> Json:
        is_edit = method == "editMessageText"
        message: Json = {
            "message_id": int(params["message_id"]) if is_edit else self.number(),
            "from": BOT, "chat": person.chat, "date": int(time.time()), "text": params["text"],
        }  # fmt: skip
        if is_edit:
            message["edit_date"] = int(time.time())
        markup = json.loads(params.get("reply_markup", "{}"))
        return message | ({"reply_markup": markup} if "inline_keyboard" in markup else {})

    def _note_answer(self, person: Person, text: str) -> bool:
        """Whether these words end the person's waiting."""
        now, counted = time.monotonic(), self.counted
        if person.handed_out is not None:
            counted.waits.append(now - person.handed_out)
            person.handed_out = None
        if person.awaited is None or person.awaited not in text:
            return False
        person.awaited = None
        counted.ended, counted.steps = now, counted.steps + 1
        return True


SIMPLE: dict[str, Any] = {
    "getMe": BOT,
    "getWebhookInfo": {"url": "", "has_custom_certificate": False, "pending_update_count": 0},
}


class Connection(asyncio.Protocol):
    """HTTP/1.1 that is kept alive, one request at a time, as httpx sends them."""

    def __init__(self, stub: Stub) -> None:
        self.stub = stub
        self.received = b""
        self.tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.split(b"\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in lines)
        if len(body) < int(fields.get(b"content-length", 0)):
            return
        self.received = b""
        method = first.split(b" ")[1].rpartition(b"/")[2].decode()
        task = asyncio.create_task(self._answer(method, dict(parse_qsl(body.decode()))))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, method: str, params: Json) -> None:
        result = await self.stub.answer(method, params)
        body = json.dumps({"ok": True, "result": result}).encode()
        self.transport.write(HEAD % len(body) + body)
