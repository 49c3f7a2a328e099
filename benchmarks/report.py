#!/usr/bin/env python
"""Measure the figures of «Отчёт», over a month and over a year.

    .venv/bin/python benchmarks/report.py --size 1000000 --database postgres://…

README.md beside this file says what the columns mean.
"""

import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PERIODS = (30, 365)  # days
HEADER = """\
| days | created | solved | p50 ms | CPU ms | queries |
| --: | --: | --: | --: | --: | --: |"""


def main() -> None:
    from benchmarks.pages import at_one_size

    at_one_size(__file__, __doc__, measure, requests=5)


def measure(size: int, requests: int) -> None:
    print(HEADER)
    for days in PERIODS:
        print(line(days, requests), flush=True)


def line(days: int, requests: int) -> str:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tickets.reports import last_days, report

    with CaptureQueriesContext(connection) as queries:
        total = report(last_days(days)).total
    times = []
    cpu = time.process_time()
    for _turn in range(requests):
        begun = time.perf_counter()
        report(last_days(days))
        times.append(1000 * (time.perf_counter() - begun))
    cpu = 1000 * (time.process_time() - cpu) / requests
    cells = (
        days, f"{total.created:,}", f"{total.solved:,}", f"{statistics.median(times):.0f}",
        f"{cpu:.0f}", len(queries),
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
