"""The local Telegram as a test double: start it, act as its people, read what the bot did."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import httpx

from sandbox.server import Listening, listening

Json = dict[str, Any]
PATIENCE = 120.0  # seconds; what is waited for comes in one, unless the machine is busy
SEARCHED = ("subject", "text", "caption")
FileSpec = tuple[str, bytes] | tuple[str, bytes, str]


class SandboxError(AssertionError):
    """The sandbox refused an action of the test."""


class Sandbox:
    """A person's hands and eyes. `chat` is a person's or a group's key, else the private chat."""

    def __init__(self, url: str, smtp_port: int, token: str) -> None:
        self.url, self.smtp_port, self.token = url, smtp_port, token
        self._http = httpx.Client(base_url=url, timeout=70, trust_env=False)

    def close(self) -> None:
        self._http.close()

    @staticmethod
    def buttons(message: Json) -> dict[str, str]:
        return buttons(message)

    # What people do

    def send(self, person: str, text: str, *, chat: str | None = None, **fields: Any) -> Json:
        return self._post("send", person=person, chat=chat, text=text, **fields)

    def meet(self, key: str, telegram_id: int, **fields: Any) -> Json:
        """One more person, until the next reset."""
        return self._post("meet", key=key, id=telegram_id, **fields)

    def start(self, person: str, payload: str = "") -> Json:
        return self._post("start", person=person, payload=payload)

    def contact(self, person: str, **fields: Any) -> Json:
        return self._post("contact", person=person, **fields)

    def files(self, person: str, *files: FileSpec, kind: str = "document", **fields: Any) -> Json:
        """Send files: (name, content) or (name, content, type); two and more make an album."""
        given = {name: _in_a_form(value) for name, value in _given(fields).items()}
        data = {"person": person, "kind": kind, **given}
        parts = [("files", file) for file in files]
        return self._read(self._http.post("/sandbox/files", data=data, files=parts))

    def press(
        self,
        person: str,
        label_or_data: str,
        message: Json | None = None,
        *,
        chat: str | None = None,
        **fields: Any,
    ) -> Json:
        """Press a button of a message, by default of the last one that has it."""
        message = message or self._message_with(person, label_or_data, chat)
        data = buttons(message).get(label_or_data, label_or_data)
        return self._post(
            "press",
            person=person,
            chat=chat,
            message_id=message["message_id"],
            data=data,
            **fields,
        )

    def edit(self, person: str, message_id: int, text: str, *, chat: str | None = None) -> Json:
        return self._post("edit", person=person, chat=chat, message_id=message_id, text=text)

    def touch(self, person: str, message_id: int, *, chat: str | None = None) -> Json:
        """Let a message come as an edited one that says the same."""
        return self._post("touch", person=person, chat=chat, message_id=message_id)

    def delete(self, person: str, message_id: int, *, chat: str | None = None) -> Json:
        return self._post("delete", person=person, chat=chat, message_id=message_id)

    def block(self, person: str, blocked: bool = True) -> Json:
        return self._post("block", person=person, blocked=blocked)

    def update(self, content: Json, kind: str = "message") -> Json:
        """Let an update arrive as it is."""
        return self._post("update", kind=kind, content=content)

    def group(self, action: str, *, key: str = "alpha", **fields: Any) -> Json:
        return self._post(f"groups/{key}", action=action, **fields)

    # What there is to see

    def state(self) -> Json:
        return self._get("state")

    def chat(self, person: str, chat: str | None = None) -> Json:
        """The whole chat: messages, the reply keyboard shown now, typing."""
        return self._get("messages", person=person, chat=chat or person)

    def messages(self, person: str, chat: str | None = None) -> list[Json]:
        return list(self.chat(person, chat)["messages"])

    def from_bot(self, person: str, chat: str | None = None) -> list[Json]:
        return [message for message in self.messages(person, chat) if message["from_bot"]]

    def last(self, person: str, chat: str | None = None) -> Json:
        """The bot's last message in the chat."""
        found = self.from_bot(person, chat)
        assert found, f"the bot has not written to {chat or person}"
        return found[-1]

    def keyboard(self, person: str, chat: str | None = None) -> Json | None:
        keyboard: Json | None = self.chat(person, chat)["keyboard"]
        return keyboard

    def mail(self) -> list[Json]:
        """Letters, the newest first."""
        return list(self._get("mail"))

    def clear_mail(self) -> None:
        self._read(self._http.delete("/sandbox/mail"))

    def requests(self, after: int = 0, *, method: str | None = None) -> list[Json]:
        found = self._get("requests", after=after)
        return [entry for entry in found if method in (None, entry["method"])]

    def refused(self) -> list[Json]:
        """Requests of the bot that the sandbox does not emulate; a good run has none."""
        return [entry for entry in self.requests() if entry["refused"]]

    # Faults

    def fault(self, kind: str, **fields: Any) -> None:
        """Make the next request fail, or `times` of them; None is until cleared."""
        self._read(self._http.post("/sandbox/faults", content=json.dumps({"kind": kind, **fields})))

    def faults(self) -> list[Json]:
        """Those that have not hit a request yet."""
        return list(self._get("faults"))

    def clear_faults(self) -> None:
        self._read(self._http.delete("/sandbox/faults"))

    def reset(self) -> None:
        self._post("reset")

    # Waiting

    def wait_for(
        self,
        person: str,
        wanted: Callable[[Json], Any] | str,
        timeout: float = PATIENCE,
        *,
        chat: str | None = None,
        after: int = 0,
    ) -> Json:
        """The first bot message, newer than `after`, that has the words or meets the predicate."""
        matches = _predicate(wanted)

        def find() -> Json | None:
            found = self.from_bot(person, chat)
            fresh = [message for message in found if message["message_id"] > after]
            return next(filter(matches, fresh), None)

        return self.wait_until(find, timeout, describe=lambda: self._tell(person, chat, wanted))

    def wait_for_mail(self, wanted: Callable[[Json], Any] | str, timeout: float = PATIENCE) -> Json:
        """The newest letter whose subject or text has the words."""
        matches = _predicate(wanted)
        return self.wait_until(lambda: next(filter(matches, self.mail()), None), timeout)

    def wait_until(
        self,
        find: Callable[[], Any],
        timeout: float = PATIENCE,
        describe: Callable[[], str] = lambda: "what the test waits for has not happened",
    ) -> Any:
        """Ask anew after every change in the sandbox, until the answer is truthy."""
        deadline = time.monotonic() + timeout
        while True:
            version = self.state()["version"]
            if found := find():
                return found
            left = deadline - time.monotonic()
            assert left > 0, describe()
            # What a test waits for may lie outside the sandbox, so look again now and then.
            self._get("wait", after=version, timeout=min(left, 0.5))

    def _message_with(self, person: str, label_or_data: str, chat: str | None) -> Json:
        for message in reversed(self.from_bot(person, chat)):
            known = buttons(message)
            if label_or_data in known or label_or_data in known.values():
                return message
        return self.last(person, chat)

    def _tell(self, person: str, chat: str | None, wanted: object) -> str:
        said = [message["text"] or message["caption"] for message in self.from_bot(person, chat)]
        return f"no {wanted!r} among the bot's messages: {said}"

    # HTTP

    def _post(self, path: str, **fields: Any) -> Json:
        body = json.dumps(_given(fields))  # ASCII, so that a test may send a lone surrogate
        return self._read(self._http.post(f"/sandbox/{path}", content=body))

    def _get(self, path: str, **query: Any) -> Any:
        return self._read(self._http.get(f"/sandbox/{path}", params=query))

    @staticmethod
    def _read(response: httpx.Response) -> Any:
        if response.is_error:
            raise SandboxError(f"{response.status_code}: {response.json()['error']}")
        return response.json()


def buttons(message: Json) -> dict[str, str]:
    """Inline buttons of a message: label to callback data or address."""
    rows = (message.get("reply_markup") or {}).get("inline_keyboard", [])
    return {
        button["text"]: button.get("callback_data") or button.get("url", "")
        for row in rows
        for button in row
    }


@contextmanager
def running_sandbox(*, limits: bool = False) -> Iterator[Sandbox]:
    """The sandbox on free ports in a thread of this process."""
    started: Future[Listening] = Future()
    loop = asyncio.new_event_loop()
    stopped = asyncio.Event()

    async def serve() -> None:
        try:
            async with listening(limits=limits) as place:
                started.set_result(place)
                await stopped.wait()
        except OSError as error:
            started.set_exception(error)

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, name="sandbox", daemon=True)
    thread.start()
    place = started.result(timeout=PATIENCE)
    sandbox = Sandbox(place.url, place.smtp_port, place.state.token)
    try:
        yield sandbox
    finally:
        sandbox.close()
        loop.call_soon_threadsafe(stopped.set)
        thread.join(timeout=PATIENCE)


def _predicate(wanted: Callable[[Json], Any] | str) -> Callable[[Json], Any]:
    if callable(wanted):
        return wanted
    return lambda seen: any(wanted in (seen.get(name) or "") for name in SEARCHED)


def _in_a_form(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list | bool) else value


def _given(fields: Json) -> Json:
    """Without chat=None, which means the default; other Nones are said on purpose."""
    return {name: value for name, value in fields.items() if name != "chat" or value is not None}
