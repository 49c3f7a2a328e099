"""The right of one process to do one thing for a while; the row decides for every host."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from config.backoff import is_due
from tickets.models import Lease

# Slow work, of which two kinds go on at a time, each in a lane: of three workers one stays free
# for chats and PIN mail
LETTERS, DOWNLOADS, PROGRAMS = "letters", "downloads", "programs"
SLOW = {LETTERS, DOWNLOADS, PROGRAMS}
LANES = ("lane 1", "lane 2")
# Archives and erasures take a third worker, but for a second at a time: a PIN waits no longer
PERSONAL_DATA = "personal data"
HANDOVER = "handover"  # so does this
LEASE_TIME = timedelta(seconds=60)  # longer than a holder may be silent


def process_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def take_lease(name: str, owner: str, duration: timedelta = LEASE_TIME) -> bool:
    """Take or renew a lease: one conditional UPDATE decides. A dead process of this host yields.

    So does a lease that ends later than `duration` from now: it was taken before a clock went back.
    """
    now = timezone.now()
    Lease.objects.bulk_create([Lease(name=name, owner=owner, until=now)], ignore_conflicts=True)
    free = Q(owner=owner) | is_due("until", now, longest=duration)
    holder = Lease.objects.values_list("owner", flat=True).get(pk=name)
    if _is_dead_here(holder):
        free |= Q(owner=holder)
    return bool(Lease.objects.filter(free, pk=name).update(owner=owner, until=now + duration))


def is_held(name: str) -> bool:
    """Whether some process is at it, as far as can be told from here."""
    in_force = Lease.objects.exclude(is_due("until", timezone.now(), longest=LEASE_TIME))
    lease = in_force.filter(pk=name).first()
    return lease is not None and not _is_dead_here(lease.owner)


def renew_lease(name: str) -> None:
    owner = process_name()
    take_lease(name, owner)
    if name in SLOW:
        now = timezone.now()
        own = Lease.objects.filter(name__in=LANES, owner=owner, until__gt=now)
        own.update(until=now + LEASE_TIME)


def release_lease(name: str, owner: str) -> None:
    Lease.objects.filter(pk=name, owner=owner).update(until=timezone.now())


@contextmanager
def held_lease(name: str) -> Iterator[bool]:
    """Hold a lease for a block; yields False when another process has it.

    Slow work needs a lane, too. When it gives that up, what could not have one is woken.
    """
    owner = process_name()
    taken = _take_all(name, owner)
    try:
        yield bool(taken)
    finally:
        for lease in taken:
            release_lease(lease, owner)
        if taken and name in SLOW:
            _wake_waiting()


def _take_all(name: str, owner: str) -> list[str]:
    """The lease, and a lane if it needs one; nothing unless it gets both."""
    if not take_lease(name, owner):
        return []
    if name not in SLOW:
        return [name]
    for lane in LANES:
        if take_lease(lane, owner):
            return [name, lane]
    release_lease(name, owner)
    Lease.objects.bulk_create(
        [Lease(name=_waiting(name), owner=owner, until=timezone.now())], ignore_conflicts=True
    )
    return []


def _waiting(name: str) -> str:
    """A row that nobody holds: it stands while slow work waits for a lane."""
    return f"{name} waits"


def _wake_waiting() -> None:
    for name in SLOW:
        if Lease.objects.filter(pk=_waiting(name)).delete()[0]:
            for wake in _wakers:
                wake(name)


_wakers: list[Callable[[str], object]] = []


def wake_by(waker: Callable[[str], object]) -> None:
    """Called once at start by whoever has slow work: the lane that it waits for is free."""
    _wakers.append(waker)


def _is_dead_here(owner: str) -> bool:
    """Whether the owner was a process of this host that no longer runs (killed, not finished)."""
    host, _colon, pid = owner.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _is_zombie(pid)


def _is_zombie(pid: str) -> bool:
    """Whether a process has ended and only waits for its parent to notice. Linux only."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False
