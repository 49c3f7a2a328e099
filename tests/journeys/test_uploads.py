"""Files on their way while processes die: each is there whole and once, and no part of another."""

import os
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from telegram_bot.models import TelegramFile
from tests.journeys import crowd as crowds
from tests.journeys.conftest import is_quiet
from tests.journeys.crowd import Crowd, Member, meanwhile
from tests.journeys.processes import Processes, run_safety_net, wait_until
from tickets.models import Attachment, Comment, Lease, Ticket
from tickets.strays import STRAY_AFTER, SWEEP

pytestmark = pytest.mark.journey

PEOPLE = 5
ROUNDS = 3  # of uploads by all, with a kill each
NEW = reverse("new_ticket")
SIZE = 3 * 1024**2  # bytes: what Django keeps in a file while it comes
PATIENCE = 120.0
OLD = STRAY_AFTER + timedelta(hours=1)


@pytest.fixture
def crowd(processes, settings) -> Iterator[Crowd]:
    settings.MEDIA_ROOT = processes.media  # the files of the others, seen from here
    shutil.rmtree(processes.media, ignore_errors=True)
    crowd = crowds.gather(processes, PEOPLE)
    yield crowd
    crowd.close()


def content(name: str) -> bytes:
    return f"{name}\n".encode() * (SIZE // (len(name) + 1))


def stored(processes: Processes) -> set[Path]:
    return {path for path in (processes.media / "attachments").rglob("*") if path.is_file()}


# To the portal


def test_uploads_while_web_is_killed(processes, crowd):
    for member in crowd.members:
        crowd.visitor(member.name)

    for number in range(ROUNDS):
        kill_web_during_uploads(processes, crowd, number)

    assert is_quiet(PATIENCE)
    for member in crowd.members:
        require_files(member, ROUNDS)
    # an answer is read before its request has ended
    wait_until(lambda: not list(processes.uploads.iterdir()), PATIENCE)
    require_files_and_rows_alike(processes)


def test_new_tickets_while_web_is_killed(processes, crowd):
    """Some are killed before their commit, some between it and the answer: one ticket for each."""
    for member in crowd.members:
        crowd.visitor(member.name)

    for number in range(ROUNDS):
        creations = [lambda one=one, n=number: create(crowd, one, n) for one in crowd.members]
        before = Ticket.objects.count()
        with meanwhile(*creations):
            wait_until(lambda before=before: Ticket.objects.count() > before, PATIENCE)
            processes.kill("web")
            processes.launch("web")

    assert is_quiet(PATIENCE)
    for member in crowd.members:
        require_tickets(member, ROUNDS)
    require_files_and_rows_alike(processes)


def create(crowd: Crowd, member: Member, number: int) -> None:
    name = f"{member.name}-{number}.log"
    fields = {
        "product": str(member.ticket.product_id),
        "title": f"Заявка {number}",
        "description": "Подробно",
    }
    page = crowd.visitor(member.name).insist(NEW, fields, attachments=(name, content(name)))
    assert "создана. Ответ придёт" in page


def require_tickets(member: Member, each: int) -> None:
    """Every ticket once, with the file it came with, whole."""
    made = Ticket.objects.filter(requester=member.user).exclude(pk=member.ticket.pk).order_by("pk")
    assert [ticket.title for ticket in made] == crowds.numbered("Заявка", each)
    for number, ticket in enumerate(made):
        file = ticket.attachments.get()
        assert file.name == f"{member.name}-{number}.log"
        assert Path(file.file.path).read_bytes() == content(file.name)


def kill_web_during_uploads(processes: Processes, crowd: Crowd, number: int) -> None:
    """One form is half there; the others come, are stored, or wait for their row."""
    before, half, gone = len(stored(processes)), Event(), Event()
    slow, *others = crowd.members
    uploads = [lambda member=member: upload(crowd, member, number) for member in others]
    with meanwhile(lambda: upload_slowly(crowd, slow, number, half, gone)):
        assert half.wait(PATIENCE)
        with meanwhile(*uploads):
            wait_until(lambda: len(stored(processes)) > before, PATIENCE)
            processes.kill("web")
            gone.set()
            processes.launch("web")


def upload(crowd: Crowd, member: Member, number: int) -> None:
    path, name = f"/tickets/{member.ticket.pk}/", f"{member.name}-{number}.log"
    fields = {"body": f"Файл {number}"}
    crowd.visitor(member.name).insist(
        path, fields, to=f"{path}comment/", attachments=(name, content(name))
    )


def upload_slowly(crowd: Crowd, member: Member, number: int, half: Event, gone: Event) -> None:
    path, name = f"/tickets/{member.ticket.pk}/", f"{member.name}-{number}.log"
    visitor = crowd.visitor(member.name)
    file = {"attachments": (name, content(name))}
    fields = {"body": f"Файл {number}"}
    values = visitor.break_off(path, fields, to=f"{path}comment/", half=half, gone=gone, **file)
    visitor.insist(path, values, to=f"{path}comment/", **file)


def require_files(member: Member, each: int) -> None:
    """Every comment once, each with the file it came with, whole."""
    files = Attachment.objects.filter(ticket=member.ticket).order_by("pk")
    assert list(member.ticket.comments.order_by("pk").values_list("body", flat=True)) == (
        crowds.numbered("Файл", each)
    )
    assert [file.comment.body for file in files if file.comment] == crowds.numbered("Файл", each)
    for number, file in enumerate(files):
        assert file.name == f"{member.name}-{number}.log"
        assert Path(file.file.path).read_bytes() == content(file.name)


def require_files_and_rows_alike(processes: Processes) -> None:
    """Once a day has passed, nothing is left of what was begun and not finished."""
    known = {Path(file.file.path) for file in Attachment.objects.exclude(file="")}
    stray = next(iter(known)).with_name(uuid4().hex)
    stray.write_bytes(b"half of a file")
    a_day_ago = time.time() - OLD.total_seconds()
    for path in stored(processes):
        os.utime(path, (a_day_ago, a_day_ago))
    Lease.objects.filter(pk=SWEEP).delete()
    run_safety_net()
    wait_until(lambda: not stray.exists(), PATIENCE)
    wait_until(lambda: stored(processes) == known, PATIENCE)


# From the chat


def test_downloads_while_the_worker_is_killed(processes, crowd):
    for number, member in enumerate(crowd.members):
        kill_worker_during_download(processes, crowd, member, in_the_middle=number % 2 == 0)

    assert is_quiet(PATIENCE)
    for member in crowd.members:
        require_files(member, 1)
    require_files_and_rows_alike(processes)


def kill_worker_during_download(
    processes: Processes, crowd: Crowd, member: Member, *, in_the_middle: bool
) -> None:
    """In the middle of the bytes, or when they have just been stored."""
    before, name = len(stored(processes)), f"{member.name}-0.log"
    if in_the_middle:
        processes.sandbox.fault("trickle", method="file", seconds=60)
    crowd.sandbox.files(member.name, (name, content(name)), caption="Файл 0", reply_to=member.card)
    download = TelegramFile.objects.filter(attachment__ticket=member.ticket)
    wait_until(lambda: download.filter(attempts=1).exists(), PATIENCE)
    wait_until(lambda: in_the_middle or len(stored(processes)) > before, PATIENCE)
    processes.kill("worker")
    processes.sandbox.clear_faults()
    processes.launch("worker")
    TelegramFile.objects.update(due_at=timezone.now())  # as if the pause were over
    run_safety_net()  # as once a minute
    wait_until(lambda: download.exclude(fetched_at=None).exists(), PATIENCE)


# A full disk


@pytest.mark.one_database
def test_full_disk_takes_the_words_and_says_so(processes, crowd):
    by_chat, by_portal = crowd.members[:2]
    visitor = crowd.visitor(by_portal.name)
    path, file = f"/tickets/{by_portal.ticket.pk}/", ("a.log", b"14:20 refused\n")

    with processes.restarted("web", "bot", MIN_FREE_DISK_MB=str(10**9)):
        crowd.sandbox.files(by_chat.name, file, caption="Слова", reply_to=by_chat.card)
        page = visitor.submit(path, {"body": "Слова"}, to=f"{path}comment/")
        crowd.sandbox.wait_for(by_chat.name, "мало места")
        crowd.sandbox.wait_for(by_chat.name, "Комментарий добавлен")
        told = visitor.insist(path, {"body": "Ещё"}, to=f"{path}comment/", attachments=file)

    assert "Комментарий добавлен" in page
    assert "мало места" in told
    assert "Ещё</textarea>" in told
    assert set(Comment.objects.values_list("body", flat=True)) == {"Слова"}
    assert Comment.objects.count() == 2
    assert not Attachment.objects.exists()
    assert stored(processes) == set()
