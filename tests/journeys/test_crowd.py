"""A crowd speaks and listens while processes are killed: one effect of each word, in order."""

from collections.abc import Iterator

import pytest

from accounts.models import Usage
from tests.journeys import crowd as crowds
from tests.journeys.conftest import is_quiet, person
from tests.journeys.crowd import WAYS_IN, WAYS_OUT, Crowd, Member, WayIn, meanwhile
from tests.journeys.processes import wait_until
from tickets import recording
from tickets.comments import add_comment
from tickets.models import Delivery

pytestmark = pytest.mark.journey

MEMBERS = 50
DISTURBED_EVERY = 50  # words
ANSWERS_EACH = 10
KILLED_EVERY = 100  # notices of a channel
TWICE = 16  # notices that may come again after all kills together
PATIENCE = 400.0  # seconds, where the machine does much else


@pytest.fixture
def crowd(processes) -> Iterator[Crowd]:
    crowd = crowds.gather(processes, MEMBERS)
    yield crowd
    crowd.close()


@pytest.mark.parametrize("way", WAYS_IN, ids=str)
def test_words_of_a_crowd_while_their_process_is_killed(processes, crowd, way: WayIn):
    members = crowd.members[: way.people]
    words = way.people * way.each
    for member in members if way.come else ():
        way.come(crowd, member)

    blocks = words // way.kill_every
    for block in range(blocks):
        # at a block's first effect, when its words are still coming in, and at later ones in turn
        done = block * way.kill_every + 1 + (block % 2) * block * way.kill_every // blocks
        with meanwhile(*speakers(crowd, way, members, block)):
            wait_until(lambda done=done: crowds.comments(way) >= done, PATIENCE)
            processes.kill(way.process)
            processes.launch(way.process)

    wait_until(lambda: crowds.comments(way) >= words, PATIENCE)
    assert is_quiet(PATIENCE)
    crowds.require_each_word_once(members, way.word, way.each)
    if way.disturb:
        assert crowds.unreadable_updates() == words // DISTURBED_EVERY
    if way.answers:
        answers = [way.answers(crowd, member) for member in members]
        assert min(answers) >= way.each
        assert sum(answers) <= words + way.at_once * blocks


def speakers(crowd: Crowd, way: WayIn, members: list[Member], block: int) -> list:
    """Who says the words of a block; each the own ones in order."""
    each = way.kill_every // len(members)
    disturbing = members[block :: DISTURBED_EVERY // each] if way.disturb else []

    def speak(member: Member) -> None:
        for number in range(block * each, (block + 1) * each):
            way.say(crowd, member, f"{way.word} {number}")
            if member in disturbing and number % each == 0 and way.disturb:
                way.disturb(crowd, member)

    return [lambda member=member: speak(member) for member in members]


def test_notices_to_a_crowd_while_the_worker_is_killed(processes, crowd):
    due = MEMBERS * ANSWERS_EACH
    igor = recording.agent(person("igor"))

    # written without a pause, they would leave the worker no turn at SQLite's only lock
    processes.kill("worker")
    for number in range(ANSWERS_EACH):
        Usage.objects.all().delete()  # as if many agents answered: one may 300 times a minute
        for member in crowd.members:
            add_comment(ticket=member.ticket, actor=igor, body=f"Ответ {number}")
    processes.launch("worker")
    for killed_at in range(KILLED_EVERY, due, KILLED_EVERY):
        wait_until(lambda wanted=killed_at: sent("telegram") >= wanted, PATIENCE)
        processes.kill("worker")
        processes.launch("worker")
    for way in WAYS_OUT:
        wait_until(lambda channel=way.channel: sent(channel) >= due, PATIENCE)

    assert is_quiet(PATIENCE)
    for way in WAYS_OUT:
        assert sent(way.channel) == due
        crowds.require_all_heard(way.heard(crowd), ANSWERS_EACH, twice=TWICE)


def sent(channel: str) -> int:
    return Delivery.objects.filter(
        channel=channel, state=Delivery.State.SENT, event__comment__by_agent=True
    ).count()
