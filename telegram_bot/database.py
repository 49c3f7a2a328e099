"""The database beside the event loop, which no query may hold up."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connection
from django.urls import get_urlconf, set_urlconf

LOOK_AGAIN = 1.0  # seconds after which a connection may have died unseen
THREADS = 3  # they mostly wait for the server; more would wait for the interpreter

P = ParamSpec("P")
T = TypeVar("T")

_threads: ThreadPoolExecutor | None = None
_looks = threading.local()  # each thread has a connection of its own


@contextmanager
def own_threads() -> Iterator[None]:
    """Serve several people at once, where the database does.

    Without them everything waits for one thread, and in a test for the one whose transaction it is.
    """
    global _threads
    count = THREADS if connection.features.has_select_for_update else 1  # SQLite has one writer
    own = partial(set_urlconf, get_urlconf())  # of no other thread does one know the addresses
    with ThreadPoolExecutor(count, "database", initializer=own) as _threads:
        try:
            yield
        finally:
            _threads = None


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a sync function in a database thread; a dead connection is dropped on the way."""

    def guarded() -> T:
        _drop_dead_connections()
        try:
            return function(*args, **kwargs)
        finally:
            _drop_dead_connections()

    if _threads is None:
        return await sync_to_async(guarded)()
    return await asyncio.get_running_loop().run_in_executor(_threads, guarded)


def _drop_dead_connections() -> None:
    """At once after an error, else now and then: each time costs a query, which asks for life."""
    now = monotonic()
    if connection.errors_occurred or now - getattr(_looks, "last", 0.0) > LOOK_AGAIN:
        _looks.last = now
        close_old_connections()
