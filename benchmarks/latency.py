#!/usr/bin/env python
"""Measure how long an answer takes from «Сохранить» at the desk to the customer's chat, idle.

    .venv/bin/python benchmarks/latency.py --saves 60 --database postgres://…

README.md beside this file says what the columns mean.
"""

import argparse
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.product import Calls, cpu_seconds, line, percentiles, product  # noqa: E402

if TYPE_CHECKING:
    from tests.journeys.processes import Processes

BETWEEN = 1.5, 2.5  # seconds between two saves: longer than all that one sets going
TELEGRAM_ID = 510_000_001  # Anna's in the sandbox
PROCESSES = ("web", "worker", "bot")
HEADER = """\
| saves | p50 s | p95 s | most s | answer of the desk p50 s | idle CPU %, web | worker | bot |
| --: | --: | --: | --: | --: | --: | --: | --: |"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--saves", type=int, default=60)
    parser.add_argument("--idle", type=float, default=20, help="seconds of doing nothing before")
    parser.add_argument("--database", default=f"sqlite:///{ROOT / 'var'}", metavar="URL")
    options = parser.parse_args()
    with product(options.database) as processes:
        path = prepare(processes)
        idle = idle_cpu(processes, options.idle)
        waits, answers = measure(processes, path, options.saves)
    print(HEADER)
    print(line(
        options.saves, *(f"{value:.2f}" for value in (*percentiles(waits, 50, 95), max(waits))),
        f"{percentiles(answers, 50)[0]:.2f}", *(f"{share:.1f}" for share in idle),
    ))  # fmt: skip


def prepare(processes: "Processes") -> str:
    """The path of a ticket at the desk, whose requester is in the chat."""
    from accounts.models import User
    from operations.demo_data import ANNA
    from tests import factories

    anna = User.objects.get(username=ANNA.username)
    factories.MessengerAccountFactory(user=anna, address=str(TELEGRAM_ID))
    processes.sandbox.start("anna")
    processes.sandbox.wait_for("anna", "Открытых заявок")
    ticket = factories.TicketFactory(requester=anna)
    return f"/admin/tickets/ticket/{ticket.pk}/change/"


def idle_cpu(processes: "Processes", seconds: float) -> list[float]:
    """Per cent of one core that each kind of process takes while nobody does anything."""
    pids = {name: processes.pids(name) for name in PROCESSES}
    before = {name: cpu_seconds(pids[name]) for name in PROCESSES}
    time.sleep(seconds)
    return [100 * (cpu_seconds(pids[name]) - before[name]) / seconds for name in PROCESSES]


def measure(processes: "Processes", path: str, saves: int) -> tuple[list[float], list[float]]:
    """Seconds from each save to the call it leads to, and to the answer of the desk."""
    from operations.demo_data import IGOR
    from tests.journeys.processes import Visitor, filled_in, wait_until

    igor = Visitor(processes.url)
    igor.log_in(IGOR.username, IGOR.password)
    calls = Calls(processes.sandbox)
    waits, answers = [], []
    for number in range(saves):
        values = filled_in(igor.open(path), path, path, {"answer": f"Ответ {number}"})
        time.sleep(random.uniform(*BETWEEN))  # noqa: S311
        begun = time.time()
        response = igor.press(path, values)
        answers.append(time.time() - begun)
        assert response.is_success, response.status_code
        time.sleep(BETWEEN[0] / 2)
        found = wait_until(lambda since=begun: _look(calls, since))
        waits.append(found - begun)
    return waits, answers


def _look(calls: Calls, since: float) -> float:
    """When the first message after a moment came; 0 while none has."""
    calls.look()
    return min((row["at"] for row in calls.messages_to(TELEGRAM_ID, since)), default=0)


if __name__ == "__main__":
    main()
