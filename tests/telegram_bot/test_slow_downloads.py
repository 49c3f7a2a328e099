"""Downloads over a slow link: bytes that keep coming are waited for, silence is not."""

import http.server
import json
import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from telegram_bot import files
from telegram_bot.models import TelegramFile
from tests.factories import MessengerAccountFactory, TicketFactory
from tests.queue import queued, run_queue
from tests.telegram_bot.bot import LOG, content_of
from tickets.leases import DOWNLOADS, LETTERS, take_lease
from tickets.models import Attachment, Lease

pytestmark = pytest.mark.django_db(transaction=True)

State = Attachment.State


class SlowApi(http.server.BaseHTTPRequestHandler):
    """A Bot API that hands out LOG in ten parts, `pause` seconds apart."""

    pause = 0.1

    def do_POST(self) -> None:
        file = {"file_id": "x", "file_unique_id": "y", "file_path": "documents/file_1.txt"}
        body = json.dumps({"ok": True, "result": file}).encode()
        self._begin(len(body))
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._begin(len(LOG))
        step = -(-len(LOG) // 10)
        for place in range(0, len(LOG), step):
            time.sleep(self.pause)
            try:
                self.wfile.write(LOG[place : place + step])
            except OSError:
                return

    def _begin(self, size: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def api(settings) -> Iterator[type[SlowApi]]:
    class Api(SlowApi):
        pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        settings.TELEGRAM_API_URL = f"http://127.0.0.1:{server.server_port}"
        settings.TELEGRAM_BOT_TOKEN = "7000000001:" + "A" * 35
        yield Api
        server.shutdown()
        thread.join()


@pytest.fixture
def attachment() -> Attachment:
    """Its content waits in Telegram."""
    link = MessengerAccountFactory()
    return Attachment.objects.create(
        ticket=TicketFactory(requester=link.user),
        name="log.txt",
        source=f"telegram:{link.pk}:x",
        state=State.PENDING,
    )


def fetch(attachment: Attachment) -> str:
    files.fetch_soon()
    run_queue()
    attachment.refresh_from_db()
    return attachment.state


def test_slow_file_arrives_though_it_takes_longer_than_a_silence(api, attachment, monkeypatch):
    monkeypatch.setattr(files, "SILENCE", 0.5)
    assert fetch(attachment) == State.READY
    assert content_of(attachment) == LOG


def test_silence_is_not_waited_for(api, attachment, monkeypatch):
    monkeypatch.setattr(files, "SILENCE", 0.05)
    assert fetch(attachment) == State.PENDING
    assert TelegramFile.objects.get().fetched_at is None


def test_file_that_never_ends_is_given_back(api, attachment, monkeypatch):
    monkeypatch.setattr(files, "DOWNLOAD_TIME", 0.3)
    assert fetch(attachment) == State.PENDING
    row = TelegramFile.objects.get()
    assert (row.attempts, row.fetched_at) == (1, None)


def test_next_try_is_counted_from_the_end_of_the_last(api, attachment, monkeypatch):
    monkeypatch.setattr(files, "DOWNLOAD_TIME", 0.5)
    fetch(attachment)
    ended = files.timezone.now()
    assert (TelegramFile.objects.get().due_at - ended).total_seconds() > 1.8


def test_lane_is_kept_while_bytes_come_and_letters_have_their_own(api, attachment, monkeypatch):
    monkeypatch.setattr(files, "RENEW_EVERY", 0.2)
    looks: list[object] = []
    renew = files.renew_lease

    def look_and_renew(name: str) -> None:
        renew(name)
        looks.append(Lease.objects.get(pk=name).until)
        assert not take_lease(DOWNLOADS, "elsewhere.example:1")
        assert take_lease(LETTERS, "elsewhere.example:1")

    monkeypatch.setattr(files, "renew_lease", look_and_renew)
    assert fetch(attachment) == State.READY
    assert len(looks) >= 3
    assert looks == sorted(looks)


def test_worker_that_ends_leaves_the_file_to_the_next(api, attachment, monkeypatch):
    asked = []

    def is_ending() -> bool:
        asked.append(True)
        return len(asked) > 2  # not before the first download has begun

    monkeypatch.setattr(files, "is_ending", is_ending)
    monkeypatch.setattr(files, "LISTEN_EVERY", 0.01)
    assert fetch(attachment) == State.PENDING
    row = TelegramFile.objects.get()
    assert (row.attempts, row.fetched_at) == (1, None)
    monkeypatch.undo()
    TelegramFile.objects.update(due_at=files.timezone.now())
    assert fetch(attachment) == State.READY


def test_download_of_a_dead_worker_is_woken_when_it_is_due(attachment, clock, monkeypatch):
    row = TelegramFile.objects.create(attachment=attachment)
    files._claim(row)
    owner = f"{socket.gethostname()}:{os.getppid()}"
    take_lease(DOWNLOADS, owner)
    clock.advance(seconds=2)
    files.fetch_forgotten()
    assert queued() == []  # its worker lives and is at it

    monkeypatch.setattr("tickets.leases._is_dead_here", lambda name: name == owner)
    for _look in range(3):
        files.fetch_forgotten()
    assert [task.name for task in queued()] == ["telegram_bot.tasks.fetch_files"]


def test_download_of_a_worker_of_another_host_is_woken_when_its_lease_ends(attachment, clock):
    files._claim(TelegramFile.objects.create(attachment=attachment))
    take_lease(DOWNLOADS, "elsewhere.example:1")
    clock.advance(seconds=59)
    files.fetch_forgotten()
    assert queued() == []
    clock.advance(seconds=2)
    files.fetch_forgotten()
    assert len(queued()) == 1


def test_times_bring_fifteen_megabytes_over_a_slow_link():
    """400 KB/s; and the task may run for as long as a download that begins last."""
    assert files.DOWNLOAD_TIME > 15 * 1024**2 / 400_000
    assert files.TASK_TIME.total_seconds() > files.SLICE + files.DOWNLOAD_TIME
