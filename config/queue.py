"""The only door to django-q2: everything else says `enqueue`."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task


def enqueue(task: str | Callable[..., Any], *ids: int | str) -> None:
    """Queue `task` (a function or its dotted name) inside the caller's transaction.

    Arguments are readable in the queue table, so only ids and names may be passed.
    """
    async_task(task, *ids)


def has_waiting_tasks() -> bool:
    """Whether anything waits for a worker; what one has taken is locked into the future."""
    return OrmQ.objects.filter(lock__lte=timezone.now()).exists()
