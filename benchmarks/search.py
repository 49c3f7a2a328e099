#!/usr/bin/env python
"""Measure the search of tickets: of a customer, of one without tickets, and of the desk.

    .venv/bin/python benchmarks/search.py --size 1000000 --database postgres://…

README.md beside this file says what the columns mean.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
TERMS = {
    "number": "№ {number}",
    "bare number": "{number}",
    "word of every third ticket": "перезапуска",
    "two such words": "журнал сетях",
    "a whole sentence": "Началось сегодня, до этого всё работало.",
    "beginning of a frequent word": "перезап",
    "rare word": "разделов",
    "rare and frequent word": "разделов журнале",
    "part of a name": "prod-04",
    "a whole name": "vm-prod-{machine:04}",
    "part of every twelfth ticket's name": "vm-prod",
    "nothing found: word": "кластеризация",
    "nothing found: name": "vm-stage-77",
    "nothing found: name of known parts": "prod-vm",
    "nothing found: words never together": "удалён неизвестен разделов",
}
LISTED = {False: 21, True: 51}  # rows of a page and one more, by whether it is the desk's
HEADER = """\
| who | looks for | found | p50 ms | p95 ms | queries |
| --- | --- | --: | --: | --: | --: |"""


def main() -> None:
    from benchmarks.pages import at_one_size

    at_one_size(__file__, __doc__, measure, requests=100)


@dataclass
class Searcher:
    """Somebody who searches: rows in the order of their list, and how they are found."""

    name: str
    rows: Any
    search: Callable[..., Any]
    is_desk: bool = False

    def look_for(self, term: str) -> int:
        """What a list does with a search; how many it shows or, at the desk, counts."""
        found = self.search(self.rows, term)
        shown = len(list(found[: LISTED[self.is_desk]]))
        return found.order_by()[:10_000].count() if self.is_desk else shown


def measure(size: int, requests: int) -> None:
    print(HEADER)
    for searcher in searchers():
        for name, term in TERMS.items():
            terms = [filled(term, size, turn) for turn in range(requests)]
            print(line(searcher, name, terms), flush=True)


def searchers() -> Iterator[Searcher]:
    from functools import partial

    from accounts.models import User
    from operations.seeding import CUSTOMER, NOBODY
    from tickets.models import Ticket
    from tickets.search import search_desk, search_tickets

    as_customer = partial(search_tickets, internal=False)
    order = ("requester", "-changed_at", "-id")
    for name, username in (
        ("customer, 7,000 tickets", CUSTOMER),
        ("customer, about 500", "customer7"),
        ("customer, none", NOBODY),
    ):
        rows = Ticket.objects.own(User.objects.get(username=username)).order_by(*order)
        yield Searcher(name, rows, as_customer)
    related = ("requester", "organization", "product", "assignee")
    desk = Ticket.objects.select_related(*related).order_by("-id")
    yield Searcher("desk, all tickets", desk, search_desk, is_desk=True)


def filled(term: str, size: int, turn: int) -> str:
    """Another number and another machine each time."""
    return term.format(number=(turn * 7919) % size + 1, machine=(turn * 7919) % 10_000)


def line(searcher: Searcher, name: str, terms: list[str]) -> str:
    times = []
    searcher.look_for(terms[0])
    for term in terms:
        begun = time.perf_counter()
        found = searcher.look_for(term)
        times.append(1000 * (time.perf_counter() - begun))
    p95 = statistics.quantiles(times, n=20)[18]
    cells = (
        searcher.name, name, f"{found:,}", f"{statistics.median(times):.1f}", f"{p95:.1f}",
        queries(searcher, terms[0]),
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def queries(searcher: Searcher, term: str) -> int:
    from django.db import connection

    counted = []

    def note(execute: Callable, *arguments: object) -> object:
        counted.append(arguments)
        return execute(*arguments)

    with connection.execute_wrapper(note):
        searcher.look_for(term)
    return len(counted)


if __name__ == "__main__":
    main()
