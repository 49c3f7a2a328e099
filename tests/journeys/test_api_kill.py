"""A program's POST sent again, after kill -9 of the web process or at once: it acts once."""

from collections.abc import Iterator
from datetime import timedelta
from threading import Thread

import httpx
import pytest

from accounts.models import Scope
from accounts.security import Origin
from accounts.tokens import make_token
from tests.journeys.conftest import person
from tests.journeys.processes import TRY_AGAIN, Processes, wait_until
from tests.local_telegram import PATIENCE
from tickets.models import FormKey, Product, Ticket

pytestmark = pytest.mark.journey
TIMES = 3  # the moment of the kill is another one each time


@pytest.fixture
def program(processes: Processes) -> Iterator[httpx.Client]:
    anna = person("anna")
    _token, text = make_token(
        by=anna,
        name="Мониторинг",
        scopes={Scope.READ, Scope.WRITE},
        lifetime=timedelta(days=1),
        origin=Origin(anna),
    )
    headers = {"Authorization": f"Bearer {text}"}
    given = {"headers": headers, "timeout": PATIENCE, "trust_env": False}
    with httpx.Client(base_url=processes.url, **given) as client:
        yield client


def post(program: httpx.Client, body: dict[str, object], key: str) -> httpx.Response:
    """Insists, as a program does, until somebody answers."""

    def answer() -> httpx.Response | None:
        try:
            found = program.post("/api/v1/tickets/", json=body, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            return None
        return None if found.status_code in TRY_AGAIN else found

    found: httpx.Response = wait_until(answer)
    return found


def test_ticket_is_one(processes, program):
    product = Product.objects.get(name="Базы данных").pk
    body = {"product": product, "title": "Реплика отстаёт", "description": "На два часа"}
    for number in range(TIMES):
        key, answers = f"kill-{number}", []
        caller = Thread(
            target=lambda key=key, answers=answers: answers.append(post(program, body, key))
        )
        caller.start()
        wait_until(lambda number=number: Ticket.objects.count() > number)
        processes.kill("web")  # it is committed; whether the answer has left, nobody knows
        processes.start("web")
        caller.join()
        again = post(program, body, key)
        assert answers[0].status_code == 201, answers[0].text
        assert (again.status_code, again.json()) == (201, answers[0].json())
        assert again.headers["Idempotency-Replayed"] == "true"
        assert Ticket.objects.count() == FormKey.objects.count() == number + 1


def test_twenty_at_once_are_one(processes, program):
    product = Product.objects.get(name="Базы данных").pk
    body = {"product": product, "title": "Сеть", "description": "Теряются пакеты"}
    answers: list[httpx.Response] = []

    def call() -> None:
        answers.append(post(program, body, "twenty"))

    callers = [Thread(target=call) for _number in range(20)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert [answer.status_code for answer in answers] == [201] * 20
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert Ticket.objects.count() == 1


def test_kill_on_the_way_in(processes, program):
    """Nothing of it was kept, or all; the program cannot tell, and need not."""
    product = Product.objects.get(name="Базы данных").pk
    body = {"product": product, "title": "Диск", "description": "Кончается место"}
    answers: list[httpx.Response] = []
    caller = Thread(target=lambda: answers.append(post(program, body, "on-the-way")))
    caller.start()
    processes.kill("web")
    processes.start("web")
    caller.join()
    assert answers[0].status_code == 201, answers[0].text
    assert Ticket.objects.count() == 1
