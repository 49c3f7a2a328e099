"""The product as people run it, for benchmarks of whole processes: on a database made anew."""

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.journeys.processes import Processes
    from tests.local_telegram import Sandbox

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
NAME = "benchmark_product"


@contextmanager
def product(server: str, **env: str) -> "Iterator[Processes]":
    """Sandbox, web, worker and bot with the demo's people; models read their database.

    `server` is a PostgreSQL server or `sqlite:///FOLDER`, as for pages.py; `env` goes to all.
    """
    from benchmarks.pages import SETTINGS, named_database

    with named_database(server, NAME, fresh=True) as url:
        os.environ |= SETTINGS | {"DATABASE_URL": url}
        import django

        warnings.filterwarnings("ignore", message="No directory at")  # of collected static files
        django.setup()
        from django.core.management import call_command
        from django.db import connections

        from operations.demo_data import create_demo_data
        from tests.journeys.processes import Processes

        call_command("migrate", verbosity=0)
        create_demo_data()
        connections.close_all()
        with tempfile.TemporaryDirectory() as folder:
            processes = Processes(Path(folder), url, **env)
            try:
                processes.start("sandbox", "web", "worker", "bot")
                yield processes
            finally:
                processes.end()
                connections.close_all()


def cpu_seconds(pids: list[int]) -> float:
    """What these processes have used since they began, of user and system time."""
    ticks = 0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Calls:
    """What the bot asks of the Bot API, by the sandbox's clock; it keeps the last 2,000 only."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self.rows: list[dict[str, Any]] = []
        self.look()

    def look(self) -> None:
        """To be asked again before 2,000 more have come."""
        last = self.rows[-1]["n"] if self.rows else 0
        self.rows += self._sandbox.requests(last)

    def messages_to(self, chat_id: int, since: float) -> list[dict[str, Any]]:
        """Messages sent there after a moment, the first first."""
        return [
            row
            for row in self.rows
            if row["method"] == "sendMessage"
            and row["at"] > since
            and int(row["params"]["chat_id"]) == chat_id
        ]


def percentiles(values: list[float], *of: int) -> list[float]:
    """Of not too few values; the nearest one."""
    ordered = sorted(values)
    return [ordered[min(len(ordered) - 1, len(ordered) * one // 100)] for one in of]


def line(*cells: Any) -> str:
    return f"| {' | '.join(map(str, cells))} |"
