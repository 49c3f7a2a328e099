"""The product as people run it: real processes on free ports, with a database of their own."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from config.queue import enqueue
from operations.management.commands.demo import (
    LOOPBACK,
    build_children,
    readiness_checks,
    sandbox_url,
)
from operations.processes import Child
from tests.local_telegram import Sandbox

START_LIMIT = 60.0  # seconds
STOP_LIMIT = 20.0  # what a deploy allows
LOOK_EVERY = 0.03


def wait_until(condition: Callable[[], Any], seconds: float = 10, what: str = "") -> Any:
    """What the condition returns once it is truthy."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, what or "what the test waits for has not happened"
        time.sleep(LOOK_EVERY)
    return found


class Processes:
    """Sandbox, web, worker and bot, started with the commands of `./run`."""

    def __init__(self, folder: Path, database_url: str) -> None:
        web_port, sandbox_port, smtp_port = free_ports(3)
        self.options: dict[str, Any] = {
            "host": LOOPBACK, "port": web_port, "sandbox_port": sandbox_port,
            "smtp_port": smtp_port, "log_dir": folder / "log", "without": [],
        }  # fmt: skip
        self.url = f"http://{LOOPBACK}:{web_port}"
        self.media = folder / "media"
        own = {
            "DATABASE_URL": database_url,
            "MEDIA_ROOT": str(self.media),
            "SECRET_KEY": settings.SECRET_KEY,  # the queue's packages are signed with it
        }
        self.children: dict[str, Child] = {}
        for child in build_children(self.options, self.url, with_sandbox=True):
            child.env = {**child.env, **own}
            self.children[child.name] = child
        self.sandbox = Sandbox(sandbox_url(self.options), smtp_port)
        self._sessions: set[int] = set()

    # Starting and ending

    def start(self, *names: str) -> None:
        """Start processes and wait until they do their work."""
        checks = readiness_checks(self.options, self.url)
        for name in names:
            self.launch(name)
        wait_until(lambda: all(self._is_ready(name, checks[name]) for name in names), START_LIMIT)

    def launch(self, name: str) -> None:
        child = self.children[name]
        assert not child.is_running(), f"{name} runs already"
        child.start()
        assert child.process
        self._sessions.add(child.process.pid)

    def _is_ready(self, name: str, check: Callable[[], bool]) -> bool:
        child = self.children[name]
        assert child.is_running(), f"{name} has ended:\n{child.tail()}"
        return check()

    def kill(self, name: str) -> None:
        """kill -9 of a process with all it has started."""
        child = self.children[name]
        assert child.is_running(), f"{name} has ended by itself:\n{child.tail()}"
        child.kill_group()

    def stop(self, name: str) -> tuple[int, float]:
        """SIGTERM: the exit code and the seconds it took."""
        child = self.children[name]
        assert child.process
        assert child.is_running(), f"{name} has ended by itself:\n{child.tail()}"
        begun = time.monotonic()
        child.terminate()
        code = child.process.wait(STOP_LIMIT)
        return code, time.monotonic() - begun

    def run_bot(self, **env: str) -> subprocess.CompletedProcess[str]:
        """One more bot, run to its end."""
        bot = self.children["bot"]
        return subprocess.run(
            bot.argv, env={**bot.env, **env}, capture_output=True, text=True, timeout=START_LIMIT
        )

    def end(self) -> None:
        """End every process; nothing may be left of their sessions."""
        for child in self.children.values():
            child.kill_group()
        self.sandbox.close()
        wait_until(lambda: not any(map(_has_members, self._sessions)), what="processes are left")

    def missing(self) -> list[str]:
        return [name for name, child in self.children.items() if not child.is_running()]

    # Looking

    def logs(self) -> dict[str, str]:
        return {
            name: child.log.read_text(errors="replace") for name, child in self.children.items()
        }


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _number in range(count)]
        for place in sockets:
            place.bind((LOOPBACK, 0))
        return [place.getsockname()[1] for place in sockets]


def _has_members(session: int) -> bool:
    try:
        os.killpg(session, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def run_safety_net() -> None:
    """What the schedule queues every minute, now."""
    enqueue("operations.tasks.every_minute")


# The database of the processes


def connect(name: str) -> BaseDatabaseWrapper:
    """A connection like the suite's own, to another database."""
    config = {**settings.DATABASES[DEFAULT_DB_ALIAS], "NAME": name}
    return ConnectionHandler({DEFAULT_DB_ALIAS: config})[DEFAULT_DB_ALIAS]


@contextmanager
def models_in(name: str) -> Iterator[None]:
    """Models read and write that database for the length of a block."""
    before, other = connections[DEFAULT_DB_ALIAS], connect(name)
    connections[DEFAULT_DB_ALIAS] = other
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = before
        other.close()


# Portal and admin over HTTP


class Visitor:
    """A person at the portal: opens pages and submits the forms that stand on them."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, follow_redirects=True, timeout=30, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def log_in(self, username: str, password: str, path: str = "/login/") -> None:
        page = self.submit(path, {"username": username, "password": password})
        assert 'type="password"' not in page, f"{username} was not let in"

    def open(self, path: str) -> str:
        return self._get(path).text

    def download(self, path: str) -> bytes:
        return self._get(path).content

    def submit(self, path: str, fields: dict[str, str], *, to: str = "") -> str:
        """Fill in the form of a page that leads `to` a path, by default to its own, and send it."""
        forms, target = forms_of(self.open(path), path), to or path
        assert target in forms, f"no form to {target} on {path}: {list(forms)}"
        form = forms[target]
        assert fields.keys() <= form.names, f"no fields {fields.keys() - form.names} on {path}"
        response = self._http.post(
            target, data=form.values | fields, headers={"Referer": str(self._http.base_url)}
        )
        assert response.status_code == httpx.codes.OK, f"{response.status_code}: {response.text}"
        return response.text

    def _get(self, path: str) -> httpx.Response:
        response = self._http.get(path)
        assert response.status_code == httpx.codes.OK, f"{path}: {response.status_code}"
        return response


@dataclass
class Form:
    """The fields of a form, and what a browser would send of it untouched."""

    names: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)


def forms_of(page: str, path: str) -> dict[str, Form]:
    """The forms of a page, by where they lead."""
    reader = FormReader(path)
    reader.feed(page)
    return reader.found


class FormReader(HTMLParser):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.found: dict[str, Form] = {}
        self._form: Form | None = None
        self._open = ""  # the name of the select or textarea that is open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "form":
            target = urljoin(self.path, given.get("action", ""))
            self._form = self.found.setdefault(target, Form())
        if self._form is None:
            return
        if tag in ("input", "select", "textarea") and name:
            self._form.names.add(name)
        is_choice = given.get("type") in ("checkbox", "radio")
        if tag == "input" and name and ("checked" in given or not is_choice):
            self._form.values[name] = given.get("value", "")
        if tag in ("select", "textarea"):
            self._open = name
        if tag == "option" and "selected" in given:
            self._form.values[self._open] = given["value"]

    def handle_data(self, data: str) -> None:
        if self._form and self.lasttag == "textarea" and self._open:
            self._form.values[self._open] = data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag in ("select", "textarea"):
            self._open = ""
