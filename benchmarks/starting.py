#!/usr/bin/env python
"""Measure how long `./run` takes until all is ready, where it has run before.

    .venv/bin/python benchmarks/starting.py --starts 3

README.md beside this file says what the columns mean.
"""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.product import line  # noqa: E402

LIMIT = 180.0  # seconds for one start
READY = re.compile(r"Готово за ([\d,]+) с")
UNSET = "DATABASE_URL", "TELEGRAM_BOT_TOKEN", "PORTAL_URL", "SECRET_KEY"
HEADER = """\
| start | ready after s | said by `./run` itself | CPU s until the end | ended after s |
| --: | --: | --: | --: | --: |"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--starts", type=int, default=3, help="after a first one, which is not told"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        make_clone(clone)
        print(HEADER)
        for number in range(options.starts + 1):
            row = start_once(clone)
            if number:  # the first makes the database and collects the pages' files
                print(line(number, *row), flush=True)


def make_clone(clone: Path) -> None:
    """What is committed, with the environment of this folder."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)  # noqa: S607
    environment = (ROOT / ".venv").resolve()
    (clone / ".venv").mkdir()
    for part in environment.iterdir():
        if not part.name.startswith("installed-"):
            (clone / ".venv" / part.name).symlink_to(part)
    for name in ("requirements.txt", "requirements-sandbox.txt"):  # so that nothing is installed
        with (clone / name).open("rb") as wanted:
            said = subprocess.run(
                ["cksum"],  # noqa: S607
                stdin=wanted,
                capture_output=True,
                check=True,
                text=True,
            )
        (clone / ".venv" / f"installed-{name}").write_text(said.stdout)


def start_once(clone: Path) -> tuple[str, str, str, str]:
    """Start, wait until it is ready, end it as Ctrl+C does."""
    options = ("--port", "--sandbox-port", "--smtp-port")
    argv = ["./run", *map("{}={}".format, options, free_ports(len(options)))]
    env = {name: value for name, value in os.environ.items() if name not in UNSET}
    before, begun = os.times(), time.monotonic()
    with subprocess.Popen(
        argv, cwd=clone, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        watchdog = threading.Timer(LIMIT, run.terminate)
        watchdog.start()
        assert run.stdout
        said = ""
        while not (found := READY.search(said)):
            text = run.stdout.readline()
            if not text:
                raise SystemExit(f"It did not start:\n{said}")
            said += text
        told = time.monotonic()
        run.send_signal(signal.SIGINT)
        run.communicate()
        watchdog.cancel()
    ended, after = time.monotonic(), os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return f"{told - begun:.1f}", found[1], f"{cpu:.1f}", f"{ended - told:.1f}"


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _number in range(count)]
        for place in sockets:
            place.bind(("127.0.0.1", 0))
        return [place.getsockname()[1] for place in sockets]


if __name__ == "__main__":
    main()
