"""The queue of the test database, worked off in this process instead of by a cluster."""

from pydoc import locate
from typing import Any, NamedTuple

from django_q.models import OrmQ
from django_q.signing import SignedPackage


class Task(NamedTuple):
    name: str
    args: tuple[Any, ...]


def queued() -> list[Task]:
    """What waits in the queue, oldest first."""
    return [_task(row) for row in OrmQ.objects.order_by("pk")]


def run_queue(limit: int = 100) -> list[Task]:
    """Run queued tasks, and those they queue, oldest first until none is left; return them.

    An error of a task is raised. More than `limit` tasks count as an endless loop.
    """
    done = []
    while row := OrmQ.objects.order_by("pk").first():
        task = _task(row)
        assert len(done) < limit, f"the queue does not end: {done[-5:]}"
        row.delete()
        _function(task.name)(*task.args)
        done.append(task)
    return done


def _task(row: OrmQ) -> Task:
    package = SignedPackage.loads(row.payload)
    function = package["func"]
    if callable(function):
        function = f"{function.__module__}.{function.__qualname__}"
    return Task(function, package["args"])


def _function(name: str) -> Any:
    function = locate(name)
    assert callable(function), f"the queued task {name} does not exist"
    return function
