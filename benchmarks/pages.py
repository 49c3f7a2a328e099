#!/usr/bin/env python
"""Compare the portal's and the desk's pages with plain Django views on the same rows.

    .venv/bin/python benchmarks/pages.py --sizes 1000,100000 --rounds 3 --database postgres://…

README.md beside this file says what the columns mean.
"""

import argparse
import contextlib
import gc
import json
import os
import re
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
WARM_UP = 10  # requests of each side that are not counted
CARDS = 20  # tickets whose cards take turns
WRITES = ("INSERT", "UPDATE", "DELETE")
LINK = re.compile(r'href="/\S*tickets?/(\d+)/')  # to a ticket, of the portal or of the desk
CUSTOMER, NOBODY, AGENT = "benchmark", "benchmark-empty", "benchmark-agent"  # of seed_tickets
SEARCHES = {"number": "7", "word": "сервер", "nothing": "барракуда"}  # at the desk
TABLE = (
    "page", "rows in table", "p50 ms", "p95 ms", "CPU ms", "queries (writes)", "bytes",
    "same facts: CPU ms", "queries", "floor: CPU ms", "queries", "÷ same facts", "÷ floor",
    "÷ first size",
)  # fmt: skip
HEADER = f"| {' | '.join(TABLE)} |\n| --- |{' --: |' * (len(TABLE) - 1)}"
MOST = {"same facts": 1.5, "first size": 1.2, "list": 2.0, "card": 3.0}  # what the targets say
SETTINGS = {  # what `.env` or the caller's environment must not decide
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "DEBUG": "0",
    "PORTAL_URL": "http://127.0.0.1:8000",
    "TELEGRAM_BOT_TOKEN": "",
    "EMAIL_URL": "dummymail://",
}


def main() -> None:
    options = parse_arguments()
    if options.measure:
        for row in measure_pages(options.measure, options.requests, options.only):
            print(json.dumps(asdict(row)), flush=True)
        return
    best: dict[tuple[int, str], Row] = {}
    for _round in range(options.rounds):
        for size in options.sizes:
            with own_database(options.database, size, fresh=options.fresh and not _round) as url:
                for row in measured_rows(url, size, options):
                    known = best.setdefault((size, row.page), row)
                    best[size, row.page] = min(known, row, key=lambda row: row.cpu)
    print(HEADER)
    for (size, page), row in best.items():
        print(row.line(size, first=best[options.sizes[0], page]))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--sizes", default="1000,100000", type=lambda text: [int(size) for size in text.split(",")],
        help="numbers of tickets, with commas (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--requests", type=int, default=200, help="of each page and side")
    parser.add_argument(
        "--rounds", type=int, default=1,
        help="how often each size is measured, the sizes in turn: of each page the least counts",
    )  # fmt: skip
    parser.add_argument("--only", default="", help="pages whose names begin so")
    parser.add_argument(
        "--database", default=f"sqlite:///{ROOT / 'var'}", metavar="URL",
        help="a PostgreSQL server or sqlite:///FOLDER; each size gets a database benchmark_<size>",
    )  # fmt: skip
    parser.add_argument("--fresh", action="store_true", help="make the databases anew")
    parser.add_argument("--measure", type=int, metavar="SIZE", help=argparse.SUPPRESS)
    return parser.parse_args()


# The databases


def own_database(server: str, size: int, *, fresh: bool) -> contextlib.AbstractContextManager[str]:
    """The URL of the database of a size, which is kept for the next run."""
    return named_database(server, f"benchmark_{size}", fresh=fresh)


@contextlib.contextmanager
def named_database(server: str, name: str, *, fresh: bool) -> Iterator[str]:
    parts = urlsplit(server)
    if parts.scheme == "sqlite":
        file = Path(server.removeprefix("sqlite:///")).resolve() / f"{name}.sqlite3"
        file.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            for leftover in file.parent.glob(f"{file.name}*"):
                leftover.unlink()
        yield f"sqlite:///{file}"
    else:
        create_database(parts._replace(scheme="postgresql", path="/postgres").geturl(), name, fresh)
        yield parts._replace(path=f"/{name}").geturl()


def create_database(server: str, name: str, fresh: bool) -> None:
    import psycopg
    from psycopg import sql

    with psycopg.connect(server, autocommit=True) as connection:
        if fresh:
            statement = sql.SQL("DROP DATABASE IF EXISTS {}")
            connection.execute(statement.format(sql.Identifier(name)))
        known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name])
        if known.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def measured_rows(url: str, size: int, options: argparse.Namespace) -> "Iterator[Row]":
    """Measure in a process of its own: Django keeps to one database per process."""
    arguments = [sys.executable, __file__, f"--measure={size}"]
    arguments += [f"--requests={options.requests}", f"--only={options.only}"]
    environment = os.environ | SETTINGS | {"DATABASE_URL": url}
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            yield Row(**json.loads(line))
    if child.returncode:
        raise SystemExit(child.returncode)


def prepare_database(size: int) -> None:
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    if not get_user_model().objects.exists():
        manage = [sys.executable, str(ROOT / "manage.py"), "seed_tickets", str(size)]
        subprocess.run(manage, stdout=sys.stderr, check=True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def at_one_size(
    script: str, doc: str, measure: Callable[[int, int], None], *, requests: int
) -> None:
    """The main function of the other scripts: `measure` runs in a process of its own."""
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0])
    parser.add_argument("--size", type=int, default=100_000, help="number of tickets")
    parser.add_argument("--requests", type=int, default=requests, help="of each line")
    parser.add_argument(
        "--database", default=f"sqlite:///{ROOT / 'var'}", metavar="URL",
        help="a PostgreSQL server or sqlite:///FOLDER, as for pages.py",
    )  # fmt: skip
    parser.add_argument("--fresh", action="store_true", help="make the database anew")
    parser.add_argument("--measure", type=int, metavar="SIZE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        import django

        warnings.filterwarnings("ignore", message="No directory at")  # of collected static files
        django.setup()
        prepare_database(options.measure)
        measure(options.measure, options.requests)
        return
    with own_database(options.database, options.size, fresh=options.fresh) as url:
        arguments = [f"--measure={options.size}", f"--requests={options.requests}"]
        environment = os.environ | SETTINGS | {"DATABASE_URL": url}
        subprocess.run([sys.executable, script, *arguments], env=environment, check=True)


# Measuring


@dataclass
class Side:
    """One of those that are compared; the times of its requests in milliseconds."""

    application: Callable
    cookie: str
    paths: list[str]
    token: str = ""  # of the API
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    answer: ClassVar[str] = "200 OK"

    def environ(self, number: int) -> dict[str, Any]:
        path, _mark, query = self.paths[number % len(self.paths)].partition("?")
        environ = {
            "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "127.0.0.1:8000", "HTTP_COOKIE": self.cookie, "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http", "wsgi.input": BytesIO(), "wsgi.errors": sys.stderr,
        }  # fmt: skip
        if self.token:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {self.token}"
        return environ

    def get(self, number: int) -> bytes:
        """One request through a whole WSGI application in this process, timed to its end."""
        environ = self.environ(number)
        statuses: list[str] = []
        wall, cpu = time.perf_counter(), time.process_time()
        response = self.application(environ, lambda status, headers: statuses.append(status))
        body = b"".join(response)
        response.close()
        self.cpu.append(1000 * (time.process_time() - cpu))
        self.wall.append(1000 * (time.perf_counter() - wall))
        assert statuses == [self.answer], f"{environ['PATH_INFO']}: {statuses}"
        return body

    def shown(self, body: bytes) -> object:
        """What all sides must agree in: the tickets that a page links to."""
        return set(LINK.findall(body.decode()))

    def count_queries(self) -> tuple[int, int]:
        """The most queries a request of these paths makes, and how many of them write."""
        from django.db import connection

        queries: list[str] = []

        def note(execute: Callable, sql: str, *arguments: object) -> object:
            if sql.startswith(("SELECT", "WITH", *WRITES)):  # not BEGIN and SAVEPOINT
                queries.append(sql)
            return execute(sql, *arguments)

        counted = []
        with connection.execute_wrapper(note):
            for number in range(len(self.paths)):
                queries.clear()
                self.get(number)
                counted.append((len(queries), sum(sql.startswith(WRITES) for sql in queries)))
        return max(counted)


@dataclass
class Plain:
    """Times of a view that the product's page is compared with."""

    cpu: float
    queries: int
    same_tickets: bool


@dataclass
class Row:
    """A line of the table; times in milliseconds."""

    page: str
    p50: float
    p95: float
    cpu: float
    queries: tuple[int, int]
    size: int  # bytes
    plain: dict[str, Plain]  # by name: same facts, floor

    def __post_init__(self) -> None:  # also from JSON
        self.plain = {
            name: side if isinstance(side, Plain) else Plain(**side)
            for name, side in self.plain.items()
        }

    def line(self, tickets: int, first: "Row") -> str:
        queries, writes = self.queries
        are_others = any(not side.same_tickets for side in self.plain.values())
        same, floor = (self.plain.get(name) for name in ("same facts", "floor"))
        cells = (
            self.page + " (other tickets!)" * are_others, f"{tickets:,}", f"{self.p50:.1f}",
            f"{self.p95:.1f}", f"{self.cpu:.1f}", f"{queries} ({writes})", f"{self.size:,}",
            *(value for side in (same, floor)
              for value in ((f"{side.cpu:.1f}", side.queries) if side else ("–", "–"))),
            ratio(self.cpu, same and same.cpu, MOST["same facts"]),
            ratio(self.cpu, floor and floor.cpu, MOST.get(self.page.partition(",")[0])),
            "–" if self is first else ratio(self.cpu, first.cpu, MOST["first size"]),
        )  # fmt: skip
        return f"| {' | '.join(map(str, cells))} |"


def ratio(cpu: float, other: float | None, most: float | None) -> str:
    """What is above its target stands in bold."""
    text = f"{cpu / other:.2f}" if other else "–"
    return f"**{text}**" if other and most and cpu / other > most else text


def measure_pages(size: int, requests: int, only: str) -> Iterator[Row]:
    import django

    warnings.filterwarnings("ignore", message="No directory at")  # of collected static files
    django.setup()
    prepare_database(size)

    from django.core.wsgi import get_wsgi_application
    from django.urls import reverse

    from benchmarks import minimal, same_desk, same_facts, writes

    product = get_wsgi_application()
    plain = {"same facts": same_facts.application(), "floor": minimal.application()}
    floor = {"floor": plain["floor"]}
    of_desk = {"same facts": same_desk.application()}
    tickets, desk = reverse("ticket_list"), reverse("admin:tickets_ticket_changelist")
    for page, username, paths, others in (
        ("list, open", CUSTOMER, [tickets], plain),
        ("list, closed", CUSTOMER, [f"{tickets}?tab=closed"], plain),
        ("list, awaiting", CUSTOMER, [f"{tickets}?tab=awaiting"], plain),
        ("list, no tickets", NOBODY, [tickets], plain),
        ("card", CUSTOMER, cards("ticket_detail"), plain),
        ("desk, list", AGENT, [desk], floor),
        ("desk, card", AGENT, cards("admin:tickets_ticket_change"), of_desk),
        *((f"desk, search: {what}", AGENT, [f"{desk}?{urlencode({'q': words})}"], {})
          for what, words in SEARCHES.items()),
    ):  # fmt: skip
        if page.startswith(only):
            cookie = logged_in(username)
            sides = {name: Side(other, cookie, paths) for name, other in others.items()}
            yield measure_page(page, Side(product, cookie, paths), sides, requests)
    for page, *about in writes.forms():
        if page.startswith(only):
            sides = {"same facts": writes.Form(plain["same facts"], *about)}
            yield measure_page(page, writes.Form(product, *about), sides, requests)


def cards(url_name: str) -> list[str]:
    """Cards of the benchmark customer's tickets, spread over the two years."""
    from django.urls import reverse

    from tickets.models import Ticket

    mine = Ticket.objects.filter(requester__username=CUSTOMER).order_by("pk")
    numbers = list(mine.values_list("pk", flat=True))
    chosen = numbers[:: max(1, len(numbers) // CARDS)]
    return [reverse(url_name, args=[number]) for number in chosen]


def logged_in(username: str) -> str:
    """The cookie of a new session, with the idle time that its first page gives it.

    What a form saves is rolled back: each press would be the first one of its session.
    """
    from django.conf import settings
    from django.test import Client

    from accounts.models import User

    client, user = Client(), User.objects.get(username=username)
    client.force_login(user)
    if user.is_staff:
        session = client.session
        session.set_expiry(settings.STAFF_SESSION_AGE)
        session.save()
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def measure_page(page: str, product: Side, plain: dict[str, Side], requests: int) -> Row:
    sides = [product, *plain.values()]
    for number in range(max(WARM_UP, len(product.paths))):  # a card is marked as read but once
        bodies = [side.get(number) for side in sides]
    is_card = len(product.paths) > 1
    shown = [() if is_card else side.shown(body) for side, body in zip(sides, bodies, strict=True)]
    queries = [side.count_queries() for side in sides]
    for side in sides:
        side.wall.clear()
        side.cpu.clear()
    gc.collect()
    gc.freeze()
    for number in range(requests):
        for side in sides:
            side.get(number)
    return Row(
        page=page,
        p50=statistics.median(product.wall),
        p95=statistics.quantiles(product.wall, n=20)[-1],
        cpu=statistics.mean(product.cpu),
        queries=queries[0],
        size=len(bodies[0]),
        plain={
            name: Plain(statistics.mean(side.cpu), queries[place][0], shown[place] == shown[0])
            for place, (name, side) in enumerate(plain.items(), 1)
        },
    )


if __name__ == "__main__":
    main()
