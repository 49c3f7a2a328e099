"""How the worker hears at once that a task was queued, without asking for tasks all the time."""

import time
from contextlib import suppress
from typing import Any

from django.db import DatabaseError, connection

CHANNEL = "queue"  # on PostgreSQL; operations/migrations/0002 lets each new task be told there
GLANCE = 0.04  # seconds between two looks at whether anybody wrote to an SQLite file


class QueueNews:
    """What came since the last `note`. Where nothing can be heard, all that waits is the poll."""

    def __init__(self) -> None:
        self._version = 0
        self._listener: Any = None

    def note(self) -> None:
        """To be called before the queue is read: what comes from here on is heard of."""
        if connection.vendor == "sqlite":
            self._version = _version()
        elif connection.connection is not self._listener or self._listener is None:
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {CHANNEL}")
            self._listener = connection.connection

    def wait(self, seconds: float) -> None:
        """Until something may have come, for so long at most.

        A database that is lost meanwhile is noticed by the next who reads the queue.
        """
        end = time.monotonic() + seconds
        with suppress(DatabaseError), connection.wrap_database_errors:
            if connection.vendor == "sqlite":
                while self._version == _version() and (left := end - time.monotonic()) > 0:
                    time.sleep(min(GLANCE, left))
                return
            for _news in self._listener.notifies(timeout=seconds, stop_after=1):
                return
        time.sleep(max(0.0, end - time.monotonic()))


def _version() -> int:
    """Another one as soon as somebody else has written to the file."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return int(cursor.fetchone()[0])
