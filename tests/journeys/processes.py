"""The product as people run it: real processes on free ports, with a database of their own."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urljoin

import httpx
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler
from django.test import Client

from accounts.models import User
from config.queue import enqueue
from operations.management.commands.demo import (
    LOOPBACK,
    build_children,
    environment,
    readiness_checks,
    sandbox_url,
)
from operations.processes import Child
from tests.journeys.launcher import Launcher
from tests.journeys.outage import Database
from tests.local_telegram import PATIENCE, Sandbox

START_LIMIT = PATIENCE
STOP_LIMIT = 30.0  # what a deploy allows: compose.yaml
LOOK_EVERY = 0.05
# Answers that ask for the same once more: nothing of it was done
TRY_AGAIN = {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.REQUEST_TIMEOUT}


def wait_until(condition: Callable[[], Any], seconds: float = PATIENCE, what: str = "") -> Any:
    """What the condition returns once it is truthy."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, what or "what the test waits for has not happened"
        time.sleep(LOOK_EVERY)
    return found


class Processes:
    """Sandbox, web, worker and bot, started with the commands of `./run`, if need be quickly."""

    def __init__(
        self, folder: Path, database_url: str, launcher: Launcher | None = None, **env: str
    ) -> None:
        self.launcher = launcher
        self._ports = ExitStack()
        web_port, sandbox_port, smtp_port, door_port = reserve_ports(self._ports, 4)
        self.options: dict[str, Any] = {
            "host": LOOPBACK, "port": web_port, "sandbox_port": sandbox_port,
            "smtp_port": smtp_port, "log_dir": folder / "log", "without": [],
        }  # fmt: skip
        self.url = f"http://{LOOPBACK}:{web_port}"
        self.media, self.uploads = folder / "media", folder / "uploads"
        static = folder / "static"  # none collected: pages look as the sources do now
        for place in (self.uploads, static):
            place.mkdir()
        self.database = Database(database_url, door_port, folder / "log")
        own = {
            "DATABASE_URL": self.database.url,
            "MEDIA_ROOT": str(self.media),
            "STATIC_ROOT": str(static),
            "TMPDIR": str(self.uploads),  # where a killed web leaves what it was receiving
            "SECRET_KEY": settings.SECRET_KEY,  # the queue's packages are signed with it
        }
        self.children: dict[str, Child] = {}
        shared = environment(self.options, self.url, with_sandbox=True)
        self.token = shared["TELEGRAM_BOT_TOKEN"]
        for child in build_children(self.options, shared, with_sandbox=True):
            child.env = {**child.env, **own, **env}
            self.children[child.name] = child
        self.sandbox = Sandbox(sandbox_url(self.options), smtp_port, self.token)
        self._sessions: set[int] = set()

    # Starting and ending

    def start(self, *names: str) -> None:
        """Start processes and wait until they do their work."""
        self.database.open()
        wait_until(self.database.is_open, START_LIMIT)
        if not names:
            return  # nobody is asked to show that it works
        checks = readiness_checks(self.options, self.url)
        for name in names:
            self.launch(name)
        wait_until(lambda: all(self._is_ready(name, checks[name]) for name in names), START_LIMIT)

    def launch(self, name: str) -> None:
        child = self.children[name]
        assert not child.is_running(), f"{name} runs already"
        if self.launcher:
            child.process = self.launcher.start(child.argv, child.env, child.log)
        else:
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

    def stop(self, name: str, *, group: bool = False) -> tuple[int, float]:
        """SIGTERM, also to all it has started: the exit code and the seconds it took."""
        child = self.children[name]
        assert child.process
        assert child.is_running(), f"{name} has ended by itself:\n{child.tail()}"
        begun = time.monotonic()
        if group:
            self._signal(name, signal.SIGTERM)
        else:
            child.terminate()
        code = child.process.wait(STOP_LIMIT)
        return code, time.monotonic() - begun

    def freeze(self, name: str) -> None:
        """SIGSTOP of a process with all it has started: it is there and does nothing."""
        self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self._signal(name, signal.SIGCONT)

    def _signal(self, name: str, number: int) -> None:
        child = self.children[name]
        assert child.process
        os.killpg(child.process.pid, number)

    @contextmanager
    def database_read_only(self) -> Iterator[None]:
        """Web, worker and bot can read and not write for the length of a block."""
        with self.database.read_only(lambda: self.pids("web", "worker", "bot")):
            wait_until(self.database.is_open, START_LIMIT)
            yield
        wait_until(self.database.is_open, START_LIMIT)

    def pids(self, *names: str) -> list[int]:
        """Of those processes with all they have started."""
        children = [self.children[name].process for name in names]
        sessions = {process.pid for process in children if process}
        found = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
        return [pid for pid in found if _session(pid) in sessions]

    @contextmanager
    def restarted(self, *names: str, **env: str) -> Iterator[None]:
        """Those processes run with other settings for the length of a block."""
        before = {name: self.children[name].env for name in names}
        try:
            for name in names:
                self.kill(name)
                self.children[name].env = {**before[name], **env}
            self.start(*names)
            yield
        finally:
            for name in names:
                self.children[name].kill_group()
                self.children[name].env = before[name]

    def forget_logs(self, *names: str) -> None:
        """End processes that have told of a fault made on purpose; the next test starts them."""
        for name in names:
            self.children[name].kill_group()
            self.children[name].log.write_bytes(b"")

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
        self.database.close()
        self.sandbox.close()
        self._ports.close()
        wait_until(lambda: not any(map(_has_members, self._sessions)), what="processes are left")

    def missing(self) -> list[str]:
        return [name for name, child in self.children.items() if not child.is_running()]

    # Looking

    def logs(self) -> dict[str, str]:
        return {
            name: child.log.read_text(errors="replace") for name, child in self.children.items()
        }

    def command_lines(self) -> dict[str, str]:
        """What anybody on the machine can read of every process, with all they have started."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if _session(int(path.name)) in self._sessions:
                    found[path.name] = (path / "cmdline").read_bytes().decode()
        return found


def reserve_ports(until: ExitStack, count: int) -> list[int]:
    """Ports that nobody else is given, also while the process that listens there is dead.

    A server that sets SO_REUSEADDR may still bind them, and all do.
    """
    sockets = [until.enter_context(socket.socket()) for _number in range(count)]
    for place in sockets:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind((LOOPBACK, 0))
    return [place.getsockname()[1] for place in sockets]


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


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
        self.refused = 0  # times that `insist` had to try again
        self._http = httpx.Client(
            base_url=url, follow_redirects=True, timeout=PATIENCE, trust_env=False
        )

    def close(self) -> None:
        self._http.close()

    def log_in(self, username: str, password: str, path: str = "/login/") -> None:
        page = self.submit(path, {"username": username, "password": password})
        assert 'type="password"' not in page, f"{username} was not let in"

    def sign_in(self, user: User) -> None:
        """What a log-in leaves. The log-in itself is slow on purpose: a password is hashed."""
        client, name = Client(), settings.SESSION_COOKIE_NAME
        client.force_login(user)
        self._http.cookies.set(name, client.cookies[name].value)

    def open(self, path: str) -> str:
        return self._get(path).text

    def download(self, path: str) -> bytes:
        return self._get(path).content

    def submit(self, path: str, fields: dict[str, str], *, to: str = "") -> str:
        """Fill in the form of a page that leads `to` a path, by default to its own, and send it."""
        values = filled_in(self.open(path), path, to or path, fields)
        response = self._http.post(to or path, data=values, headers=self._from_here)
        assert response.status_code == httpx.codes.OK, f"{response.status_code}: {response.text}"
        return response.text

    def press(self, path: str, values: dict[str, str]) -> httpx.Response:
        """Send the fields of a form once, whatever is answered."""
        return self._http.post(path, data=values, headers=self._from_here)

    def insist(self, path: str, fields: dict[str, str], *, to: str = "", **files: Any) -> str:
        """As `submit`, with files by field; pressed again while nobody answers, or with 503."""
        values = filled_in(self._insist("GET", path), path, to or path, fields)
        content = {"data": values, "files": files, "headers": self._from_here}
        return self._insist("POST", to or path, **content)

    def break_off(
        self, path: str, fields: dict[str, str], *, to: str, half: Event, gone: Event, **files: Any
    ) -> dict[str, str]:
        """Send half of a form, say so, and send the rest when all is said to be gone.

        Returns the fields of the form, which has not arrived.
        """
        values = filled_in(self.open(path), path, to, fields)
        whole = self._http.build_request(
            "POST", to, data=values, files=files, headers=self._from_here
        )
        body = whole.read()

        def halves() -> Iterator[bytes]:
            yield body[: len(body) // 2]
            half.set()  # asked for more, so the first half is on its way
            gone.wait(PATIENCE)
            yield body[len(body) // 2 :]

        with suppress(httpx.TransportError):
            answer = self._http.request("POST", to, content=halves(), headers=whole.headers)
            assert answer.status_code in TRY_AGAIN, "the form arrived"
        return values

    def send_and_hang_up(self, path: str, fields: dict[str, str], *, to: str) -> dict[str, str]:
        """Send a form and never read the answer; returns its fields."""
        values = filled_in(self.open(path), path, to, fields)
        headers = self._from_here
        with self._http.stream("POST", to, data=values, headers=headers, follow_redirects=False):
            return values

    def press_again(self, to: str, values: dict[str, str]) -> str:
        """The browser's own «send once more» for a form that got no answer."""
        response = self._http.post(to, data=values, headers=self._from_here)
        assert response.status_code == httpx.codes.OK, f"{response.status_code}: {response.text}"
        return response.text

    def _insist(self, method: str, path: str, **content: Any) -> str:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                response = self._http.request(method, path, **content)
                if response.status_code not in TRY_AGAIN:
                    break
            except httpx.TransportError:
                pass
            self.refused += 1
            assert time.monotonic() < deadline, f"{path} is not served"
            time.sleep(LOOK_EVERY)
        assert response.status_code == httpx.codes.OK, f"{response.status_code}: {response.text}"
        return response.text

    @property
    def _from_here(self) -> dict[str, str]:
        return {"Referer": str(self._http.base_url)}

    def _get(self, path: str) -> httpx.Response:
        response = self._http.get(path)
        assert response.status_code == httpx.codes.OK, f"{path}: {response.status_code}"
        return response


@dataclass
class Form:
    """The fields of a form, and what a browser would send of it untouched."""

    names: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)


def filled_in(page: str, path: str, target: str, fields: dict[str, str]) -> dict[str, str]:
    """What a browser sends of the form on a page that leads to a target."""
    forms = forms_of(page, path)
    assert target in forms, f"no form to {target} on {path}: {list(forms)}"
    form = forms[target]
    assert fields.keys() <= form.names, f"no fields {fields.keys() - form.names} on {path}"
    return form.values | fields


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
        if tag in ("input", "select", "textarea", "button") and name:
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
