"""A receiver that can be killed: `python -m tests.journeys.hook_receiver PORT FILE`.

Of ten requests it spoils four: it answers 500, hangs, resets, redirects. What it takes it writes
down before it answers, a line each.
"""

import itertools
import json
import sys
from threading import Lock

from tests.webhooks.receiver import Handler, Received, Receiver, code, hang, reset

FAULTS = {1: code(500), 3: hang, 5: reset, 7: code(302, Location="/elsewhere")}


class Book:
    def __init__(self, path: str) -> None:
        self.file = open(path, "a")  # noqa: SIM115 - as long as the process
        self.lock = Lock()
        self.numbers = itertools.count()

    def take(self, handler: Handler, one: Received) -> None:
        if fault := FAULTS.get(next(self.numbers) % 10):
            fault(handler, one)
            return
        line = json.dumps({"headers": one.headers, "body": one.body.decode()})
        with self.lock:
            self.file.write(f"{line}\n")
            self.file.flush()
        code(204)(handler, one)


class Always(list):  # type: ignore[type-arg]
    """A plan that never ends."""

    def __init__(self, behaviour) -> None:
        super().__init__([behaviour])

    def pop(self, _index=0):
        return self[0]


if __name__ == "__main__":
    receiver = Receiver(int(sys.argv[1]))
    receiver.plan = Always(Book(sys.argv[2]).take)
    receiver.ended.wait()
