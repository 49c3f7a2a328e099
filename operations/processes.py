"""Child processes that live and die with this one: started, watched, restarted, ended."""

import ctypes
import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from django.utils.translation import gettext as _

from config.private_files import close_file

GRACE = 4.0  # seconds between SIGTERM and SIGKILL
TICK = 0.1
LONGEST_PAUSE = 20.0  # seconds from start to start of a process that keeps dying
STEADY = 30.0  # a process that lived so long starts anew without a pause
TAIL_LINES = 12
TROUBLES_SHOWN = 3  # lines a tick; the rest is in the log
TROUBLE = re.compile(r"\b(ERROR|CRITICAL)\b")
PR_SET_PDEATHSIG = 1


class NotStarted(Exception):
    """A process ended, or did not become ready in time; the text says which and why."""


class AlreadyRunning(Exception):
    """Another process holds the lock; the text is its pid."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock for a block. It goes with its process, also a killed one, so none is stale."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AlreadyRunning(file.read()) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


class Child:
    """One process in a session of its own, with its output in a log file."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        *,
        serves_others: bool = False,
    ) -> None:
        self.name, self.argv, self.env, self.log = name, argv, env, log
        self.serves_others = serves_others  # ends after those that talk to it
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.pause = 0.0
        self._read_to = 0
        log.write_bytes(b"")
        close_file(log)  # that of an earlier start may be readable

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603
                self.argv,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent if sys.platform == "linux" else None,
            )
        self.started_at = time.monotonic()

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def terminate(self) -> None:
        """Ask the process itself; its own children are its affair for as long as it lives."""
        if self.process:
            self.process.terminate()

    def kill_group(self) -> None:
        """End what is left of the session, with or without its leader."""
        if self.process:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def new_troubles(self) -> list[str]:
        """Lines about errors written to the log since the last call, the first few of them."""
        with self.log.open("rb") as log:
            log.seek(self._read_to)
            complete, newline, _rest = log.read().rpartition(b"\n")
        self._read_to += len(complete) + len(newline)
        lines = complete.decode(errors="replace").splitlines()
        return [line for line in lines if TROUBLE.search(line)][:TROUBLES_SHOWN]

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


class Supervisor:
    """Keeps children running until SIGINT, SIGTERM or SIGHUP, then ends every one of them."""

    def __init__(self, children: Sequence[Child], say: Callable[[str], None]) -> None:
        self.children = children
        self.say = say
        self.stopping = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start the children for a block; whatever ends the block ends them too."""
        with self._signals():
            try:
                for child in self.children:
                    child.start()
                yield
            finally:
                self._end()

    def wait_until_ready(self, checks: Mapping[str, Callable[[], bool]], seconds: float) -> None:
        """Return when every check holds or a signal came. Raises NotStarted."""
        deadline = time.monotonic() + seconds
        waiting = dict(checks)
        while not self.stopping:
            for child in self.children:
                if child.has_ended():
                    raise NotStarted(f"{child.name} ({child.log}):\n{child.tail()}")
            waiting = {name: check for name, check in waiting.items() if not check()}
            if not waiting:
                return
            if time.monotonic() > deadline:
                raise NotStarted(", ".join(waiting))
            time.sleep(TICK)

    def watch(self) -> None:
        """Show errors and start again what died, until a signal comes."""
        while not self.stopping:
            for child in self.children:
                for line in child.new_troubles():
                    self.say(f"{child.name} │ {line}")
                self._revive(child)
            time.sleep(TICK)

    def _revive(self, child: Child) -> None:
        if not child.has_ended():
            return
        lived = time.monotonic() - child.started_at
        if lived > STEADY:
            child.pause = 0.0
        if lived < child.pause:
            return
        child.kill_group()
        child.pause = min(LONGEST_PAUSE, max(1.0, child.pause * 2))
        self.say(
            _("%(name)s │ процесс завершился, запускаю снова. Журнал: %(log)s")
            % {"name": child.name, "log": child.log}
        )
        child.start()

    def _end(self) -> None:
        deadline = time.monotonic() + GRACE
        for serving in (False, True):
            wave = [child for child in self.children if child.serves_others == serving]
            for child in wave:
                child.terminate()
            while any(child.is_running() for child in wave) and time.monotonic() < deadline:
                time.sleep(TICK)
        for child in self.children:
            child.kill_group()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Signals raise a flag only, so that none of them interrupts a start or the end."""
        before = {number: signal.getsignal(number) for number in _ENDING}
        for number, handler in before.items():
            if number == signal.SIGHUP and handler == signal.SIG_IGN:
                continue  # nohup stays in force
            signal.signal(number, self._on_signal)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True


_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Have the kernel send SIGTERM when the parent is gone, even by SIGKILL. Linux only."""
    if _libc:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
