"""The only door to django-q2: everything else says `enqueue`."""

import mmap
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import Failure, OrmQ, Schedule
from django_q.tasks import async_task

from config.queue_news import QueueNews

TWO_MINUTES = timedelta(minutes=2)
DUE_SINCE = timedelta(days=2)  # a new task looks that old, so a clock set back hides none
FAILURES_KEPT = timedelta(days=7)
MERGED = ":"  # follows the name of the cluster in the key of a task that may be merged

# Shared by a cluster's first process with all it forks: only the first one hears SIGTERM
_ending = mmap.mmap(-1, 1)


class Broker(ORM):
    """Hands a task to a second worker only when the first cannot be at it any more.

    Of equal tasks that may be merged one is run: it begins after all that asked for them.
    """

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key=list_key)
        self._news = QueueNews()

    def enqueue(self, payload: str) -> int:
        """What waits is due at once, also after the clock went back."""
        due = timezone.now() - DUE_SINCE
        row = self.get_connection().create(key=self.list_key, payload=payload, lock=due)
        return int(row.pk)

    def dequeue(self) -> list[tuple[int, str]]:
        """The task that waits longest; none after a while, in which nothing came."""
        rows = self.get_connection()  # which looks after the database connection
        self._news.note()
        own = Q(key=self.list_key) | Q(key__startswith=f"{self.list_key}{MERGED}")
        waiting = rows.filter(own, lock__lt=timezone.now())
        row = waiting.order_by("pk").first()
        if row is None:
            self._news.wait(Conf.POLL)
            return []
        if not rows.filter(pk=row.pk, lock=row.lock).update(lock=self.timeout(row)):
            return []  # another cluster was faster
        if row.key != self.list_key:
            waiting.filter(key=row.key).delete()
        return [(row.pk, row.payload)]

    def timeout(self, task: OrmQ) -> datetime:
        """Until when a taken task is left alone: longer for one with a time of its own."""
        try:
            own = task.task.get("timeout") or 0
        except Exception:  # one that cannot be read must not stop the others
            own = 0
        return timezone.now() + timedelta(seconds=max(Conf.RETRY, own + Conf.RETRY - Conf.TIMEOUT))


def enqueue(
    task: str | Callable[..., Any],
    *ids: int | str,
    timeout: timedelta | None = None,
    merge: bool = False,
) -> None:
    """Queue `task` (a function or its dotted name) inside the caller's transaction.

    Arguments are readable in the queue table, so only ids and names may be passed. `timeout` is
    for a task that may run for longer than the others. `merge`: of many such tasks that wait with
    the same arguments one is run, as for a task that looks itself for what there is to do.
    """
    options: dict[str, Any] = {"timeout": int(timeout.total_seconds())} if timeout else {}
    if merge:
        options["cluster"] = MERGED.join([Conf.CLUSTER_NAME, _name_of(task), *map(str, ids)])
    async_task(task, *ids, **options)


def is_ending() -> bool:
    """Whether the worker is told to end: a task that takes long should stop and be queued anew."""
    return _ending[0] != 0


def tell_workers_of_the_end() -> None:
    """Called once a cluster runs: on a signal it waits for its tasks, and tells them nothing."""
    for number in (signal.SIGTERM, signal.SIGINT):
        end = signal.getsignal(number)

        def tell(number: int, frame: FrameType | None, end: Any = end) -> None:
            _ending[0] = 1
            end(number, frame)

        signal.signal(number, tell)


def are_all_workers_wanted() -> bool:
    """Whether there are more tasks than workers, so that one who has a task should end it soon."""
    return OrmQ.objects.all()[Conf.WORKERS : Conf.WORKERS + 1].exists()


def has_waiting_tasks() -> bool:
    """Whether a task waits for a worker; one that is being run is locked until later."""
    return OrmQ.objects.filter(lock__lte=timezone.now()).exists()


@dataclass(frozen=True)
class QueuedTask:
    """A task as staff may see it: what it was given, and what came of it, stays out of sight."""

    name: str  # the dotted name of its function; empty when the row cannot be read
    state: str
    since: datetime | None  # when it was queued; of a failed one, when it ended
    attempts: int  # those that failed


WAITING, RUNNING, FAILED = "waiting", "running", "failed"


def queued_tasks(limit: int) -> list[QueuedTask]:
    """What waits or runs, the oldest first."""
    now = timezone.now()
    return [_queued_task(row, now) for row in OrmQ.objects.order_by("pk")[:limit]]


def failed_tasks(limit: int) -> list[QueuedTask]:
    """What failed, the newest first."""
    rows = Failure.objects.order_by("-stopped").values_list("func", "stopped", "attempt_count")
    return [
        QueuedTask(_name_of(function), FAILED, stopped, attempts)
        for function, stopped, attempts in rows[:limit]
    ]


def _queued_task(row: OrmQ, now: datetime) -> QueuedTask:
    state = RUNNING if row.lock and row.lock > now else WAITING
    try:
        package = row.task  # signed: nobody else's pickle is opened
        return QueuedTask(_name_of(package["func"]), state, package["started"], 0)
    except Exception:  # one that cannot be read must not hide the others
        return QueuedTask("", state, None, 0)


def _name_of(function: str | Callable[..., Any]) -> str:
    if isinstance(function, str):
        return function
    return f"{function.__module__}.{function.__qualname__}"


def wake_schedules() -> None:
    """After the clock went back: what runs every minute does not wait for its old next time."""
    now = timezone.now()
    late = Schedule.objects.filter(
        schedule_type=Schedule.MINUTES, minutes=1, next_run__gt=now + TWO_MINUTES
    )
    if late.exists():
        late.update(next_run=now)


def delete_old_failures() -> None:
    """Delete some old failed tasks: `save_limit` limits only those that succeeded."""
    old = Failure.objects.filter(stopped__lt=timezone.now() - FAILURES_KEPT)
    Failure.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:1000])).delete()
