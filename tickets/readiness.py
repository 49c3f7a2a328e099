"""Whether the product works: what /readyz answers with, and what the desk's overview shows."""

from datetime import datetime, timedelta

from django.db.models import CharField, Func
from django.utils import timezone

from accounts.linking import are_pin_mails_late
from tickets.channels import LAG
from tickets.delivery import channels
from tickets.leases import process_name
from tickets.models import Delivery, Lease
from tickets.queries import COUNTED

# Rows of the table of leases that nobody holds: when something was last done, and by whom
READINESS, WORKER = "readiness", "worker"
WORKER_SILENT_FOR = timedelta(minutes=2)  # it stamps every minute, give or take half of one


def stamp_worker() -> None:
    """A task of every minute: a worker that is stopped, or works no more, leaves no stamp."""
    now = {"owner": process_name(), "until": timezone.now()}
    if not Lease.objects.filter(pk=WORKER).update(**now):
        Lease.objects.update_or_create(name=WORKER, defaults=now)


def stamp_look() -> None:
    """Write: a database that can only be read looks well until it is written to.

    In a new installation the worker's time counts from the first look.
    """
    now = {"owner": process_name(), "until": timezone.now()}
    if not Lease.objects.filter(pk=READINESS).update(**now):
        first = [Lease(name=name, **now) for name in (READINESS, WORKER)]
        Lease.objects.bulk_create(first, ignore_conflicts=True)


def worker_seen_at() -> datetime | None:
    return Lease.objects.filter(pk=WORKER).values_list("until", flat=True).first()


def is_worker_silent() -> bool:
    """The queue cannot tell: a cluster whose workers died takes its tasks again and again."""
    seen_at = worker_seen_at()
    return seen_at is not None and is_silent(seen_at)


def is_silent(seen_at: datetime) -> bool:
    return seen_at < timezone.now() - WORKER_SILENT_FOR


def problems() -> list[str]:
    """What keeps the product from working, for programs; it only reads."""
    found = [problem for channel in channels().values() for problem in channel.problems()]
    if are_pin_mails_late(timezone.now() - LAG):
        found.append("PIN mails overdue")
    if is_worker_silent():
        found.append("worker not running")
    return found


def count_undelivered(since: datetime) -> int:
    """Messages from then on that were given up, to one more than COUNTED."""
    failed = Func(template=f"'{Delivery.State.FAILED.value}'", output_field=CharField())
    rows = Delivery.objects.filter(state=failed, created_at__gte=since).order_by("created_at")
    return len(rows.values("pk")[: COUNTED + 1])
