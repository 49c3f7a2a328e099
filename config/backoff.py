"""How long to wait after a failure, for everything that tries again.

A clock may be set back. No wait is then longer than its own length: whatever is due later than
any wait could have put it was planned by the clock of before, and counts as due.
"""

from datetime import datetime, timedelta

from django.db.models import Q

CLOCK_SKEW = timedelta(seconds=5)  # by which the clocks of two hosts may differ
MOST_DOUBLINGS = 20  # twelve days; more would only make the number too large


def backoff(attempts: int, *, longest: timedelta = timedelta(minutes=5)) -> timedelta:
    """The wait after so many failed attempts: 2, 4, 8 … seconds, at most `longest`."""
    return min(longest, timedelta(seconds=2 ** min(attempts, MOST_DOUBLINGS)))


def is_due(field: str, now: datetime, *, longest: timedelta) -> Q:
    """Rows whose time has come, or lies further ahead than the `longest` wait there is."""
    return Q(**{f"{field}__lte": now}) | Q(**{f"{field}__gt": now + longest + CLOCK_SKEW})
