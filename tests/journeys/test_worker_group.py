"""Signals to the processes of a worker: to all of them at once, or to the first one only."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.conftest import is_quiet, open_tickets, person
from tests.journeys.processes import STOP_LIMIT, Processes, wait_until
from tests.local_telegram import Sandbox
from tickets import recording
from tickets.comments import add_comment
from tickets.models import Delivery

pytestmark = pytest.mark.journey

PATIENCE = 60.0
EACH = 4


def first_of(processes: Processes) -> int:
    worker = processes.children["worker"].process
    assert worker
    return worker.pid


def others_of(group: int) -> list[int]:
    """The processes of a group that live, without the one it is named after."""
    return [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/stat")
        if _state(path) not in ("Z", "") and _group(path) == group != int(path.parent.name)
    ]


def _fields(path: Path) -> list[str]:
    try:
        return path.read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _state(path: Path) -> str:
    return next(iter(_fields(path)), "")


def _group(path: Path) -> int:
    return int((_fields(path) or ["", "", "0"])[2])


def _parent(pid: int) -> int:
    return int(_fields(Path(f"/proc/{pid}/stat"))[1])


@pytest.fixture
def answer(sandbox: Sandbox) -> Callable[[], None]:
    ticket = open_tickets(sandbox, "boris")["boris"]
    igor = recording.agent(person("igor"))
    assert is_quiet(PATIENCE)

    def answer() -> None:
        for number in range(EACH):
            add_comment(ticket=ticket, actor=igor, body=f"Ответ {number}")

    return answer


def test_signal_to_all_of_a_worker_ends_it_like_one_to_the_first(processes, sandbox, answer):
    sandbox.fault("slow", method="sendMessage", seconds=0.3, times=None)
    answer()
    sent = Delivery.objects.filter(channel="telegram", state=Delivery.State.SENT)
    wait_until(sent.exists, PATIENCE)
    group = first_of(processes)

    code, seconds = processes.stop("worker", group=True)

    assert (code, seconds < STOP_LIMIT) == (0, True)
    wait_until(lambda: not others_of(group), PATIENCE)
    sandbox.clear_faults()
    processes.launch("worker")
    wait_until(lambda: sent.count() == EACH, PATIENCE)
    assert is_quiet(PATIENCE)
    told = [row["text"] for row in sandbox.from_bot("boris") if "Ответ" in (row["text"] or "")]
    assert len(told) == EACH  # none of them was cut off in its call


@pytest.mark.one_database
def test_signal_while_a_worker_starts_ends_it(processes):
    processes.kill("worker")
    processes.launch("worker")
    group = first_of(processes)
    wait_until(lambda: others_of(group), PATIENCE)  # the first child has just been forked

    code, seconds = processes.stop("worker", group=True)

    assert (code, seconds < STOP_LIMIT) == (0, True)
    wait_until(lambda: not others_of(group), PATIENCE)


@pytest.mark.one_database
def test_processes_without_their_first_one_end_on_a_signal(processes):
    """As a supervisor does before it starts the unit anew."""
    group = first_of(processes)
    os.kill(group, signal.SIGKILL)
    processes.children["worker"].process.wait()
    assert others_of(group)

    os.killpg(group, signal.SIGTERM)

    wait_until(lambda: not others_of(group), PATIENCE)


def test_worker_whose_idle_processes_are_killed_ends_to_be_started_anew(processes, answer):
    """The one that waited for a task takes the lock of the queue with it: no other gets one."""
    group = first_of(processes)
    first = processes.children["worker"].process
    [guard] = [pid for pid in others_of(group) if _parent(pid) == group]
    for pid in others_of(group):
        if pid != guard:
            os.kill(pid, signal.SIGKILL)

    wait_until(lambda: first.poll() is not None, PATIENCE)
    wait_until(lambda: not others_of(group), PATIENCE)
    processes.launch("worker")
    answer()
    sent = Delivery.objects.filter(channel="telegram", state=Delivery.State.SENT)
    wait_until(lambda: sent.count() == EACH, PATIENCE)
