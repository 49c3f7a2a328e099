import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from operations import processes
from operations.processes import AlreadyRunning, Child, NotStarted, Supervisor, locked

SLEEPS = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPS
WITH_GRANDCHILD = (
    "import subprocess, sys;"
    f"child = subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]);"
    "print('grandchild', child.pid, flush=True); child.wait()"
)
SAYS_WHEN_IT_ENDS = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), print(time.time()), sys.exit()))
print("up", flush=True)
time.sleep(60)
"""
DIES = "print('out of luck'); raise SystemExit(3)"


def child(folder: Path, code: str, name: str = "child") -> Child:
    return Child(name, [sys.executable, "-c", code], dict(os.environ), folder / f"{name}.log")


def supervise(*children: Child) -> tuple[Supervisor, list[str]]:
    said: list[str] = []
    return Supervisor(children, said.append), said


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(state.stdout.strip()) and not state.stdout.strip().startswith("Z")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_every_child(tmp_path, number):
    first, second = child(tmp_path, SLEEPS, "first"), child(tmp_path, SLEEPS, "second")
    supervisor, _said = supervise(first, second)
    outside = signal.signal(number, signal.default_int_handler)  # nohup may have switched it off
    try:
        with supervisor.running():
            os.kill(os.getpid(), number)
            supervisor.watch()
        assert signal.getsignal(number) == signal.default_int_handler
    finally:
        signal.signal(number, outside)

    assert first.has_ended()
    assert second.has_ended()


def test_error_in_the_block_ends_every_child(tmp_path):
    sleeping = child(tmp_path, SLEEPS)
    supervisor, _said = supervise(sleeping)

    with pytest.raises(ZeroDivisionError), supervisor.running():
        raise ZeroDivisionError

    assert sleeping.has_ended()


def test_ignored_hangup_stays_ignored(tmp_path):
    supervisor, _said = supervise(child(tmp_path, SLEEPS))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with supervisor.running():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)

    assert supervisor.stopping is False


def test_interrupt_counts_also_where_a_shell_ignores_it_for_its_background_jobs(tmp_path):
    supervisor, _said = supervise(child(tmp_path, SLEEPS))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with supervisor.running():
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)

    assert supervisor.stopping is True


def test_stubborn_processes_and_grandchildren_are_killed_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "GRACE", 0.5)
    stubborn = child(tmp_path, STUBBORN, "stubborn")
    parent = child(tmp_path, WITH_GRANDCHILD, "parent")
    supervisor, _said = supervise(stubborn, parent)

    with supervisor.running():
        wait_until(lambda: "up" in stubborn.tail() and "up" in parent.tail())
        grandchild = int(parent.tail().split()[1])
        begun = time.monotonic()

    assert time.monotonic() - begun < 20  # they live for a minute
    assert stubborn.has_ended()
    assert parent.has_ended()
    wait_until(lambda: not is_alive(grandchild))


def test_child_that_serves_others_is_ended_after_them(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "GRACE", 30.0)  # each is given the time to say when it ends
    server, client = (
        child(tmp_path, SAYS_WHEN_IT_ENDS, "server"),
        child(tmp_path, SAYS_WHEN_IT_ENDS),
    )
    server.serves_others = True
    supervisor, _said = supervise(server, client)

    with supervisor.running():
        wait_until(lambda: "up" in server.tail() and "up" in client.tail())

    assert float(client.tail().split()[1]) < float(server.tail().split()[1]) - 0.3


def test_dead_child_is_started_again_with_a_growing_pause(tmp_path, monkeypatch):
    dying = child(tmp_path, DIES)
    supervisor, said = supervise(dying)
    starts = []
    start = dying.start
    monkeypatch.setattr(dying, "start", lambda: (starts.append(time.monotonic()), start()))

    with supervisor.running():
        monkeypatch.setattr(
            supervisor,
            "say",
            lambda text: (said.append(text), setattr(supervisor, "stopping", len(said) == 2)),
        )
        supervisor.watch()

    assert len(starts) == 3  # the first, one at once, one after a second
    assert starts[2] - starts[1] >= 1
    assert said[0].startswith("child │ процесс завершился")


def test_child_that_ends_before_it_is_ready_is_told_with_its_last_words(tmp_path):
    supervisor, _said = supervise(child(tmp_path, DIES))

    with pytest.raises(NotStarted, match="out of luck"), supervisor.running():
        supervisor.wait_until_ready({"child": lambda: False}, 10)


def test_child_that_is_never_ready_is_named(tmp_path):
    supervisor, _said = supervise(child(tmp_path, SLEEPS))

    with pytest.raises(NotStarted, match=r"^web$"), supervisor.running():
        supervisor.wait_until_ready({"web": lambda: False, "worker": lambda: True}, 0.3)


def test_errors_in_a_log_reach_the_console_and_other_lines_do_not(tmp_path):
    talking = child(tmp_path, SLEEPS)

    talking.log.write_text("10:00 INFO all is well\n10:01 ERROR the disk is full\n10:02 ERR")

    assert talking.new_troubles() == ["10:01 ERROR the disk is full"]
    assert talking.new_troubles() == []


def test_lock_is_held_by_one_and_names_the_holder(tmp_path):
    lock = tmp_path / "lock"
    lock.write_text("7000000, of an earlier start")

    with locked(lock), pytest.raises(AlreadyRunning, match=f"^{os.getpid()}$"), locked(lock):
        pass
    with locked(lock):
        pass  # free again


KILLED_WITH_A_LOCK = """
import os, pathlib, signal, subprocess, sys
from operations.processes import locked

with locked(pathlib.Path(sys.argv[1])):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print(child.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_lock_goes_with_a_killed_holder_whatever_it_leaves_behind(tmp_path):
    lock, output = tmp_path / "lock", tmp_path / "output"
    with output.open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-c", KILLED_WITH_A_LOCK, str(lock)],
            cwd=settings.BASE_DIR, stdout=file, timeout=60,
        )  # fmt: skip
    orphan = int(output.read_text())

    try:
        assert done.returncode == -signal.SIGKILL
        assert is_alive(orphan)
        with locked(lock):
            assert lock.read_text() == str(os.getpid())
    finally:
        os.kill(orphan, signal.SIGKILL)


KILLED = """
import os, pathlib, signal, sys
from operations.processes import Child, Supervisor

log = pathlib.Path(sys.argv[1])
child = Child("child", [sys.executable, "-c", sys.argv[2]], dict(os.environ), log)
with Supervisor([child], print).running():
    print(child.process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_children_end_with_a_parent_that_was_killed(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "log"), SLEEPS],
        cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.returncode == -signal.SIGKILL
    wait_until(lambda: not is_alive(int(done.stdout)), 30)
