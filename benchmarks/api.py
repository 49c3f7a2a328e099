#!/usr/bin/env python
"""Compare the API with minimal views of Django REST framework on the same rows.

    .venv/bin/python benchmarks/api.py --size 100000 --database postgres://…

README.md beside this file says what the columns mean.
"""

import gc
import json
import statistics
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
WARM_UP = 10  # requests of each side that are not counted
LIST, CUSTOMER = "/api/v1/tickets/", "benchmark"
WORDS = "Перезапустили ещё раз, ошибка та же: https://status.example/503. Логи приложим позже."
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
    from tickets.models import Product, Ticket

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
    open_one = Ticket.objects.filter(requester__username=CUSTOMER, status="in_progress").first()
    new = {"product": Product.objects.first().pk, "title": "Сервер не отвечает"}
    for answer, path, content in (
        ("create", LIST, new | {"description": WORDS}),
        ("comment", f"{LIST}{open_one.pk}/comments/", {"body": WORDS}),
    ):
        sides = [call(application, path, token, content) for application in applications]
        print(line(answer, size, *sides, requests), flush=True)


def new_token() -> str:
    from accounts.models import User
    from accounts.security import Origin
    from accounts.tokens import OF_CUSTOMERS, make_token

    person = User.objects.get(username=CUSTOMER)
    person.api_tokens.all().delete()
    return make_token(by=person, name="benchmark", scopes=OF_CUSTOMERS, origin=Origin(person))[1]


def call(application: Any, path: str, token: str, content: dict[str, Any]) -> Any:
    """A JSON that is posted, as `writes.py` posts its forms: rolled back each time."""
    from benchmarks.pages import Side
    from benchmarks.writes import Form

    class Call(Form):
        answer = "201 Created"

        def environ(self, number: int) -> dict[str, Any]:
            body = json.dumps(content).encode()
            return Side.environ(self, number) | {
                "REQUEST_METHOD": "POST", "CONTENT_TYPE": "application/json",
                "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body),
            }  # fmt: skip

    made = Call.__new__(Call)
    Side.__init__(made, application, "", [path], token=token)
    return made


def line(answer: str, size: int, product, minimal, requests: int) -> str:
    sides = (product, minimal)
    for number in range(WARM_UP):
        bodies = [side.get(number) for side in sides]
    assert same_keys(*map(json.loads, bodies)), "the answers differ"
    if product.answer.startswith("201"):
        ours, others = (side.shown(b"") for side in sides)
        assert ours == others, f"they write other rows: {ours}, {others}"
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
    """Whether both answer with the same tickets, one that was just opened apart, and keys."""
    first, second = (each.get("results", [each]) for each in (ours, minimal))
    numbers = [[row.get("number") for row in rows] for rows in (first, second)]
    is_list = "results" in ours
    return [row.keys() for row in first] == [row.keys() for row in second] and (
        not is_list or numbers[0] == numbers[1]
    )


if __name__ == "__main__":
    main()
