from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

from django.db import connections


def in_parallel(*calls: Callable[[], Any]) -> list[Any]:
    """Start all calls at one moment, each in its thread; what each returned or raised, in order.

    The rows they use must be committed: the test needs a transactional database.
    """
    barrier = Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        try:
            barrier.wait(60)  # a busy machine is slow to start twenty
            results[place] = call()
        except Exception as error:
            results[place] = error
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=(place, call)) for place, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
