"""Starts processes of the product that need not load its packages: two thirds of a start.

`python -m tests.journeys.launcher` loads what others wrote, nothing of the product, and forks. Each
process takes its own environment, settings and code from there on, by the command it is started
with. It reads a request a line, and answers with a line: `[argv, env, log]` is answered by a pid,
a pid by the exit code of that process, or null while it runs.
"""

import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

from operations.processes import die_with_parent

PACKAGES = (
    "aiohttp.web", "aiosmtpd.controller", "django.contrib.postgres.fields",
    "django.contrib.postgres.search", "django.core.handlers.wsgi", "django.core.mail",
    "django.core.management", "django.core.serializers", "django.db.models", "django.forms",
    "django.template.backends.django", "django.utils.translation.trans_real",
    "django.views.generic", "gunicorn.app.wsgiapp", "gunicorn.workers.gthread", "httpx",
    "logging.config", "multiprocessing.pool", "psycopg", "requests", "rich.console", "segno",
    "smtplib", "sqlite3", "telegram.ext", "tornado.web",
)  # fmt: skip
LOOK_EVERY = 0.01


class Launcher:
    """Where tests ask for processes."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._server = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )

    def start(self, argv: Sequence[str], env: Mapping[str, str], log: Path) -> "Launched":
        return Launched(self, self.ask([*argv], {**env}, str(log)))

    def ask(self, *request: Any) -> Any:
        with self._lock:
            self._server.stdin.write(f"{json.dumps(request)}\n")
            self._server.stdin.flush()
            return json.loads(self._server.stdout.readline())

    def close(self) -> None:
        self._server.communicate()


class Launched:
    """As much of a Popen as the suite asks for."""

    def __init__(self, launcher: Launcher, pid: int) -> None:
        self.launcher, self.pid = launcher, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self.launcher.ask(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        deadline = time.monotonic() + timeout if timeout else None
        while (code := self.poll()) is None:
            if deadline and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(LOOK_EVERY)
        return code

    def terminate(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)


# In the launcher


def serve() -> None:
    for line in sys.stdin:
        match json.loads(line):
            case [int(pid)]:
                answer = exit_code(pid)
            case [argv, env, log]:
                answer = fork(argv, env, log)
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


def exit_code(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def fork(argv: Sequence[str], env: Mapping[str, str], log: str) -> int:
    """The pid of a process that leads a session already."""
    ready, say_ready = os.pipe()
    if pid := os.fork():
        os.close(say_ready)
        os.read(ready, 1)
        os.close(ready)
        return pid
    os.close(ready)
    os.setsid()
    die_with_parent()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    output = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(env)
    tempfile.tempdir = None  # looked up anew
    os.close(say_ready)
    run(argv)
    sys.exit()


def run(argv: Sequence[str]) -> None:
    """What `python argv…` would."""
    _python, script, *given = argv
    if script == "-m":
        module, *given = given
        sys.argv = [module, *given]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        sys.argv = [script, *given]
        runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    for name in PACKAGES:
        import_module(name)
    serve()
