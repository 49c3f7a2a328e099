#!/usr/bin/env python
"""Compare the API's list and card with minimal views of Django REST framework on the same rows.

    .venv/bin/python benchmarks/api.py --size 100000 --database postgres://…

README.md beside this file says what the columns mean.
"""

import gc
import json
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
WARM_UP = 10  # requests of each side that are not counted
LIST = "/api/v1/tickets/"
HEADER = """\
| answer | rows in table | p50 ms | CPU ms | queries | bytes | minimal p50 ms | minimal CPU ms \
| minimal queries | CPU ratio |
| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |"""


def main() -> None:
    from benchmarks.pages import at_one_size

    at_one_size(__file__, __doc__, measure, requests=200)


def measure(size: int, requests: int) -> None:
    from django.core.wsgi import get_wsgi_application

    from api import base
    from api.limits import Limit
    from benchmarks import minimal_api
    from benchmarks.pages import Side, cards

    base.USER = Limit("user", 10**9)  # counted, but never reached
    token = new_token()
    applications = (get_wsgi_application(), minimal_api.application())
    print(HEADER)
    for answer, paths in (
        ("list, 25 rows", [LIST]),
        ("list, 100 rows", [f"{LIST}?page_size=100"]),
        ("card", cards("api:ticket")),
    ):
        sides = [Side(application, "", paths, token=token) for application in applications]
        print(line(answer, size, *sides, requests), flush=True)


def new_token() -> str:
    from accounts.models import Scope, User
    from accounts.security import Origin
    from accounts.tokens import make_token
    from benchmarks.pages import CUSTOMER

    person = User.objects.get(username=CUSTOMER)
    person.api_tokens.all().delete()
    return make_token(by=person, name="benchmark", scopes={Scope.READ}, origin=Origin(person))[1]


def line(answer: str, size: int, product, minimal, requests: int) -> str:
    sides = (product, minimal)
    for number in range(WARM_UP):
        bodies = [side.get(number) for side in sides]
    assert same_keys(*map(json.loads, bodies)), "the answers differ"
    queries = [side.count_queries()[0] for side in sides]
    for side in sides:
        side.wall.clear()
        side.cpu.clear()
    gc.collect()
    gc.freeze()
    for number in range(requests):
        for side in sides:
            side.get(number)
    p50, minimal_p50 = (statistics.median(side.wall) for side in sides)
    cpu, minimal_cpu = (statistics.mean(side.cpu) for side in sides)
    cells = (
        answer, f"{size:,}", f"{p50:.1f}", f"{cpu:.1f}", queries[0], f"{len(bodies[0]):,}",
        f"{minimal_p50:.1f}", f"{minimal_cpu:.1f}", queries[1], f"{cpu / minimal_cpu:.2f}",
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def same_keys(ours: dict, minimal: dict) -> bool:
    """Whether both answer with the same tickets and keys."""
    first, second = (each.get("results", [each]) for each in (ours, minimal))
    return [(row["number"], row.keys()) for row in first] == [
        (row["number"], row.keys()) for row in second
    ]


if __name__ == "__main__":
    main()
