"""The database is gone while people work: what they were told is done is done, and once.

How it goes stands in outage.py: on PostgreSQL connections are cut and refused, on SQLite the file
is locked for longer than anybody waits.
"""

import re
from collections.abc import Callable, Iterator

import pytest
from django.utils import timezone

from tests.journeys import crowd as crowds
from tests.journeys.conftest import is_quiet
from tests.journeys.crowd import (
    WAYS_IN,
    WAYS_OUT,
    Crowd,
    Member,
    WayIn,
    meanwhile,
    numbered,
    problems,
)
from tests.journeys.processes import run_safety_net, wait_until
from tests.local_telegram import Json
from tickets.models import Comment, Delivery

pytestmark = pytest.mark.journey

EACH = 10  # words of a person, and answers to one
OF_A_WAY = 3  # people who speak by each way in
ASKED = 4  # members whom an agent answers at the desk
CHANGES = EACH * (OF_A_WAY * len(WAYS_IN) + ASKED)
REFUSED = 3  # presses that met no database
TWICE = 8  # notices sent when that could not be written down
PATIENCE = 180.0
STAFF = "desk@support.example"


@pytest.fixture
def crowd(processes) -> Iterator[Crowd]:
    crowd = crowds.gather(processes, OF_A_WAY * len(WAYS_IN) + ASKED)
    crowd.visitor("igor")
    yield crowd
    crowd.close()
    if processes.database.door is None:  # they told of the lock, which is no fault of theirs
        processes.forget_logs("web", "worker", "bot")


def test_changes_while_the_database_is_gone(processes, crowd):
    *speaking, asked = shared_out(crowd.members)
    ways = list(zip(WAYS_IN, speaking, strict=True))
    for way, members in ways:
        for member in members if way.come else ():
            way.come(crowd, member)
    first, second = range(EACH // 2), range(EACH // 2, EACH)

    with meanwhile(*talk(crowd, ways, first), lambda: answer(crowd, asked, first)):
        pass
    with meanwhile(*talk(crowd, ways, second), lambda: answer(crowd, asked, second)):
        wait_until(lambda: Comment.objects.count() > CHANGES // 2, PATIENCE)
        with processes.database.gone():
            assert problems(processes) == ["database"]
            wait_until(lambda: refused(crowd) >= REFUSED, PATIENCE)

    wait_until(lambda: Comment.objects.count() >= CHANGES, PATIENCE)
    wait_until(lambda: problems(processes) == [], PATIENCE)
    tell_staff_now()
    assert is_quiet(PATIENCE)
    for way, members in ways:
        crowds.require_each_word_once(members, way.word, EACH)
    crowds.require_each_word_once(asked, "Ответ", EACH)
    require_all_delivered(crowd, ways, asked)


def shared_out(members: list[Member]) -> list[list[Member]]:
    """Those of each way in, and at last those who are answered."""
    edges = [OF_A_WAY * place for place in range(len(WAYS_IN) + 1)]
    return [members[edge : edge + OF_A_WAY] for edge in edges[:-1]] + [members[edges[-1] :]]


def talk(
    crowd: Crowd, ways: list[tuple[WayIn, list[Member]]], numbers: range
) -> list[Callable[[], None]]:
    def speak(way: WayIn, member: Member) -> None:
        for number in numbers:
            way.say(crowd, member, f"{way.word} {number}")

    return [
        lambda way=way, member=member: speak(way, member)
        for way, members in ways
        for member in members
    ]


def answer(crowd: Crowd, members: list[Member], numbers: range) -> None:
    for number in numbers:
        for member in members:
            crowds.answer_at_desk(crowd, member, f"Ответ {number}")


def refused(crowd: Crowd) -> int:
    return sum(visitor.refused for visitor in crowd.visitors.values())


def tell_staff_now() -> None:
    """As if the minute had passed in which a person may go on with a comment."""
    waiting = Delivery.objects.filter(channel="email", address=STAFF)
    waiting.filter(state=Delivery.State.QUEUED).update(due_at=timezone.now())
    run_safety_net()


def require_all_delivered(
    crowd: Crowd, ways: list[tuple[WayIn, list[Member]]], asked: list[Member]
) -> None:
    assert not Delivery.objects.exclude(state=Delivery.State.SENT).exists()
    letters = [row for row in reversed(crowd.sandbox.mail()) if STAFF in row["to"]]
    for way, members in ways:
        for member in members:
            assert told(letters, member, way.word) == numbered(way.word, EACH)
    names = {member.name for member in asked}
    for out in WAYS_OUT:
        heard = {name: texts for name, texts in out.heard(crowd).items() if name in names}
        crowds.require_all_heard(heard, EACH, twice=TWICE)


def told(letters: list[Json], member: Member, word: str) -> list[str]:
    """What the desk has read of a member, without repetitions."""
    mine = [row["text"] for row in letters if f"№ {member.ticket.pk}" in row["subject"]]
    found = [re.findall(rf"\b{word} \d+\b", text) for text in mine]
    return list(dict.fromkeys(text for texts in found for text in texts))
