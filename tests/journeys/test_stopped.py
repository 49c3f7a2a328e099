"""Processes that are frozen, off for long, or told to end: it is told, and nothing is lost."""

from collections.abc import Iterator
from datetime import timedelta
from threading import Event

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from telegram_bot.models import BotHeartbeat, TelegramFile
from tests.journeys import crowd as crowds
from tests.journeys.conftest import is_quiet, person
from tests.journeys.crowd import WAYS_OUT, Crowd, meanwhile, problems
from tests.journeys.processes import STOP_LIMIT, Processes, run_safety_net, wait_until
from tickets import recording
from tickets.comments import add_comment
from tickets.models import Attachment, Delivery, Lease
from tickets.readiness import WORKER

pytestmark = pytest.mark.journey

TWO_MINUTES = timedelta(minutes=2, seconds=1)
OFF = timedelta(hours=25)  # longer than anything is tried again
EACH = 3
PATIENCE = 120.0
LOG = b"14:20 replica: connection refused\n" * 30_000


@pytest.fixture
def crowd(processes, settings) -> Iterator[Crowd]:
    settings.MEDIA_ROOT = processes.media
    crowd = crowds.gather(processes, 3)
    assert is_quiet(PATIENCE)
    yield crowd
    crowd.close()


def answer(crowd: Crowd, each: int = EACH) -> None:
    igor = recording.agent(person("igor"))
    for number in range(each):
        for member in crowd.members:
            add_comment(ticket=member.ticket, actor=igor, body=f"Ответ {number}")


def require_all_heard_once(crowd: Crowd, each: int = EACH) -> None:
    assert is_quiet(PATIENCE)
    for way in WAYS_OUT:
        crowds.require_all_heard(way.heard(crowd), each, twice=0)


# SIGSTOP with nothing due


def let_two_minutes_pass() -> None:
    """For what the processes have last said of themselves; nobody waits for real ones."""
    BotHeartbeat.objects.update(seen_at=F("seen_at") - TWO_MINUTES)
    Lease.objects.filter(pk=WORKER).update(until=F("until") - TWO_MINUTES)


def hear_from(processes: Processes, name: str) -> None:
    """A process that runs says so again by itself: the bot soon, the worker once a minute."""
    begun = timezone.now()
    if name == "bot":
        processes.sandbox.send("anna", "/help")  # ends the poll under way, which takes ten seconds
        wait_until(lambda: BotHeartbeat.objects.filter(seen_at__gte=begun).exists(), PATIENCE)
    else:
        run_safety_net()
        wait_until(lambda: Lease.objects.filter(pk=WORKER, until__gte=begun).exists(), PATIENCE)


@pytest.mark.parametrize(("frozen", "runs"), [("bot", "worker"), ("worker", "bot")])
def test_frozen_process_is_told(processes, frozen, runs):
    hear_from(processes, "bot")
    hear_from(processes, "worker")
    assert problems(processes) == []

    with transaction.atomic():  # which it cannot be in then: SQLite would be locked for good
        let_two_minutes_pass()
        processes.freeze(frozen)
    try:
        hear_from(processes, runs)
        assert problems(processes) == [f"{frozen} not running"]
    finally:
        processes.thaw(frozen)
    hear_from(processes, frozen)
    assert problems(processes) == []


# Off for long


def test_worker_off_for_a_day_sends_everything_once(processes, crowd):
    code, seconds = processes.stop("worker")
    answer(crowd)
    Delivery.objects.filter(state=Delivery.State.QUEUED).update(
        created_at=F("created_at") - OFF, due_at=F("due_at") - OFF
    )
    Delivery.objects.filter(state=Delivery.State.SENT).update(sent_at=F("sent_at") - OFF)
    Lease.objects.filter(pk=WORKER).update(until=F("until") - OFF)
    told = problems(processes)
    for _way in WAYS_OUT:  # and the first try fails: there are 24 hours from then on
        processes.sandbox.fault("500", method="sendMessage")
        processes.sandbox.fault("smtp_down")
    processes.launch("worker")

    assert (code, seconds < STOP_LIMIT) == (0, True)
    assert set(told) == {
        "telegram deliveries overdue", "email deliveries overdue", "worker not running",
    }  # fmt: skip
    require_all_heard_once(crowd)
    hear_from(processes, "worker")
    assert problems(processes) == []


# A deploy


def test_worker_told_to_end_in_the_middle_of_notices(processes, crowd):
    processes.sandbox.fault("smtp_slow", seconds=1, times=None)
    processes.sandbox.fault("slow", method="sendMessage", seconds=1, times=None)
    answer(crowd)
    sent = Delivery.objects.filter(event__comment__by_agent=True, state=Delivery.State.SENT)
    wait_until(lambda: sent.count() >= 2, PATIENCE)

    code, seconds = processes.stop("worker")
    left = Delivery.objects.filter(state=Delivery.State.QUEUED).count()
    processes.sandbox.clear_faults()
    processes.launch("worker")

    assert (code, seconds < STOP_LIMIT) == (0, True)
    assert left > 0
    require_all_heard_once(crowd)


def test_worker_told_to_end_during_a_long_download(processes, crowd):
    """Others' letters go out beside it; the file is fetched again by the next worker."""
    member, *_others = crowd.members
    processes.sandbox.fault("trickle", method="file", seconds=120)
    crowd.sandbox.files(member.name, ("a.log", LOG), caption="Файл", reply_to=member.card)
    wait_until(lambda: TelegramFile.objects.filter(attempts=1).exists(), PATIENCE)
    answer(crowd, 1)
    require_letters = Delivery.objects.filter(channel="email", event__comment__by_agent=True)
    wait_until(lambda: require_letters.filter(state=Delivery.State.SENT).count() == 3, PATIENCE)
    assert not TelegramFile.objects.exclude(fetched_at=None).exists()

    code, seconds = processes.stop("worker")
    assert (code, seconds < STOP_LIMIT) == (0, True)
    assert TelegramFile.objects.filter(fetched_at=None, attempts=1).exists()

    processes.launch("worker")
    TelegramFile.objects.update(due_at=timezone.now())  # as if the pause were over
    run_safety_net()
    wait_until(lambda: TelegramFile.objects.exclude(fetched_at=None).exists(), PATIENCE)
    file = Attachment.objects.get()
    assert file.state == Attachment.State.READY
    assert file.file.read() == LOG
    file.file.close()
    require_all_heard_once(crowd, 1)


def test_web_told_to_end_during_an_upload(processes, crowd):
    member, half, gone = crowd.members[0], Event(), Event()
    path = f"/tickets/{member.ticket.pk}/"
    visitor, file = crowd.visitor(member.name), {"attachments": ("a.log", LOG)}
    ended = []

    def upload() -> None:
        form = {"body": "Файл 0"}
        to = f"{path}comment/"
        values = visitor.break_off(path, form, to=to, half=half, gone=gone, **file)
        visitor.insist(path, values, to=to, **file)

    with meanwhile(upload):
        assert half.wait(PATIENCE)
        ended.append(processes.stop("web"))
        gone.set()
        processes.launch("web")

    [(code, seconds)] = ended
    assert (code, seconds < STOP_LIMIT) == (0, True)
    attachment = Attachment.objects.get()
    assert (attachment.comment and attachment.comment.body, attachment.size) == ("Файл 0", len(LOG))
    assert member.ticket.comments.count() == 1
    assert is_quiet(PATIENCE)
