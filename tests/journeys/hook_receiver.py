"""A receiver that can be killed: `python -m tests.journeys.hook_receiver PORT FILE`.

It spoils up to two requests of each event, by its id: it answers 500, hangs, resets, redirects. It
writes down each request before it answers, a line each, and knows them again after a kill.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from threading import Lock

from tests.webhooks.receiver import Behaviour, Handler, Received, Receiver, code, hang, reset

FAULTS = (code(500), reset, code(302, Location="/elsewhere"))


class Book:
    def __init__(self, path: Path) -> None:
        lines = path.read_text().splitlines()
        self.spoiled = Counter(one["id"] for one in map(json.loads, lines) if one["spoiled"])
        self.file = path.open("a")
        self.lock = Lock()

    def take(self, handler: Handler, one: Received) -> None:
        with self.lock:
            fault = self._fault(one.id)
            line = {"id": one.id, "spoiled": fault is not None}
            line |= {"headers": one.headers, "body": one.body.decode()}
            self.file.write(f"{json.dumps(line)}\n")
            self.file.flush()
        (fault or code(204))(handler, one)

    def _fault(self, webhook_id: str) -> Behaviour | None:
        times, kind = (int(digit, 16) for digit in webhook_id[-2:])
        if self.spoiled[webhook_id] >= times % 3:
            return None
        self.spoiled[webhook_id] += 1
        return FAULTS[(kind + self.spoiled[webhook_id]) % 3] if kind else hang


class Always(list):
    """A plan that never ends."""

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__([behaviour])

    def pop(self, _index=0):
        return self[0]


if __name__ == "__main__":
    receiver = Receiver(int(sys.argv[1]))
    receiver.plan = Always(Book(Path(sys.argv[2])).take)
    receiver.ended.wait()
