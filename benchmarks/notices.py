#!/usr/bin/env python
"""Measure a wave of notices to many chats beside the product's own pace, and who waits meanwhile.

    .venv/bin/python benchmarks/notices.py --notices 2000 --chats 500 --database postgres://…

README.md beside this file says what the columns mean.
"""

import argparse
import random
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.product import Calls, cpu_seconds, line, percentiles, product  # noqa: E402

if TYPE_CHECKING:
    from tests.journeys.processes import Processes
    from tests.local_telegram import Sandbox
    from tickets.models import Ticket

FIRST_ID = 530_000_000  # telegram ids: those who hear, who write and who ask for a PIN
WRITERS, WRITERS_FROM = 20, FIRST_ID + 100_000
ASKERS_FROM = FIRST_ID + 200_000
OF_AN_AGENT = 100  # notices, which is less than one may say in a minute
TICK = 0.5  # seconds; the bot is asked something each time
TICKS_TO_A_PIN = 10
MIDDLE = 0.1, 0.9  # of the notices: without the start and the end
WORDS = re.compile(r"Ответ (\d+)\b")
PROCESSES = ("web", "worker", "bot")
HEADER = """\
| notices | chats | letters | a second, whole | a second, middle | of the pace | 429 | lost \
| twice | out of order | answers p50 s | p95 s | most | PIN mails p50 s | most s | CPU s |
| --: | --: | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--notices", type=int, default=2000)
    parser.add_argument("--chats", type=int, default=500)
    parser.add_argument("--letters", action="store_true", help="each notice by mail as well")
    parser.add_argument("--limit", type=float, default=600, help="seconds until it gives up")
    parser.add_argument("--database", default=f"sqlite:///{ROOT / 'var'}", metavar="URL")
    options = parser.parse_args()
    if options.notices % options.chats:
        parser.error("--notices must be a multiple of --chats")
    with product(options.database) as processes:
        tickets = gather_hearers(processes.sandbox, options.chats, letters=options.letters)
        gather_writers(processes.sandbox)
        processes.stop("worker")
        say_all(tickets, options.notices // options.chats)
        analyze()
        report(options, *measure(processes, options.notices, options.limit))


# People


def gather_hearers(sandbox: "Sandbox", count: int, *, letters: bool) -> "list[Ticket]":
    """The tickets of so many linked people, one each."""
    from tests import factories
    from tickets.models import NoticePreference

    users = people("hearer", count)
    topics = NoticePreference.Topic.ANSWERS, NoticePreference.Topic.STATUS
    NoticePreference.objects.bulk_create(
        NoticePreference(user=user, topic=topic, by_chat=True, by_mail=letters)
        for user in users
        for topic in topics
    )
    product = factories.ProductFactory()
    for number, user in enumerate(users):
        link(sandbox, user, FIRST_ID + number)
    return [factories.TicketFactory(requester=user, product=product) for user in users]


def gather_writers(sandbox: "Sandbox") -> None:
    for number, user in enumerate(people("writer", WRITERS)):
        link(sandbox, user, WRITERS_FROM + number)


def people(word: str, count: int) -> list[Any]:
    from accounts.models import User

    names = [f"{word}{number}" for number in range(count)]
    return User.objects.bulk_create(
        User(username=name, email=f"{name}@example.com", first_name="Участник") for name in names
    )


def link(sandbox: "Sandbox", user: Any, telegram_id: int) -> None:
    from tests import factories

    factories.BotRegistrationFactory(user=user)
    factories.MessengerAccountFactory(user=user, address=str(telegram_id))
    sandbox.meet(user.username, telegram_id, started=True)


def newcomer(sandbox: "Sandbox", number: int) -> str:
    """Somebody who is registered on the portal and asks the bot for the PIN next."""
    from tests import factories

    phone = f"+7955{number:07}"
    name = f"asker{number}"
    user = factories.UserFactory(username=name, email=f"{name}@example.com", password=None)
    factories.BotRegistrationFactory(user=user, phone=phone)
    sandbox.meet(name, ASKERS_FROM + number, phone=phone)
    sandbox.start(name)
    return name


# The wave


def say_all(tickets: "list[Ticket]", each: int) -> None:
    """What makes the notices, while nobody sends them."""
    from tests import factories
    from tickets.comments import add_comment
    from tickets.recording import agent

    said = [(ticket, f"Ответ {number}") for number in range(each) for ticket in tickets]
    count = -(-len(said) // OF_AN_AGENT)
    agents = factories.SpecialistFactory.create_batch(count, password=None)
    for number, (ticket, words) in enumerate(said):
        add_comment(ticket=ticket, actor=agent(agents[number // OF_AN_AGENT]), body=words)


def analyze() -> None:
    """As PostgreSQL does by itself within a minute: this database is new, and knows no numbers."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def measure(
    processes: "Processes", notices: int, limit: float
) -> tuple[Calls, list[float], list[float], float]:
    """The calls of the bot; how long answers and PIN mails took; the CPU of all in seconds."""
    sandbox, calls = processes.sandbox, Calls(processes.sandbox)
    asked: list[tuple[int, float]] = []
    pins: list[tuple[str, float]] = []
    before = cpu_seconds(processes.pids("web", "bot"))
    processes.launch("worker")
    for tick in ticks(limit):
        calls.look()
        so_far = sum(1 for row in calls.rows if heard(row))
        if so_far >= notices:
            break
        if not so_far:  # the worker starts
            continue
        chat = WRITERS_FROM + tick % WRITERS
        asked.append((chat, time.time()))
        sandbox.send(f"writer{tick % WRITERS}", "/help")
        if tick % TICKS_TO_A_PIN == 0:
            name = newcomer(sandbox, tick)
            pins.append((f"{name}@example.com", time.time()))
            sandbox.contact(name)
    time.sleep(5)  # the last answers and letters
    calls.look()
    cpu = cpu_seconds(processes.pids(*PROCESSES)) - before
    answers = [first_after(calls.messages_to(chat, at), at) for chat, at in asked]
    letters = sandbox.mail()
    mailed = [
        first_after([row for row in letters if email in row["to"] and row["at"] > at], at)
        for email, at in pins
    ]
    return calls, answers, mailed, cpu


def ticks(limit: float) -> Iterator[int]:
    """Numbers, one each `TICK` or so, for no longer than that."""
    end = time.monotonic() + limit
    number = 0
    while time.monotonic() < end:
        yield number
        number += 1
        time.sleep(TICK * random.uniform(0.8, 1.2))  # noqa: S311


def heard(row: dict[str, Any]) -> int | None:
    """The chat that a notice of ours has reached by this call, if it is one."""
    if row["method"] != "sendMessage" or row["status"] != 200:
        return None
    is_ours = WORDS.search(str(row["params"]["text"]))
    return int(row["params"]["chat_id"]) if is_ours else None


def first_after(rows: list[dict[str, Any]], since: float) -> float:
    return min((row["at"] - since for row in rows), default=float("inf"))


# Telling


def report(
    options: argparse.Namespace,
    calls: Calls,
    answers: list[float],
    mailed: list[float],
    cpu: float,
) -> None:
    from telegram_bot.sending import MESSAGES_A_SECOND

    sent = [row for row in calls.rows if heard(row)]
    whole = rate(sent)
    middle = rate(sent[int(len(sent) * MIDDLE[0]) : int(len(sent) * MIDDLE[1])])
    told: dict[int, list[int]] = {}
    for row in sent:
        number = WORDS.search(row["params"]["text"])
        assert number
        told.setdefault(int(row["params"]["chat_id"]), []).append(int(number[1]))
    different = sum(len(set(numbers)) for numbers in told.values())
    unordered = sum(numbers != sorted(numbers) for numbers in told.values())
    refused = sum(row["status"] == 429 for row in calls.rows)
    print(HEADER)
    print(line(
        options.notices, options.chats, "yes" if options.letters else "no",
        f"{whole:.1f}", f"{middle:.1f}", f"{middle / MESSAGES_A_SECOND:.3f}", refused,
        options.notices - different, len(sent) - different, unordered,
        *(f"{value:.2f}" for value in (*percentiles(answers, 50, 95), max(answers))),
        *(f"{value:.2f}" for value in (*percentiles(mailed, 50), max(mailed))), f"{cpu:.0f}",
    ))  # fmt: skip


def rate(rows: list[dict[str, Any]]) -> float:
    return (len(rows) - 1) / (rows[-1]["at"] - rows[0]["at"])


if __name__ == "__main__":
    main()
