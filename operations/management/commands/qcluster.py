import gc
import os
import signal
from multiprocessing import active_children
from types import FrameType
from typing import Any

from django.core.management import load_command_class
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections
from django_q import cluster

from config.queue import tell_workers_of_the_end
from config.start import start_safely
from operations import tasks  # noqa: F401  # with nearly all that is queued
from tickets.delivery import channels

TERM = signal.SIGTERM
ENDING = {TERM, signal.SIGINT}  # whoever is told to end while it starts would wait for itself
IDLE = -1  # the timer of a process without a task


class QueueLost(Exception):
    """No process may ever get a task again: all end, and whoever supervises starts anew."""


class Guard(cluster.Sentinel):
    """Keeps the worker processes. SIGTERM is for the first process, whoever else hears it.

    systemd sends it to every process of a unit, `kill` to a group. If this one died of it, the
    first one would wait for it for ever.
    """

    def start(self) -> None:
        signal.signal(TERM, self._end_if_first_is_gone)  # those forked from here on do the same
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        try:
            super().start()
        finally:
            for process in active_children():
                process.kill()  # what is left is sent SIGTERM only, and waited for

    def reincarnate(self, process: Any) -> None:
        """Raises QueueLost: a process that waits for a task holds the lock of the queue."""
        if process in self.pool and process.timer.value == IDLE:
            raise QueueLost(f"{process.name} died while it waited for a task")
        super().reincarnate(process)
        process.kill()  # one that ran out of its time is sent SIGTERM only

    def _end_if_first_is_gone(self, number: int, frame: FrameType | None) -> None:
        try:
            os.kill(self.parent_pid, 0)
        except ProcessLookupError:
            os._exit(1)


class Command(BaseCommand):
    """The queue package's own, after what every start begins with; its workers hear of the end."""

    worker = load_command_class("django_q", "qcluster")
    help = worker.help

    def add_arguments(self, parser: CommandParser) -> None:
        self.worker.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        start_safely()
        channels()  # loaded here, once: no first task waits for it, and all share the memory
        gc.collect()
        gc.freeze()
        connections.close_all()  # the workers it forks must not share one
        cluster.Sentinel = Guard
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # until each process knows what it means
        self.worker.handle(*args, **options)
        tell_workers_of_the_end()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
