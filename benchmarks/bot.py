#!/usr/bin/env python
"""Compare a step of the bot with an echo of python-telegram-bot over the same Bot API.

    .venv/bin/python benchmarks/bot.py --people 50 --steps 900 --latency 30 --rate 30

README.md beside this file says what the columns mean.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.bot_api_stub import FIRST_PERSON, Connection, Person, Step, Stub  # noqa: E402
from benchmarks.product import cpu_seconds, line, percentiles  # noqa: E402

NAME = "benchmark_bot"
HOST = "127.0.0.1"
START_LIMIT, STEP_LIMIT, STOP_LIMIT = 60.0, 30.0, 20.0  # seconds
SCRIPT = (
    Step(say="/start", answer="Открытых заявок"),
    Step(press="list", answer="Открытые заявки"),
    Step(press="card", answer="Продукт:"),
    Step(press="comments", answer="омментари"),
    Step(press="comment", answer="Напишите комментарий"),
    Step(say="Повторяется каждый день в девять утра.", answer="Комментарий добавлен"),
    Step(press="card", answer="Продукт:"),
    Step(press="list", answer="Открытые заявки"),
    Step(press="menu", answer="Открытых заявок"),
    Step(press="settings", answer="Аккаунт портала"),
    Step(press="menu", answer="Открытых заявок"),
    Step(press="new", answer="шаг 1 из 4"),
    Step(press="product", answer="шаг 2 из 4"),
    Step(say="Не открывается отчёт", answer="шаг 3 из 4"),
    Step(say="Белый экран после входа, в журнале ничего нет.", answer="шаг 4 из 4"),
    Step(say="Оставить пустым", answer="отправьте <b>Да</b>"),
    Step(say="Да", answer="создана</b>"),
    Step(press="card", answer="Продукт:"),
)
ECHO = (Step(say="Повторяется каждый день в девять утра.", answer="Повторяется"),)
HEADER = """\
| bot | load | steps | steps/s | CPU ms a step | calls a step | first answer p50 ms | p95 ms \
| database CPU ms a step |
| --- | --- | --: | --: | --: | --: | --: | --: | --: |"""


@dataclass
class Measured:
    """A load on a bot; times in milliseconds."""

    steps: int
    seconds: float
    calls: int
    waits: list[float]
    cpu: float
    database_cpu: float

    @property
    def a_step(self) -> float:
        return self.cpu / self.steps

    @property
    def a_second(self) -> float:
        return self.steps / self.seconds

    def cells(self) -> tuple[Any, ...]:
        p50, p95 = percentiles(self.waits, 50, 95)
        database = f"{self.database_cpu / self.steps:.2f}" if self.database_cpu else "–"
        return (
            self.steps, f"{self.a_second:.0f}", f"{self.a_step:.2f}",
            f"{self.calls / self.steps:.2f}", f"{p50:.0f}", f"{p95:.0f}", database,
        )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--steps", type=int, default=900, help="of each load and bot, 30 a person")
    parser.add_argument("--latency", type=float, default=30, help="of the Bot API, milliseconds")
    parser.add_argument("--rate", type=float, default=30, help="steps a second of the steady load")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--database", default=f"sqlite:///{ROOT / 'var'}", metavar="URL")
    options = parser.parse_args()
    with prepared_database(options) as environment:
        asyncio.run(compare(options, environment))


@contextmanager
def prepared_database(options: argparse.Namespace) -> Iterator[dict[str, str]]:
    """A database made anew with linked people; the environment of the bot that serves it."""
    from benchmarks.pages import SETTINGS, named_database

    with named_database(options.database, NAME, fresh=True) as url:
        environment = {**os.environ, **SETTINGS, "DATABASE_URL": url, "LOG_FORMAT": "text"}
        os.environ |= environment
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connections

        from operations.demo_data import create_demo_data

        call_command("migrate", verbosity=0)
        create_demo_data()
        create_people(options.people)
        connections.close_all()
        yield environment
        connections.close_all()


def create_people(count: int) -> None:
    from tests import factories
    from tickets.models import Product

    product = Product.objects.first()
    for number in range(count):
        user = factories.UserFactory(username=f"guest{number}")
        factories.MessengerAccountFactory(user=user, address=str(FIRST_PERSON + number))
        factories.open_ticket(user, product=product)


def forget_limits() -> None:
    """As if the loads before had been long ago: what a person may do in a minute or an hour."""
    from django.db.models import F

    from accounts.models import Usage
    from telegram_bot.models import Dialog
    from tickets.models import Ticket

    Usage.objects.all().delete()
    Dialog.objects.update(minute_at=None, minute_count=0)
    Ticket.objects.update(created_at=F("created_at") - timedelta(days=1))


def forget_dialogs() -> None:
    """No draft of an earlier round is left, whose question the script does not expect."""
    from telegram_bot.models import Dialog

    Dialog.objects.all().delete()


async def compare(options: argparse.Namespace, environment: dict[str, str]) -> None:
    """Product and echo in turn, each with both loads in every round."""
    runs: dict[str, list[list[Measured]]] = {"product": [], "echo": []}
    names = ("all at once", f"{options.rate:g} a second")
    print(HEADER)
    for _round in range(options.rounds):
        for bot in runs:
            loads = await measured(bot, options, environment)
            runs[bot].append(loads)
            for name, load in zip(names, loads, strict=True):
                print(line(bot, name, *load.cells()), flush=True)
    judge(options, *(list(zip(*runs[bot], strict=True)) for bot in ("product", "echo")))


def judge(
    options: argparse.Namespace, product: list[tuple[Measured, ...]], echo: list[Any]
) -> None:
    """The best round stands against the targets, and the cheapest echo, whatever its load."""
    fast, steady = product
    least = min(load.a_step for loads in echo for load in loads)
    print()
    for name, loads in (("all at once", fast), (f"{options.rate:g} a second", steady)):
        cpu = min(load.a_step for load in loads)
        say(f"CPU of a step ÷ echo, {name}", f"{cpu / least:.1f}", "at most 3", cpu <= 3 * least)
    most = max(load.a_second for load in fast)
    say("steps a second, all at once", f"{most:.0f}", "at least 120", most >= 120)
    p95 = min(percentiles(load.waits, 95)[0] for load in steady)
    limit = 2 * options.latency + 60
    say(f"p95 at {options.rate:g} a second", f"{p95:.0f} ms", f"at most {limit:g}", p95 <= limit)


def say(claim: str, value: str, target: str, is_met: bool) -> None:
    print(f"- {claim}: {value} ({target}): {'met' if is_met else 'MISSED'}")


async def measured(
    bot: str, options: argparse.Namespace, environment: dict[str, str]
) -> list[Measured]:
    """One bot, started for it: everybody writes upon the answer, then at a steady rate."""
    stub = Stub(options.latency / 1000)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(stub), HOST, 0)
    url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    stub.add_people(options.people, SCRIPT if bot == "product" else ECHO)
    if bot == "product":
        await asyncio.to_thread(forget_dialogs)
    with tempfile.TemporaryFile() as log:
        async with started(bot, url, environment, log) as process:
            try:
                await asyncio.wait_for(stub.polled.wait(), START_LIMIT)
            except TimeoutError:
                log.seek(0)
                raise SystemExit(f"{bot} does not start\n{log.read().decode()}") from None
            loads = []
            warm_up = (at_once, options.people)
            for load, steps in (warm_up, (at_once, options.steps), (steadily, options.steps)):
                if bot == "product":
                    await asyncio.to_thread(forget_limits)
                try:
                    loads.append(await watched(stub, process.pid, load(stub, steps, options)))
                except TimeoutError:
                    log.seek(0)
                    unheard = [person.awaited for person in stub.people.values() if person.awaited]
                    raise SystemExit(f"no answer: {unheard}\n{log.read().decode()}") from None
    server.close()
    return loads[1:]


@asynccontextmanager
async def started(
    bot: str, url: str, environment: dict[str, str], log: Any
) -> AsyncIterator[asyncio.subprocess.Process]:
    argv = {
        "product": [sys.executable, str(ROOT / "manage.py"), "runbot"],
        "echo": [sys.executable, str(Path(__file__).with_name("echo_bot.py")), url],
    }[bot]
    told = {"TELEGRAM_API_URL": url, "TELEGRAM_BOT_TOKEN": "42:benchmark"}
    process = await asyncio.create_subprocess_exec(
        *argv, env=environment | told, stdout=log, stderr=log
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):  # it may have ended by itself
            process.terminate()  # its last calls are answered meanwhile
        try:
            await asyncio.wait_for(process.wait(), STOP_LIMIT)
        except TimeoutError:
            process.kill()
            await process.wait()


async def watched(stub: Stub, pid: int, load: Coroutine[Any, Any, None]) -> Measured:
    cpu, database = cpu_seconds([pid]), await asyncio.to_thread(database_cpu)
    stub.reset()
    await load
    cpu, database = cpu_seconds([pid]) - cpu, await asyncio.to_thread(database_cpu) - database
    counted = stub.counted
    seconds = counted.ended - counted.begun
    waits = [wait * 1000 for wait in counted.waits]
    return Measured(counted.steps, seconds, counted.calls, waits, 1000 * cpu, 1000 * database)


# Loads


async def at_once(stub: Stub, steps: int, options: argparse.Namespace) -> None:
    """Everybody takes the next step when the one before is answered."""
    begun = heard = 0
    done = asyncio.Event()

    def go_on(person: Person) -> None:
        nonlocal begun
        if begun < steps:
            begun += 1
            person.act()

    def hear(person: Person) -> None:
        nonlocal heard
        heard += 1
        if heard == steps:
            done.set()
        go_on(person)

    stub.on_answer = hear
    for person in stub.people.values():
        go_on(person)
    await asyncio.wait_for(done.wait(), steps + STEP_LIMIT)  # a busy machine, too


async def steadily(stub: Stub, steps: int, options: argparse.Namespace) -> None:
    """A step every so often, whoever's turn it is, however slow the answers are."""
    idle: asyncio.Queue[Person] = asyncio.Queue()
    stub.on_answer = idle.put_nowait
    for person in stub.people.values():
        idle.put_nowait(person)
    begun = time.monotonic()
    for number in range(steps):
        await asyncio.sleep(begun + number / options.rate - time.monotonic())
        person = await asyncio.wait_for(idle.get(), STEP_LIMIT)
        person.act()
    for _person in stub.people:
        await asyncio.wait_for(idle.get(), STEP_LIMIT)


# CPU


def database_cpu() -> float:
    """Seconds of the bot's connections on the server; SQLite's are in the bot's own."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return cpu_seconds([pid for (pid,) in cursor.fetchall()])


if __name__ == "__main__":
    main()
