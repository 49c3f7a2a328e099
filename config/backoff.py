"""How long to wait after a failure, for everything that tries again."""

from datetime import timedelta

MOST_DOUBLINGS = 20  # twelve days; more would only make the number too large


def backoff(attempts: int, *, longest: timedelta = timedelta(minutes=5)) -> timedelta:
    """The wait after so many failed attempts: 2, 4, 8 … seconds, at most `longest`."""
    return min(longest, timedelta(seconds=2 ** min(attempts, MOST_DOUBLINGS)))
