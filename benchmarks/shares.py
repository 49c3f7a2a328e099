#!/usr/bin/env python
"""Measure what each feature adds to the memory of a process that loads it.

    .venv/bin/python benchmarks/shares.py

README.md beside this file says what the columns mean.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.pages import SETTINGS  # noqa: E402
from benchmarks.product import line  # noqa: E402

# What is loaded one after the other, and by which processes
STEPS = {
    "Django, all apps with their tables, the desk's admin": ("", "bot, web, worker"),
    "mail": ("mail.channel", "bot, web, worker"),
    "Telegram: the channel, with its library": ("telegram_bot.channel", "bot, web, worker"),
    "webhooks": ("webhooks.channel", "bot, web, worker"),
    "the bot's screens": ("telegram_bot.application", "bot"),
    "portal": ("portal.urls", "web"),
    "API": ("api.urls", "web"),
    "tasks of every minute": ("operations.tasks", "worker"),
}
LOAD = """\
import gc, sys, importlib, warnings
warnings.simplefilter("ignore")
import django
django.setup()
for name in sys.argv[1:]:
    importlib.import_module(name)
gc.collect()
print(flush=True)
sys.stdin.read()
"""
HEADER = """\
| feature | loaded by | MiB more |
| --- | --- | --: |"""


def main() -> None:
    print(HEADER)
    loaded: list[str] = []
    before = 0.0
    for feature, (module, processes) in STEPS.items():
        loaded += [module] if module else []
        now = memory_of(loaded)
        print(line(feature, processes, f"{now - before:.1f}"), flush=True)
        before = now


def memory_of(modules: list[str]) -> float:
    """MiB of its own, without the files it maps, of a process that has loaded these."""
    env = os.environ | SETTINGS | {"DATABASE_URL": "sqlite://:memory:"}
    argv = [sys.executable, "-c", LOAD, *modules]
    with subprocess.Popen(
        argv, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        found = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
        process.stdin.close()
    own = next(row for row in found.splitlines() if row.startswith("Anonymous:"))
    return int(own.split()[1]) / 1024


if __name__ == "__main__":
    main()
