"""Telegram's flood limits as token buckets."""

import math
from collections.abc import Callable

from sandbox.errors import TelegramError

OVERALL = (30.0, 30.0)  # how many at once, how many a second
PRIVATE = (20.0, 1.0)
GROUP = (20.0, 20 / 60)


def too_many(seconds: int) -> TelegramError:
    return TelegramError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


class Limits:
    def __init__(self, clock: Callable[[], float], *, enabled: bool) -> None:
        self._clock = clock
        self._enabled = enabled
        self._levels: dict[int, tuple[float, float]] = {}  # tokens left, at what time

    def clear(self) -> None:
        self._levels.clear()

    def take(self, chat_id: int, *, private: bool, cost: int = 1) -> None:
        """Pay for messages to a chat, or raise 429 and pay nothing."""
        if not self._enabled:
            return
        buckets = [(0, OVERALL), (chat_id, PRIVATE if private else GROUP)]
        lack = max(self._lack(key, bucket, cost) for key, bucket in buckets)
        if lack > 0:
            raise too_many(math.ceil(lack))
        for key, bucket in buckets:
            self._levels[key] = (self._level(key, bucket) - cost, self._clock())

    def _level(self, key: int, bucket: tuple[float, float]) -> float:
        size, speed = bucket
        level, at = self._levels.get(key, (size, 0.0))
        return min(size, level + (self._clock() - at) * speed)

    def _lack(self, key: int, bucket: tuple[float, float], cost: int) -> float:
        """Seconds until the bucket holds the cost."""
        return (cost - self._level(key, bucket)) / bucket[1]
