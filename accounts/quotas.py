"""How much a person may do in a while, whatever the face: counted with the change itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.models import Usage, User
from config.backoff import CLOCK_SKEW
from config.compiled import Compiled
from config.numerals import time_span

ROWS_A_CALL = 1000  # more than a minute brings, too few to hold anybody up


class QuotaReached(Exception):
    """The person may go on after `wait`. `str()` is for people."""

    code: ClassVar[str] = "quota_reached"
    words: ClassVar[Any] = gettext_lazy("Слишком много сразу. Попробуйте снова через %(wait)s.")

    def __init__(self, wait: timedelta) -> None:
        self.wait = wait

    def __str__(self) -> str:
        return str(self.words) % {"wait": time_span(self.seconds)}

    @property
    def seconds(self) -> int:
        return max(1, ceil(self.wait.total_seconds()))


class TooManyChanges(QuotaReached):
    code = "too_many_changes"
    words = gettext_lazy("Слишком много изменений подряд. Попробуйте снова через %(wait)s.")


@dataclass(frozen=True)
class Quota:
    """So much of a kind within a span, which begins with the first use."""

    kind: str
    limit: int
    span: timedelta
    refusal: type[QuotaReached]


MINUTE = timedelta(minutes=1)
CHANGES = Quota("changes", 30, MINUTE, TooManyChanges)
AGENT_CHANGES = Quota("changes", 300, MINUTE, TooManyChanges)  # of who serves others
LONGEST_SPAN = timedelta(days=1)


def use(user: User, quota: Quota, amount: int = 1) -> None:
    """Count what the caller's transaction does, or raise the quota's refusal.

    The count stands only when that transaction does. Its row stays locked until then: take it
    after the person's own row and before any ticket's.
    """
    row = _lock(user, quota.kind)
    now = timezone.now()
    if not _is_running(row, quota, now):
        row.since, row.used = now, 0
    if row.used + amount > quota.limit:
        raise quota.refusal(min(quota.span, row.since + quota.span - now))
    row.used += amount
    row.save(update_fields=["since", "used"])


def count_change(user: User, by: User | None = None) -> None:
    """One change of a person's own, or of the agent it is done `by`. Raises TooManyChanges."""
    if by is None or by == user:
        use(user, CHANGES)
    else:
        use(by, AGENT_CHANGES)


def _lock(user: User, kind: str) -> Usage:
    row = _LOCKED.first(user.pk, kind)
    if row is None:
        Usage.objects.bulk_create([Usage(user=user, kind=kind)], ignore_conflicts=True)
        row = next(_LOCKED.rows(user.pk, kind))
    return row


def _locked(user: int, kind: str) -> QuerySet[Usage]:
    return Usage.objects.select_for_update().filter(user=user, kind=kind).order_by()


_LOCKED = Compiled(_locked, int, str)


def _is_running(row: Usage, quota: Quota, now: datetime) -> bool:
    """Not when it began in the future: the clock went back, and a wait keeps its own length."""
    return now - quota.span < row.since <= now + CLOCK_SKEW


def delete_old_usage() -> None:
    """Delete some of the counts that are too old to count for any quota."""
    now = timezone.now()
    old = Usage.objects.filter(Q(since__lt=now - LONGEST_SPAN) | Q(since__gt=now + LONGEST_SPAN))
    keys = list(old.values_list("pk", flat=True)[:ROWS_A_CALL])
    old.filter(pk__in=keys).delete()  # asked again: one may have begun anew meanwhile
