"""How often a program may call: counted in the cache, which processes share if it is shared.

The headers are those of draft-ietf-httpapi-ratelimit-headers.
"""

import logging
from dataclasses import dataclass

from django.core.cache import cache
from django.utils import timezone

logger = logging.getLogger(__name__)

WINDOW = 60  # seconds; windows begin with the minute, so that nobody waits longer than one


@dataclass(frozen=True)
class Limit:
    name: str
    calls: int  # in a window


ANONYMOUS = Limit("anonymous", 20)  # of an address; wrong tokens count here
USER = Limit("user", 120)  # of a token, or of a person with a session


@dataclass(frozen=True)
class Count:
    limit: Limit
    used: int
    seconds: int  # until the window ends

    @property
    def is_over(self) -> bool:
        return self.used > self.limit.calls

    @property
    def headers(self) -> dict[str, str]:
        name, left = self.limit.name, max(0, self.limit.calls - self.used)
        return {
            "RateLimit-Policy": f'"{name}";q={self.limit.calls};w={WINDOW}',
            "RateLimit": f'"{name}";r={left};t={self.seconds}',
        }


def count_call(limit: Limit, whose: str) -> Count | None:
    """One more call; None where the cache is away: it is better to answer than to guard."""
    now = int(timezone.now().timestamp())
    key = f"api-{limit.name}-{whose}-{now // WINDOW}"
    try:
        cache.add(key, 0, timeout=2 * WINDOW)
        used = cache.incr(key)
    except ValueError:  # the key has just expired
        used = 1
    except Exception:  # of whatever client the cache has
        logger.exception("calls of the API are not counted: the cache is away")
        return None
    return Count(limit, used, WINDOW - now % WINDOW)
