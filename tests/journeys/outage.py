"""The database of the processes, and how it stops serving them and nobody else.

PostgreSQL is reached through a door of the suite's own (door.py), since the server has other
guests: the door is killed and stands closed. SQLite has no server to lose. Its file is held by
somebody else's write transaction for longer than the 20 s a process waits: the one way in which
it really cannot serve. Reading goes on there, as it does in life.

A database that can only be read: PostgreSQL is told so, as a standby is after a failover. On SQLite
the kernel refuses the processes every write to a file, as it does when a file system has turned
read-only under them.
"""

import resource
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection

from operations.management.commands.demo import LOOPBACK
from operations.processes import Child

DOOR = Path(__file__).with_name("door.py")
POSTGRES_PORT = 5432


class Database:
    """What the product is told of its database, and the means to take it away."""

    def __init__(self, url: str, port: int, log_dir: Path) -> None:
        self.url, self.port = url, port
        self.door: Child | None = None
        place = urlsplit(url)
        if place.scheme == "sqlite":
            self.file = place.path.removeprefix("/")
            return
        server = [place.hostname or LOOPBACK, str(place.port or POSTGRES_PORT)]
        user = place.netloc.rpartition("@")[0]
        self.url = place._replace(netloc=f"{user}@{LOOPBACK}:{port}").geturl()
        log_dir.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, str(DOOR), str(port), *server]
        self.door = Child("door", argv, {}, log_dir / "door.log")

    def is_open(self) -> bool:
        if self.door is None:
            return True
        with suppress(OSError), socket.create_connection((LOOPBACK, self.port), 1):
            return True
        return False

    def open(self) -> None:
        if self.door and not self.door.is_running():
            self.door.start()

    def close(self) -> None:
        if self.door:
            self.door.kill_group()

    @contextmanager
    def read_only(self, pids: Callable[[], list[int]]) -> Iterator[None]:
        """For the length of a block; `pids` are those of the product's processes."""
        self._forbid_writes(True, pids())
        try:
            yield
        finally:
            self._forbid_writes(False, pids())

    def _forbid_writes(self, forbidden: bool, pids: list[int]) -> None:
        if self.door is None:
            largest = 0 if forbidden else resource.RLIM_INFINITY
            for pid in pids:
                with suppress(ProcessLookupError):
                    resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
            return
        name = urlsplit(self.url).path.removeprefix("/")
        with connection.cursor() as cursor:  # the suite's own keeps what it began with
            cursor.execute(
                f'ALTER DATABASE "{name}" SET default_transaction_read_only = {forbidden}'
            )
        self.close()
        self.open()  # new connections obey

    @contextmanager
    def gone(self) -> Iterator[None]:
        """For the length of a block; see above what that means on which database."""
        if self.door:
            self.close()
            yield
            self.open()
            return
        with closing(sqlite3.connect(self.file, timeout=60, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            yield
            holder.execute("ROLLBACK")
