#!/usr/bin/env python
"""Measure the memory of the running product, pages that processes share counted once (PSS).

    .venv/bin/python benchmarks/memory.py --database postgres://…

README.md beside this file says what the columns mean.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.product import line, product  # noqa: E402

if TYPE_CHECKING:
    from tests.journeys.processes import Processes

LIMITS = {"bot": 70, "web": 130, "worker": 220}  # MiB
ROUNDS = 30
PORTAL = ("/", "/?tab=closed", "/tickets/new/", "/tickets/1/", "/notifications/", "/profile/")
DESK = (
    "/admin/", "/admin/tickets/ticket/", "/admin/tickets/ticket/1/change/",
    "/admin/accounts/user/", "/admin/tickets/delivery/",
)  # fmt: skip
TOOLS = ("click", "pygments", "requests", "rich")
HEADER = """\
| process | of how many | MiB at the start | MiB after use | at most |
| --- | --: | --: | --: | --: |"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--database", default=f"sqlite:///{ROOT / 'var'}", metavar="URL")
    options = parser.parse_args()
    with without_tools(), product(options.database) as processes:
        before = {name: memory(processes.pids(name)) for name in LIMITS}
        use(processes)
        print(HEADER)
        for name, limit in LIMITS.items():
            found = processes.pids(name)
            now = f"{memory(found):.1f}"
            print(line(name, len(found), f"{before[name]:.1f}", now, limit))


@contextmanager
def without_tools() -> Iterator[None]:
    """Python as where only requirements.txt is installed: httpx and DRF load these if they can."""
    with tempfile.TemporaryDirectory() as folder:
        hiding = f"import sys\nsys.modules |= dict.fromkeys({TOOLS})\n"
        (Path(folder) / "sitecustomize.py").write_text(hiding)
        os.environ["PYTHONPATH"] = folder
        yield
        del os.environ["PYTHONPATH"]


def use(processes: "Processes") -> None:
    """Pages of a customer and an agent on every worker of the web, comments, lists in the chat."""
    from django.utils import timezone

    from operations.demo_data import ANNA, IGOR
    from tests.journeys.processes import Visitor, wait_until
    from tickets.models import Delivery

    anna, igor = Visitor(processes.url), Visitor(processes.url)
    anna.log_in(ANNA.username, ANNA.password)
    igor.log_in(IGOR.username, IGOR.password)
    for number in range(ROUNDS):
        for path in PORTAL:
            anna.open(path)
        for path in DESK:
            igor.open(path)
        if number % 3 == 0:
            words = {"body": f"Ещё одна строка {number}"}
            anna.submit("/tickets/2/", words, to="/tickets/2/comment/")
            processes.sandbox.send("anna", "/mytickets")
    queued = Delivery.objects.filter(state=Delivery.State.QUEUED)
    wait_until(lambda: not queued.filter(due_at__lte=timezone.now()).exists())


def memory(found: list[int]) -> float:
    """MiB of these processes, what several share divided among all who share it."""
    texts = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in found]
    lines = [row for text in texts for row in text.splitlines() if row.startswith("Pss:")]
    return sum(int(row.split()[1]) for row in lines) / 1024


if __name__ == "__main__":
    main()
