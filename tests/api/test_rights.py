"""Every operation by everybody who may call: one table, and no operation outside it."""

from dataclasses import dataclass

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Scope
from api.urls import urlpatterns
from tests.api.conftest import Program, give_rights, program_of, revoke_all, token_of
from tests.factories import AgentFactory, TicketFactory, open_ticket
from tests.files import PDF, pdf
from tickets.models import Attachment
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db
WHO = (
    "stranger", "other customer", "colleague", "requester", "organization", "agent",
    "agent without rights", "revoked token",
)  # fmt: skip
FILE = "a file"

#  operation, and what is answered in the order of WHO
TABLE = {
    ("GET", "me/"):                                     (401, 200, 200, 200, 200, 200, 200, 401),
    ("GET", "products/"):                               (401, 200, 200, 200, 200, 200, 200, 401),
    ("GET", "tickets/"):                                (401, 200, 200, 200, 200, 200, 403, 401),
    ("POST", "tickets/"):                               (401, 201, 201, 201, 201, 201, 403, 401),
    ("GET", "tickets/{open}/"):                         (401, 404, 200, 200, 200, 200, 403, 401),
    ("PATCH", "tickets/{open}/"):                       (401, 403, 403, 403, 403, 200, 403, 401),
    ("GET", "tickets/{open}/timeline/"):                (401, 404, 200, 200, 200, 200, 403, 401),
    ("GET", "tickets/{open}/comments/"):                (401, 404, 200, 200, 200, 200, 403, 401),
    ("POST", "tickets/{open}/comments/"):               (401, 404, 201, 201, 201, 201, 403, 401),
    ("GET", "tickets/{open}/attachments/"):             (401, 404, 200, 200, 200, 200, 403, 401),
    ("POST", "tickets/{open}/attachments/"):            (401, 404, 201, 201, 201, 201, 403, 401),
    ("GET", "attachments/{file}/"):                     (401, 404, 200, 200, 200, 200, 403, 401),
    ("GET", "attachments/{file}/content/"):             (401, 404, 200, 200, 200, 200, 403, 401),
    ("POST", "tickets/{resolved}/return/"):             (401, 404, 403, 200, 200, 403, 403, 401),
    ("POST", "tickets/{resolved}/rate/"):               (401, 404, 403, 200, 200, 403, 403, 401),
    ("POST", "tickets/{open}/close/"):                  (401, 404, 403, 200, 200, 403, 403, 401),
    ("POST", "tickets/{open}/status/"):                 (401, 403, 403, 403, 403, 200, 403, 401),
    ("POST", "tickets/{open}/merge/"):                  (401, 403, 403, 403, 403, 200, 403, 401),
}  # fmt: skip
BODIES = {
    "tickets/": {"product": "{product}", "title": "Сбой", "description": "Не отвечает"},
    "tickets/{open}/": {"priority": "high"},
    "tickets/{open}/comments/": {"body": "Есть новости?"},
    "tickets/{open}/attachments/": {"files": FILE},
    "tickets/{resolved}/return/": {"reason": "Снова не работает"},
    "tickets/{resolved}/rate/": {"score": 5},
    "tickets/{open}/close/": {},
    "tickets/{open}/status/": {"status": "in_progress"},
    "tickets/{open}/merge/": {"into": "{into}"},
}
OF_AGENTS = ("PATCH", "status", "merge")  # these know nobody in whose name they are done
UNLIKE_OPERATIONS = {"schema", "docs"}  # for everybody


@dataclass
class World:
    anna: object
    ids: dict[str, int]

    def fill(self, text):
        return int(text.format(**self.ids)) if text in ("{product}", "{into}") else text


@pytest.fixture
def world(anna, vera, product):
    opened = open_ticket(anna, product=product, files=[pdf()])
    resolved = TicketFactory(requester=anna, product=product, status=TicketStatus.RESOLVED)
    into = TicketFactory(requester=anna, product=product)
    return World(anna, {
        "product": product.pk, "open": opened.pk, "resolved": resolved.pk, "into": into.pk,
        "file": Attachment.objects.get().pk,
    })  # fmt: skip


@pytest.fixture
def programs(request, world, anna, vera, boris, agent):
    give_rights(agent)

    def make(who: str) -> Program:
        match who:
            case "stranger":
                return Program()
            case "other customer":
                return program_of(boris)
            case "colleague":
                return program_of(vera)
            case "requester":
                return program_of(anna)
            case "organization":
                return request.getfixturevalue("alphas")
            case "agent":
                return program_of(agent, *Scope)
            case "agent without rights":
                return program_of(AgentFactory(), *Scope)
        text = token_of(anna)
        revoke_all()
        return Program(text)

    return make


@pytest.mark.parametrize(
    ("operation", "who", "status"),
    [
        pytest.param(operation, who, status, id=f"{' '.join(operation)} by {who}")
        for operation, statuses in TABLE.items()
        for who, status in zip(WHO, statuses, strict=True)
    ],
)
def test_operation(programs, world, operation, who, status):
    method, path = operation
    program, where = programs(who), path.format(**world.ids)
    body = {name: world.fill(value) if isinstance(value, str) else value
            for name, value in BODIES.get(path, {}).items()}  # fmt: skip
    if who == "organization" and method != "GET" and not is_for_agents(operation):
        body["on_behalf_of"] = world.anna.email
    if method == "GET":
        answer = program.get(where)
    elif "files" in body:
        answer = program.upload(where, body | {"files": SimpleUploadedFile("счёт.pdf", PDF)})
    else:
        answer = program.send(method, where, body)
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert answer.status_code == status, content


def is_for_agents(operation):
    return any(word in " ".join(operation) for word in OF_AGENTS)


def test_no_operation_is_outside_the_table():
    names = {pattern.name for pattern in urlpatterns} - {None} - UNLIKE_OPERATIONS
    paths = {path for _method, path in TABLE}
    assert len(paths) == len(names)


def test_lists_hold_nothing_of_others(programs, world, boris):
    foreign = TicketFactory(requester=boris)
    for who in ("colleague", "requester", "organization"):
        for chosen in ("own", "organization", "all"):
            found = programs(who).get(f"tickets/?list={chosen}").json()["results"]
            assert foreign.pk not in [ticket["number"] for ticket in found]
    assert len(programs("agent").get("tickets/").json()["results"]) == 4
