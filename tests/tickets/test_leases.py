import os
import socket
import subprocess
import sys
from datetime import timedelta

import pytest

from tests.threads import in_parallel
from tickets import leases
from tickets.leases import (
    DOWNLOADS,
    LANES,
    LETTERS,
    PROGRAMS,
    held_lease,
    process_name,
    release_lease,
    renew_lease,
    take_lease,
)
from tickets.models import Lease

pytestmark = pytest.mark.django_db

HERE = socket.gethostname()
OTHER_HOST = "elsewhere.example:12"
THIRD_HOST = "third.example:7"


@pytest.fixture
def dead_process():
    """The name of a process of this host that has just ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return f"{HERE}:{process.pid}"


def test_lease_has_one_owner():
    assert take_lease("mail", OTHER_HOST)
    assert not take_lease("mail", THIRD_HOST)
    assert take_lease("files", THIRD_HOST)


def test_owner_renews_its_lease(clock):
    take_lease("mail", OTHER_HOST, timedelta(seconds=30))
    clock.advance(seconds=20)
    assert take_lease("mail", OTHER_HOST, timedelta(seconds=30))
    clock.advance(seconds=20)
    assert not take_lease("mail", THIRD_HOST)


def test_lapsed_lease_is_free(clock):
    take_lease("mail", OTHER_HOST, timedelta(seconds=30))
    clock.advance(seconds=29)
    assert not take_lease("mail", THIRD_HOST)
    clock.advance(seconds=1)
    assert take_lease("mail", THIRD_HOST)
    assert not take_lease("mail", OTHER_HOST)


def test_released_lease_is_free_at_once():
    take_lease("mail", OTHER_HOST)
    release_lease("mail", OTHER_HOST)
    assert take_lease("mail", THIRD_HOST)


def test_only_the_owner_releases():
    take_lease("mail", OTHER_HOST)
    release_lease("mail", THIRD_HOST)
    assert not take_lease("mail", THIRD_HOST)


def test_dead_process_of_this_host_yields_at_once(dead_process):
    assert take_lease("mail", dead_process)
    assert take_lease("mail", process_name())


@pytest.mark.skipif(sys.platform != "linux", reason="the state of a process is read from /proc")
def test_process_that_ended_unnoticed_yields_at_once():
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, not yet reaped
    take_lease("mail", f"{HERE}:{process.pid}")
    assert take_lease("mail", process_name())
    process.wait()


def test_living_process_of_this_host_keeps_its_lease():
    take_lease("mail", f"{HERE}:{os.getppid()}")
    assert not take_lease("mail", process_name())


@pytest.mark.parametrize("owner", [OTHER_HOST, "", "nobody", f"{HERE}:x"])
def test_unknown_owner_keeps_its_lease(owner):
    take_lease("mail", owner)
    assert not take_lease("mail", process_name())


def test_held_lease_is_released_also_after_an_error():
    def fail():
        with held_lease("mail") as held:
            assert held
            assert not take_lease("mail", OTHER_HOST)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert take_lease("mail", OTHER_HOST)


def test_held_lease_of_another_is_not_touched():
    take_lease("mail", OTHER_HOST)
    with held_lease("mail") as held:
        assert not held
    assert Lease.objects.get().owner == OTHER_HOST
    assert not take_lease("mail", THIRD_HOST)


def test_renew_lease_is_for_this_process(clock):
    take_lease("mail", process_name())
    clock.advance(seconds=25)
    renew_lease("mail")
    clock.advance(seconds=25)
    assert not take_lease("mail", OTHER_HOST)


@pytest.mark.django_db(transaction=True)
def test_parallel_takers_have_one_winner():
    owners = [f"host{number}.example:1" for number in range(6)]
    results = in_parallel(*[lambda owner=owner: take_lease("mail", owner) for owner in owners])
    assert sorted(results) == [False] * 5 + [True]
    assert Lease.objects.get().owner == owners[results.index(True)]


# Slow work: two kinds at a time, so that of three workers one is free


@pytest.fixture
def woken(monkeypatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(leases, "_wakers", [names.append])
    return names


def test_third_kind_of_slow_work_waits_for_a_lane_and_is_woken(woken):
    for lane in LANES:
        take_lease(lane, OTHER_HOST)
    with held_lease(PROGRAMS) as held:
        assert not held
    assert take_lease(PROGRAMS, THIRD_HOST)  # who has no lane keeps no lease either
    release_lease(LANES[0], OTHER_HOST)
    with held_lease(LETTERS) as held:
        assert held
        assert not take_lease(LANES[0], THIRD_HOST)
    assert woken == [PROGRAMS]
    with held_lease(DOWNLOADS) as held:
        assert held
    assert woken == [PROGRAMS]  # once
    assert take_lease(LANES[0], THIRD_HOST)


def test_lane_is_renewed_with_its_lease(clock, woken):
    with held_lease(LETTERS):
        for _number in range(3):
            clock.advance(seconds=40)
            renew_lease(LETTERS)
        assert not take_lease(LANES[0], THIRD_HOST)


def test_other_work_needs_no_lane():
    for lane in LANES:
        take_lease(lane, OTHER_HOST)
    with held_lease("telegram") as held:
        assert held
