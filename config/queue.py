"""The only door to django-q2: everything else says `enqueue`."""

from collections.abc import Callable
from datetime import timedelta
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


def has_waiting_tasks() -> bool:
    """Whether anything waits for a worker; what one has taken is locked into the future."""
    return OrmQ.objects.filter(lock__lte=timezone.now()).exists()


def delete_old_failures() -> None:
    """Some of the failed tasks past their time: `save_limit` bounds only those that succeeded."""
    old = Failure.objects.filter(stopped__lt=timezone.now() - FAILURES_KEPT)
    Failure.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:1000])).delete()
