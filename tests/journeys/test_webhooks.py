"""500 events at a receiver that spoils requests and is killed, by a worker that is killed twice."""

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from standardwebhooks import Webhook

from accounts.models import Usage
from tests import factories
from tests.journeys.conftest import person
from tests.journeys.processes import reserve_ports, wait_until
from tickets import recording
from tickets.comments import add_comment
from tickets.models import Delivery, Ticket
from webhooks.models import Attempt, Endpoint, Message
from webhooks.signing import new_secret

pytestmark = pytest.mark.journey

TICKETS, EACH = 25, 20
EVENTS = TICKETS * EACH
TWICE = 32  # requests that were under way when the worker was killed
PATIENCE = 300.0  # seconds, where the machine does much else


class Customer:
    """A receiver in a process of its own."""

    def __init__(self, book: Path) -> None:
        self.kept = ExitStack()
        [self.port] = reserve_ports(self.kept, 1)
        self.book = book
        book.touch()
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.journeys.hook_receiver", str(self.port)]
        self.process = subprocess.Popen([*command, str(self.book)], cwd=django_settings.BASE_DIR)

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def taken(self) -> list[dict[str, Any]]:
        lines = self.book.read_text().splitlines(keepends=True)
        seen = [json.loads(line) for line in lines if line.endswith("\n")]
        return [one for one in seen if not one["spoiled"]]


@pytest.fixture
def customer(tmp_path) -> Iterator[Customer]:
    customer = Customer(tmp_path / "book")
    yield customer
    customer.kill()
    customer.kept.close()


@pytest.fixture
def hasty(processes) -> Iterator[Any]:
    """The worker, stopped; whenever it runs, it tries webhooks again soon."""
    worker = processes.children["worker"]
    processes.kill("worker")
    before = worker.env
    worker.env = {**before, "DJANGO_SETTINGS_MODULE": "tests.journeys.hook_settings"}
    yield processes
    if worker.is_running():
        processes.kill("worker")
    worker.env = before
    processes.launch("worker")


def make_events(endpoint_url: str) -> Endpoint:
    """Answers to the tickets of one person, in turn, with only the webhook to hear of them."""
    anna, igor = person("anna"), recording.agent(person("igor"))
    endpoint = Endpoint.objects.create(
        user=anna, url=endpoint_url, kinds=["answered"], secret=new_secret()
    )
    product = factories.ProductFactory()
    tickets = [factories.TicketFactory(requester=anna, product=product) for _ in range(TICKETS)]
    for number in range(EACH):
        Usage.objects.all().delete()  # as if many agents answered
        for ticket in tickets:
            add_comment(ticket=ticket, actor=igor, body=f"Ответ {number}")
    Delivery.objects.exclude(channel="webhook").delete()
    return endpoint


def test_every_event_arrives_once_in_order_whatever_breaks(hasty, customer):
    endpoint = make_events(f"http://127.0.0.1:{customer.port}/hook")
    due = Delivery.objects.filter(channel="webhook")
    assert due.count() == EVENTS

    hasty.launch("worker")
    for share, break_something in ((1, "worker"), (2, "customer"), (3, "worker")):
        wait_until(lambda share=share: len(customer.taken()) >= share * EVENTS // 4, PATIENCE)
        if break_something == "worker":
            hasty.kill("worker")
            hasty.launch("worker")
        else:
            customer.kill()
            refused = Attempt.objects.filter(status=None).count()
            wait_until(
                lambda refused=refused: Attempt.objects.filter(status=None).count() > refused,
                PATIENCE,
            )
            customer.start()
    wait_until(lambda: not due.filter(state=Delivery.State.QUEUED).exists(), PATIENCE)

    assert set(due.values_list("state", flat=True)) == {Delivery.State.SENT}
    require_all_verified(customer.taken(), endpoint.secret)
    statuses = set(Attempt.objects.values_list("status", flat=True))
    assert statuses >= {204, 302, 500, None}  # all of it did happen


def require_all_verified(taken: list[dict[str, Any]], secret: str) -> None:
    """Each event, signed, in the order of its ticket; only what a kill left unsure may be twice."""
    told: dict[int, list[str]] = defaultdict(list)
    known: dict[str, str] = {}
    for one in taken:
        said = Webhook(secret).verify(one["body"], one["headers"])
        number = one["headers"]["webhook-id"]
        assert known.setdefault(number, one["body"]) == one["body"]
        words = said["data"]["event"]["comment"]["body"]
        if words not in told[said["data"]["ticket"]["number"]]:
            told[said["data"]["ticket"]["number"]].append(words)
    assert len(known) == EVENTS == Message.objects.count()
    assert len(taken) <= EVENTS + TWICE
    assert len(told) == TICKETS == Ticket.objects.count()
    assert all(words == [f"Ответ {number}" for number in range(EACH)] for words in told.values())
