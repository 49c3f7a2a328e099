"""`./run` as a newcomer meets it: real processes, a database and ports of its own."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from django.conf import settings

# A busy machine is slow to start, and to end, too
START_SECONDS = 120
END_SECONDS = 60.0
PATIENCE = 60.0
PORT_OPTIONS = ("--port", "--sandbox-port", "--smtp-port")
OURS = ("DATABASE_URL", "PORTAL_URL", "SECRET_KEY", "EMAIL_URL", "MEDIA_ROOT", "STAFF_EMAIL")
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", ".env", "var", "media", "static_root", "db.sqlite3*", "*_cache", "__pycache__"
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project as a clone would be, with the packages already there."""
    copy = tmp_path_factory.mktemp("clone") / "project"
    shutil.copytree(settings.BASE_DIR, copy, ignore=LEFT_OUT)
    (copy / ".venv").symlink_to(sys.prefix)
    return copy


def free_ports(count: int) -> list[int]:
    with ExitStack() as open_sockets:
        servers = [
            open_sockets.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [server.getsockname()[1] for server in servers]


def clean_environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name not in OURS and not name.startswith("TELEGRAM_")
    }


def wait_until(
    condition: Callable[[], object], seconds: float, on_failure: Callable[[], str]
) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(on_failure())
        time.sleep(0.05)


def run_to_its_end(project: Path, options: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["./run", *(f"{name}={value}" for name, value in options.items())],
        cwd=project, env=clean_environment(), capture_output=True, text=True, timeout=START_SECONDS,
    )  # fmt: skip


class Run:
    """A started `./run` and what it printed."""

    def __init__(self, project: Path) -> None:
        self.port, self.sandbox_port, self.smtp_port = free_ports(3)
        self.output = project / f"output-{self.port}.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                ["./run", *self.options()],
                cwd=project,
                env=clean_environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def options(self) -> list[str]:
        return [
            f"--port={self.port}",
            f"--sandbox-port={self.sandbox_port}",
            f"--smtp-port={self.smtp_port}",
        ]

    @property
    def text(self) -> str:
        return self.output.read_text()

    def wait_until_ready(self) -> None:
        wait_until(
            lambda: "Готово" in self.text or self.process.poll() is not None,
            START_SECONDS,
            lambda: self.text,
        )
        assert self.process.poll() is None, self.text

    def get(self, path: str, port: int | None = None) -> int:
        connection = HTTPConnection("127.0.0.1", port or self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def answers(self, path: str) -> bool:
        try:
            return self.get(path) < 500
        except OSError:
            return False

    def bot_commands(self) -> list[str]:
        """The menu of the bot that the sandbox shows; empty while it does not answer."""
        try:
            with urlopen(f"http://127.0.0.1:{self.sandbox_port}/sandbox/state") as answer:
                return [each["command"] for each in json.load(answer)["bot"]["commands"]]
        except OSError:
            return []

    def pid_of(self, command: str) -> int:
        children = descendants(self.process.pid)
        return min(pid for pid, line in children.items() if command in line)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(END_SECONDS)


@pytest.fixture(scope="module")
def started(project: Path) -> Iterator[Run]:
    """One start for the tests of a running portal; the last of them ends it."""
    run = Run(project)
    try:
        run.wait_until_ready()
        yield run
    finally:
        run.end()


def process_table() -> dict[int, tuple[int, str]]:
    """pid -> (parent, command line) of every process that is not a zombie."""
    listing = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = (line.split(None, 3) for line in listing.stdout.splitlines())
    return {
        int(pid): (int(parent), args[0] if args else "")
        for pid, parent, state, *args in rows
        if not state.startswith("Z")
    }


def descendants(pid: int) -> dict[int, str]:
    table = process_table()
    found: dict[int, str] = {}
    todo = [pid]
    while todo:
        parent = todo.pop()
        for child, (its_parent, command) in table.items():
            if its_parent == parent:
                found[child] = command
                todo.append(child)
    return found


def none_alive(pids: dict[int, str]) -> bool:
    return not pids.keys() & process_table().keys()


@pytest.mark.journey
def test_run_prints_addresses_that_answer_and_logins(started: Run) -> None:
    text = started.text

    for address in (
        f"http://127.0.0.1:{started.port}/",
        f"http://127.0.0.1:{started.port}/admin/",
        f"http://127.0.0.1:{started.sandbox_port}/",
    ):
        assert f"{address}\n" in text or f"{address} " in text
    for name in ("anna", "boris", "igor", "admin"):
        assert f"demo-{name}-2026" in text
    assert started.get("/") in {200, 302}
    assert started.get("/admin/login/") == 200
    assert started.get("/", started.sandbox_port) == 200


@pytest.mark.journey
def test_styles_are_compressed_and_kept_for_ever(started: Run) -> None:
    address = f"http://127.0.0.1:{started.port}"
    page = urlopen(f"{address}/login/", timeout=10).read().decode()  # noqa: S310
    styles = re.findall(r'href="(/static/[\w/]+\.[0-9a-f]{12}\.css)"', page)
    assert styles
    for path in styles:
        request = Request(address + path, headers={"Accept-Encoding": "gzip"})  # noqa: S310
        with urlopen(request, timeout=10) as answer:  # noqa: S310
            assert "immutable" in answer.headers["Cache-Control"]
            assert answer.headers["Content-Encoding"] == "gzip"


@pytest.mark.journey
def test_env_file_has_a_secret_of_its_own_and_nothing_of_the_sandbox(
    project: Path, started: Run
) -> None:
    env_file = project / ".env"
    secrets = [line for line in env_file.read_text().splitlines() if line.startswith("SECRET_KEY=")]

    assert [len(line) > 60 for line in secrets] == [True]
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    assert "sandbox-token" not in env_file.read_text()


@pytest.mark.journey
def test_dead_process_is_started_again(started: Run) -> None:
    os.kill(started.pid_of("gunicorn"), signal.SIGKILL)

    wait_until(lambda: "web │ процесс завершился" in started.text, PATIENCE, lambda: started.text)
    wait_until(lambda: started.answers("/healthz"), PATIENCE, lambda: started.text)


@pytest.mark.journey
def test_sandbox_that_is_started_again_knows_the_commands_of_the_bot(started: Run) -> None:
    wait_until(started.bot_commands, PATIENCE, lambda: started.text)
    before = started.bot_commands()

    os.kill(started.pid_of("manage.py sandbox"), signal.SIGKILL)

    wait_until(
        lambda: "sandbox │ процесс завершился" in started.text, PATIENCE, lambda: started.text
    )
    wait_until(started.bot_commands, PATIENCE, lambda: started.text)
    assert started.bot_commands() == before
    assert "bot │ процесс завершился" not in started.text


@pytest.mark.journey
@pytest.mark.parametrize(
    ("log_dir", "words", "holder"),
    [("var/log", "Уже запущено из этой папки", "demo"), ("var/other", "Бот уже запущен", "runbot")],
)
def test_second_run_ends_with_one_line_about_the_first(
    project: Path, started: Run, log_dir: str, words: str, holder: str
) -> None:
    pid = started.process.pid if holder == "demo" else started.pid_of(holder)
    ports = dict(zip(PORT_OPTIONS, free_ports(3), strict=True))

    done = run_to_its_end(project, ports | {"--log-dir": log_dir})

    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(rf"CommandError: {words} \(.*\b{pid}\).*\n", done.stderr), done.stderr


@pytest.mark.journey
def test_interrupt_leaves_nothing_behind_and_a_second_start_changes_nothing(
    project: Path, started: Run
) -> None:
    children = descendants(started.process.pid)
    commands = "\n".join(children.values())
    env_file = (project / ".env").read_bytes()

    started.process.send_signal(signal.SIGINT)

    for name in ("gunicorn", "qcluster", "runbot", "sandbox"):
        assert name in commands
    assert started.process.wait(END_SECONDS) == 0, started.text
    assert none_alive(children)

    again = Run(project)
    try:
        again.wait_until_ready()
    finally:
        again.end()
    assert "Демонстрационные данные созданы" not in again.text
    assert "Устанавливаю" not in again.text
    assert (project / ".env").read_bytes() == env_file


@pytest.mark.journey
def test_demo_passwords_are_never_shown_to_the_network(project: Path) -> None:
    """After a start on loopback has made the demo people."""
    ports = dict(zip(PORT_OPTIONS, free_ports(3), strict=True))

    done = run_to_its_end(project, ports | {"--host": "0.0.0.0"})  # noqa: S104

    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "демонстрационный пароль: anna, boris, igor, admin" in done.stderr
    assert "changepassword" in done.stderr
    assert "-2026" not in done.stderr


@pytest.mark.journey
def test_what_a_start_leaves_is_its_owners_only(project: Path) -> None:
    kept = [project / name for name in (".env", "db.sqlite3", "media", "var")]
    kept += [path for folder in ("media", "var") for path in (project / folder).rglob("*")]

    assert {str(path) for path in kept if path.stat().st_mode & 0o077} == set()
    assert any(path.name == "web.log" for path in kept)
    assert any("attachments" in path.parts for path in kept)


@pytest.mark.journey
@pytest.mark.parametrize("option", PORT_OPTIONS)
def test_taken_port_is_named(project: Path, option: str) -> None:
    ports = dict(zip(PORT_OPTIONS, free_ports(3), strict=True))

    with socket.create_server(("127.0.0.1", ports[option])):
        done = run_to_its_end(project, ports)

    assert done.returncode != 0
    assert f"Порт {ports[option]} на 127.0.0.1 занят" in done.stderr
    assert f"./run {option} " in done.stderr
    assert "Traceback" not in done.stderr


FAKE_PYTHON = """#!/bin/sh
case "$*" in
    *"sys.version_info <"*) exit {too_old} ;;
    *ensurepip*) exit {no_venv} ;;
    *"%d.%d"*) echo 3.11 ;;
    -V) echo "Python 3.9.2" ;;
esac
"""


def run_with_fake_python(
    folder: Path, *, too_old: int, no_venv: int, **env: str
) -> subprocess.CompletedProcess[str]:
    tools = folder / "bin"
    tools.mkdir()
    fake = tools / "python3"
    fake.write_text(FAKE_PYTHON.format(too_old=too_old, no_venv=no_venv))
    fake.chmod(0o755)
    return run_with_tools(folder, tools, **env)


def run_with_tools(folder: Path, tools: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """A start on a machine that has no other programs."""
    (tools / "dirname").symlink_to(shutil.which("dirname") or "")
    shutil.copy(settings.BASE_DIR / "run", folder / "run")
    return subprocess.run(
        ["/bin/sh", str(folder / "run")],
        env={"PATH": str(tools), **env}, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip


def test_old_python_is_refused_with_its_version(tmp_path: Path) -> None:
    done = run_with_fake_python(tmp_path, too_old=1, no_venv=0)

    assert done.returncode != 0
    assert done.stderr.startswith("Нужен Python 3.11 или новее (найден: Python 3.9.2).")


def test_missing_venv_module_is_named_with_its_remedy(tmp_path: Path) -> None:
    done = run_with_fake_python(tmp_path, too_old=0, no_venv=1)

    assert done.returncode != 0
    assert done.stderr == (
        "В Python 3.11 нет модуля venv. Установите его, например: apt install python3.11-venv\n"
    )


def test_no_python_at_all_is_told(tmp_path: Path) -> None:
    done = run_with_tools(tmp_path, tmp_path)

    assert done.returncode != 0
    assert done.stderr.startswith("Нужен Python 3.11 или новее (найден: подходящего нет).")


@pytest.mark.parametrize(
    ("python", "words"),
    [
        ("/nowhere", "PYTHON=/nowhere не найден. Нужен Python 3.11 или новее."),
        ("python3", "Нужен Python 3.11 или новее, а PYTHON=python3 — это Python 3.9.2."),
        ("dirname", "Нужен Python 3.11 или новее, а PYTHON=dirname — это не Python."),
    ],
)
def test_python_of_ones_choice_is_judged_by_its_name(
    tmp_path: Path, python: str, words: str
) -> None:
    done = run_with_fake_python(tmp_path, too_old=1, no_venv=0, PYTHON=python)

    assert done.returncode != 0
    assert done.stderr == f"{words}\n"
