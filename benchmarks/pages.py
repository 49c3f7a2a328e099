#!/usr/bin/env python
"""Compare the portal's and the desk's pages with minimal Django views on the same rows.

    .venv/bin/python benchmarks/pages.py --sizes 1000,100000 --database postgres://…

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
from urllib.parse import urlencode, urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
WARM_UP = 10  # requests of each side that are not counted
CARDS = 20  # tickets whose cards take turns
WRITES = ("INSERT", "UPDATE", "DELETE")
LINK = re.compile(r'href="/\S*tickets?/(\d+)/')  # to a ticket, of the portal or of the desk
CUSTOMER, NOBODY, AGENT = "benchmark", "benchmark-empty", "benchmark-agent"  # of seed_tickets
SEARCHES = {"number": "7", "word": "сервер", "nothing": "барракуда"}  # at the desk
HEADER = """\
| page | rows in table | p50 ms | p95 ms | CPU ms | queries (writes) | bytes | minimal p50 ms \
| minimal CPU ms | minimal queries | bare CPU ms | CPU ratio |
| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |"""
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
        for row in measure_pages(options.measure, options.requests):
            print(json.dumps(asdict(row)), flush=True)
        return
    print(HEADER)
    for size in options.sizes:
        with own_database(options.database, size, fresh=options.fresh) as url:
            for row in measured_rows(url, size, options.requests):
                print(row.line(size), flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--sizes", default="1000,100000", type=lambda text: [int(size) for size in text.split(",")],
        help="numbers of tickets, with commas (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--requests", type=int, default=200, help="of each page and side")
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


def measured_rows(url: str, size: int, requests: int) -> "Iterator[Row]":
    """Measure in a process of its own: Django keeps to one database per process."""
    arguments = [sys.executable, __file__, f"--measure={size}", f"--requests={requests}"]
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

    def get(self, number: int) -> bytes:
        """One GET through a whole WSGI application in this process, timed to its end."""
        path, _mark, query = self.paths[number % len(self.paths)].partition("?")
        environ = {
            "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "127.0.0.1:8000", "HTTP_COOKIE": self.cookie, "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http", "wsgi.input": BytesIO(), "wsgi.errors": sys.stderr,
        }  # fmt: skip
        if self.token:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {self.token}"
        statuses: list[str] = []
        wall, cpu = time.perf_counter(), time.process_time()
        response = self.application(environ, lambda status, headers: statuses.append(status))
        body = b"".join(response)
        response.close()
        self.cpu.append(1000 * (time.process_time() - cpu))
        self.wall.append(1000 * (time.perf_counter() - wall))
        assert statuses == ["200 OK"], f"{path}: {statuses}"
        return body

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
class Row:
    """A line of the table; times in milliseconds."""

    page: str
    p50: float
    p95: float
    cpu: float
    queries: tuple[int, int]
    size: int  # bytes
    bare_cpu: float
    minimal_p50: float | None = None  # of a page that has a minimal view
    minimal_cpu: float | None = None
    minimal_queries: int | None = None
    same_tickets: bool = True

    def line(self, tickets: int) -> str:
        queries, writes = self.queries
        cells = (
            self.page + " (other tickets!)" * (not self.same_tickets), f"{tickets:,}",
            f"{self.p50:.1f}", f"{self.p95:.1f}", f"{self.cpu:.1f}", f"{queries} ({writes})",
            f"{self.size:,}", *self._minimal(), f"{self.bare_cpu:.1f}",
            f"{self.cpu / self.minimal_cpu:.1f}" if self.minimal_cpu else "–",
        )  # fmt: skip
        return f"| {' | '.join(map(str, cells))} |"

    def _minimal(self) -> tuple[object, ...]:
        if self.minimal_cpu is None:
            return "–", "–", "–"
        return f"{self.minimal_p50:.1f}", f"{self.minimal_cpu:.1f}", self.minimal_queries


def measure_pages(size: int, requests: int) -> Iterator[Row]:
    import django

    warnings.filterwarnings("ignore", message="No directory at")  # of collected static files
    django.setup()
    prepare_database(size)

    from django.core.wsgi import get_wsgi_application
    from django.urls import reverse

    from benchmarks import minimal

    applications = (get_wsgi_application(), minimal.application())
    tickets, desk = reverse("ticket_list"), reverse("admin:tickets_ticket_changelist")
    for page, username, paths in (
        ("list, open", CUSTOMER, [tickets]),
        ("list, closed", CUSTOMER, [f"{tickets}?tab=closed"]),
        ("list, awaiting", CUSTOMER, [f"{tickets}?tab=awaiting"]),
        ("list, no tickets", NOBODY, [tickets]),
        ("card", CUSTOMER, cards("ticket_detail")),
        ("desk, list", AGENT, [desk]),
        ("desk, card", AGENT, cards("admin:tickets_ticket_change")),
        *((f"desk, search: {what}", AGENT, [f"{desk}?{urlencode({'q': words})}"])
          for what, words in SEARCHES.items()),
    ):  # fmt: skip
        cookie = logged_in(username)
        product, minimal = (Side(application, cookie, paths) for application in applications)
        bare = Side(applications[1], cookie, ["/bare/"])
        has_minimal = not page.startswith(("desk, card", "desk, search"))
        yield measure_page(page, product, minimal if has_minimal else None, bare, requests)


def cards(url_name: str) -> list[str]:
    """Cards of the benchmark customer's tickets, spread over the two years."""
    from django.urls import reverse

    from tickets.models import Ticket

    mine = Ticket.objects.filter(requester__username=CUSTOMER).order_by("pk")
    numbers = list(mine.values_list("pk", flat=True))
    chosen = numbers[:: max(1, len(numbers) // CARDS)]
    return [reverse(url_name, args=[number]) for number in chosen]


def logged_in(username: str) -> str:
    """The cookie of a new session."""
    from django.conf import settings
    from django.test import Client

    from accounts.models import User

    client = Client()
    client.force_login(User.objects.get(username=username))
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def measure_page(page: str, product: Side, minimal: Side | None, bare: Side, requests: int) -> Row:
    sides = [side for side in (product, minimal, bare) if side]
    for number in range(WARM_UP):
        bodies = [side.get(number) for side in sides]
    queries = product.count_queries()
    minimal_queries, _writes = minimal.count_queries() if minimal else (None, None)
    for side in sides:
        side.wall.clear()
        side.cpu.clear()
    gc.collect()
    gc.freeze()
    for number in range(requests):
        for side in sides:
            side.get(number)
    row = Row(
        page=page,
        p50=statistics.median(product.wall),
        p95=statistics.quantiles(product.wall, n=20)[-1],
        cpu=statistics.mean(product.cpu),
        queries=queries,
        size=len(bodies[0]),
        bare_cpu=statistics.mean(bare.cpu),
    )
    if minimal:
        is_card = len(product.paths) > 1
        row.minimal_p50 = statistics.median(minimal.wall)
        row.minimal_cpu = statistics.mean(minimal.cpu)
        row.minimal_queries = minimal_queries
        row.same_tickets = is_card or linked_tickets(bodies[0]) == linked_tickets(bodies[1])
    return row


def linked_tickets(body: bytes) -> set[str]:
    return set(LINK.findall(body.decode()))


if __name__ == "__main__":
    main()
