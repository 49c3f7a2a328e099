"""The worker's guard; what signals do to its real processes stands in tests/journeys."""

import multiprocessing
import signal
import time
from typing import Any

import pytest

from operations.management.commands.qcluster import IDLE, Guard, QueueLost

FORK = multiprocessing.get_context("fork")


def hang(is_deaf: Any) -> None:
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    is_deaf.set()
    while True:
        time.sleep(60)


def test_process_that_ran_out_of_its_time_is_killed(monkeypatch):
    is_deaf = FORK.Event()
    process: Any = FORK.Process(target=hang, args=(is_deaf,), daemon=True)
    process.timer = FORK.Value("f", 0)
    process.start()
    assert is_deaf.wait(10)
    monkeypatch.setattr(Guard, "spawn_worker", lambda _guard: None)
    guard = Guard.__new__(Guard)  # its own start would begin to work
    guard.pool, guard.monitor, guard.pusher, guard.reincarnations = [process], None, None, 0

    try:
        guard.reincarnate(process)
        process.join(10)
        assert process.exitcode == -signal.SIGKILL
        assert guard.pool == []
    finally:
        process.kill()


def test_process_that_died_without_a_task_takes_the_queue_with_it():
    guard = Guard.__new__(Guard)
    process: Any = FORK.Process(target=hang)
    process.timer = FORK.Value("f", IDLE)
    guard.pool = [process]
    with pytest.raises(QueueLost):
        guard.reincarnate(process)
