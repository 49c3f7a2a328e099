#!/usr/bin/env python
"""Measure a large file on a slow link to Telegram, and the letters of others beside it.

    .venv/bin/python benchmarks/link.py --megabytes 15 --speed 400000

README.md beside this file says what the columns mean.
"""

import argparse
import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.product import cpu_seconds, line, percentiles, product  # noqa: E402
from tests.journeys.door import pass_on  # noqa: E402

if TYPE_CHECKING:
    from tests.journeys.processes import Processes

EVERY = 1.0  # seconds between two letters
TELEGRAM_IDS = {"anna": 510_000_001, "boris": 510_000_002}
MEGABYTE = 1_000_000
HEADER = """\
| MB | bytes a second | arrived after s | of the link's own time | letters meanwhile | p50 s \
| p95 s | most s | CPU s of the worker |
| --: | --: | --: | --: | --: | --: | --: | --: | --: |"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=15)
    parser.add_argument("--speed", type=int, default=400_000, help="bytes a second")
    parser.add_argument("--limit", type=float, default=300, help="seconds until it gives up")
    parser.add_argument("--database", default=f"sqlite:///{ROOT / 'var'}", metavar="URL")
    options = parser.parse_args()
    size = options.megabytes * MEGABYTE
    with product(options.database) as processes:
        server = urlsplit(processes.sandbox.url).netloc
        with slow_link(server, options.speed) as url:
            processes.stop("worker")
            worker = processes.children["worker"]
            worker.env = {**worker.env, "TELEGRAM_API_URL": url}
            processes.start("worker")
            seconds, waits, cpu = measure(processes, size, options.limit)
    print(HEADER)
    print(line(
        options.megabytes, f"{options.speed:,}", f"{seconds:.1f}",
        f"{seconds / (size / options.speed):.2f}", len(waits),
        *(f"{value:.2f}" for value in (*percentiles(waits, 50, 95), max(waits))), f"{cpu:.1f}",
    ))  # fmt: skip


def measure(processes: "Processes", size: int, limit: float) -> tuple[float, list[float], float]:
    """Seconds until the file is there, waits of letters meanwhile, CPU seconds of the worker."""
    from accounts.models import User
    from operations.demo_data import ANNA, BORIS, IGOR
    from tests import factories
    from tickets.comments import add_comment
    from tickets.models import Attachment
    from tickets.recording import agent

    people = {one.username: User.objects.get(username=one.username) for one in (ANNA, BORIS, IGOR)}
    sandbox = processes.sandbox
    for name, number in TELEGRAM_IDS.items():
        factories.MessengerAccountFactory(user=people[name], address=str(number))
        sandbox.start(name)
        sandbox.wait_for(name, "Открытых заявок")
    own = factories.TicketFactory(requester=people["boris"])
    sandbox.send("boris", str(own.pk))
    card = sandbox.wait_for("boris", f"№ {own.pk}")
    other = factories.TicketFactory(requester=people["anna"])

    content = b"14:20 replica: connection refused\n" * (size // 34)
    before, begun, asked = cpu_seconds(processes.pids("worker")), time.time(), []
    sandbox.files("boris", ("a.log", content), caption="Журнал", reply_to=card["message_id"])
    ready = Attachment.objects.filter(ticket=own, state=Attachment.State.READY)
    while not ready.exists():
        if time.time() - begun > limit:
            raise SystemExit("The file has not arrived.")
        asked.append((f"Ответ {len(asked)}.", time.time()))
        add_comment(ticket=other, actor=agent(people["igor"]), body=asked[-1][0])
        time.sleep(EVERY)
    seconds = time.time() - begun
    cpu = cpu_seconds(processes.pids("worker")) - before
    for words, _at in asked:
        sandbox.wait_for_mail(words)
    return seconds, [arrived(sandbox.mail(), words) - at for words, at in asked], cpu


def arrived(letters: list[dict[str, Any]], words: str) -> float:
    return min(row["at"] for row in letters if words in row["text"])


# The link


@contextmanager
def slow_link(server: str, speed: int) -> Iterator[str]:
    """The address of a link to a server that carries so many bytes a second from it to us."""
    host, _colon, port = server.partition(":")
    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(listen(host, int(port), speed))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    own_port = listening.sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{own_port}"
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left))
    loop.close()


async def listen(host: str, port: int, speed: int) -> asyncio.Server:
    """All connections share the link: one piece is under way at a time."""
    link = asyncio.Lock()

    async def let_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await asyncio.open_connection(host, port)
        slow = Slow(writer, speed, link)
        await asyncio.gather(pass_on(reader, to_there), pass_on(there, slow))

    return await asyncio.start_server(let_in, "127.0.0.1", 0)


class Slow:
    """Of a writer as much as `pass_on` asks for: what was written takes the time of the link."""

    def __init__(self, writer: asyncio.StreamWriter, speed: int, link: asyncio.Lock) -> None:
        self.writer, self.speed, self.link = writer, speed, link
        self.size = 0
        self.close = writer.close

    def write(self, data: bytes) -> None:
        self.size = len(data)
        self.writer.write(data)

    async def drain(self) -> None:
        async with self.link:
            await asyncio.sleep(self.size / self.speed)
        await self.writer.drain()


if __name__ == "__main__":
    main()
