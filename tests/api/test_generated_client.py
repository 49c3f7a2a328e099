"""A client that openapi-python-client makes of the schema walks with a ticket from end to end."""

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from accounts.models import Scope
from api import docs
from tests.api.conftest import give_rights, token_of
from tests.factories import open_ticket
from tickets.models import Comment, Ticket

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "generated_client"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("client")
    done = subprocess.run(
        [
            Path(sys.executable).with_name("openapi-python-client"), "generate",
            f"--path={docs.SCHEMA}", f"--output-path={folder / NAME}", "--meta=none",
        ],
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "arning" not in done.stdout, done.stdout
    return folder


@pytest.fixture
def caller(folder: Path, live_server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable]:
    """Makes a client that comes with a token."""
    monkeypatch.syspath_prepend(folder)
    with ExitStack() as clients:
        made = part("client").AuthenticatedClient
        yield lambda token: clients.enter_context(made(base_url=live_server.url, token=token))


def part(name: str) -> ModuleType:
    return importlib.import_module(f"{NAME}.{name}")


def call(operation: str, *given: Any, **more: Any) -> Any:
    """`tag.operation`, as the schema names it."""
    return part(f"api.{operation}").sync(*given, **more)


def test_ticket_from_creation_to_rating(caller, anna, agent, product):
    give_rights(agent)
    models, types = part("models"), part("types")
    annas, desk = caller(token_of(anna)), caller(token_of(agent, Scope.DESK))
    wish = models.NewTicket(product=product.pk, title="Диск", description="Не отвечает.")
    ticket = call("tickets.ticket_create", client=annas, body=wish, idempotency_key="disk-1")
    assert (ticket.status, ticket.assignee) == (models.Status.NEW, None)

    comment = call(
        "comments.comment_create",
        ticket.number,
        client=annas,
        body=models.NewComment(body="Всё ещё."),
    )
    assert comment.by.person.id == anna.pk

    files = [types.File(BytesIO(text), f"{name}.log", "text/plain")
             for name, text in (("a", b"one\n"), ("b", b"two\n"))]  # fmt: skip
    sent = call(
        "files.files_create",
        ticket.number,
        client=annas,
        body=models.NewFiles(files=files, body="Журналы"),
    )
    assert [file.name for file in sent.files] == ["a.log", "b.log"]
    content = call("files.file_content", sent.files[1].id, client=annas)
    assert content.payload.read() == b"two\n"

    solve = models.StatusForm(status=models.Status.RESOLVED, answer="Заменён.")
    for act, body in (
        ("ticket_return", models.ReturnForm(reason="Снова не отвечает.")),
        ("ticket_rate", models.RateForm(score=5, text="Спасибо.")),
    ):
        solved = call("desk.ticket_status", ticket.number, client=desk, body=solve)
        assert solved.status == models.Status.RESOLVED
        ticket = call(f"tickets.{act}", ticket.number, client=annas, body=body)
    assert (ticket.status, ticket.score) == (models.Status.CLOSED, 5)
    assert Ticket.objects.get().rating_comment == "Спасибо."
    assert Comment.objects.filter(body="Всё ещё.").count() == 1


def test_refusal_is_a_problem_with_a_code(caller, anna):
    annas = caller(token_of(anna))
    problem = call("tickets.ticket_read", 404, client=annas)
    assert (problem.status, problem.code) == (404, "not_found")


def test_page_after_page(caller, anna, product):
    for _each in range(2):
        open_ticket(anna, product=product)
    annas = caller(token_of(anna))
    page = call("tickets.tickets_list", client=annas, page_size=1)
    assert len(page.results) == 1
    assert page.next_
