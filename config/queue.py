"""The only door to django-q2: everything else says `enqueue`."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django_q.models import Failure, OrmQ
from django_q.tasks import async_task

FAILURES_KEPT = timedelta(days=7)


def enqueue(task: str | Callable[..., Any], *ids: int | str) -> None:
    """Queue `task` (a function or its dotted name) inside the caller's transaction.

    Arguments are readable in the queue table, so only ids and names may be passed.
    """
    async_task(task, *ids)


def has_waiting_tasks(since: datetime | None = None) -> bool:
    """Whether a task waits for a worker; one that is being run is locked until later."""
    return OrmQ.objects.filter(lock__lte=since or timezone.now()).exists()


def delete_old_failures() -> None:
    """Delete some old failed tasks: `save_limit` limits only those that succeeded."""
    old = Failure.objects.filter(stopped__lt=timezone.now() - FAILURES_KEPT)
    Failure.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:1000])).delete()
