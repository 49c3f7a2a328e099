"""What agents' programs do: facts, statuses, notes, merging."""

import pytest
from django.conf import settings

from accounts.models import Scope
from tests.api.conftest import codes, program_of
from tests.factories import SpecialistFactory, TicketFactory, UserFactory, open_ticket
from tickets.models import Comment, Ticket, TicketEvent
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db


@pytest.fixture
def number(anna):
    return open_ticket(anna).pk


def test_facts(desk, number, agent):
    answer = desk.patch(f"tickets/{number}/", {"priority": "critical", "assignee": agent.pk})
    assert answer.json()["priority"] == "critical"
    assert answer.json()["assignee"] == {"id": agent.pk, "name": "Ольга О."}
    assert desk.patch(f"tickets/{number}/", {"assignee": None}).json()["assignee"] is None
    assert desk.patch(f"tickets/{number}/", {}).json()["priority"] == "critical"
    assert TicketEvent.objects.filter(face="api", actor=agent).count() == 3


@pytest.mark.parametrize("who", ["a customer", "one with no right", "nobody"])
def test_only_agents_are_given_tickets(desk, number, who):
    person = {
        "a customer": lambda: UserFactory().pk,
        "one with no right": lambda: UserFactory(is_staff=True).pk,
        "nobody": lambda: 10**9,
    }[who]()
    answer = desk.patch(f"tickets/{number}/", {"priority": "high", "assignee": person})
    assert (answer.status_code, codes(answer)) == (
        422, [("#/assignee", "assignee_cannot_serve")]
    )  # fmt: skip
    assert Ticket.objects.get().priority == "medium"


def test_assignee_who_left_stays_while_something_else_is_changed(desk, number, agent):
    desk.patch(f"tickets/{number}/", {"assignee": agent.pk})
    left = SpecialistFactory()
    Ticket.objects.update(assignee=left)
    type(left).objects.filter(pk=left.pk).update(is_active=False)
    answer = desk.patch(f"tickets/{number}/", {"priority": "high"}).json()
    assert (answer["priority"], answer["assignee"]["id"]) == ("high", left.pk)


READ_ONLY = ["number", "status", "title", "requester", "merged_into", "changed_at", "score"]


@pytest.mark.parametrize("key", READ_ONLY)
def test_nothing_else_is_set(desk, number, key):
    answer = desk.patch(f"tickets/{number}/", {key: "closed"})
    assert codes(answer) == [(f"#/{key}", "unknown")]


def test_answer_and_status_are_one(desk, number):
    path = f"tickets/{number}/status/"
    answer = desk.post(path, {"status": "resolved", "answer": "Исправлено"})
    assert (answer.status_code, answer.json()["status"]) == (200, "resolved")
    assert Comment.objects.get().body == "Исправлено"
    assert answer.json()["resolved_at"].endswith("Z")


REFUSED = [
    ({"status": "resolved"}, 422, "answer_missing"),
    ({"status": "resolved", "answer": " \u200b"}, 422, "answer_missing"),
    ({"status": "new"}, 409, "already_done"),
    ({"status": "done"}, 400, "invalid"),
    ({"status": None}, 400, "invalid"),
    ({"status": ["closed"]}, 400, "invalid"),
    ({}, 400, "invalid"),
]


@pytest.mark.parametrize(("body", "status", "code"), REFUSED)
def test_status_that_is_refused(desk, number, body, status, code):
    answer = desk.post(f"tickets/{number}/status/", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_closed_ticket_stays_closed(desk, annas, number):
    annas.post(f"tickets/{number}/close/")
    for path, body, code in (
        ("status/", {"status": "in_progress"}, "transition_not_allowed"),
        ("comments/", {"body": "x"}, "ticket_closed"),
    ):
        answer = desk.post(f"tickets/{number}/{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    note = {"body": "x", "internal": True}
    assert desk.post(f"tickets/{number}/comments/", note).status_code == 201


def test_merged_number_leads_on(desk, annas, anna, number):
    other = TicketFactory(requester=anna).pk
    answer = desk.post(f"tickets/{number}/merge/", {"into": other})
    assert (answer.status_code, answer.json()["number"]) == (200, other)
    for part in ("", "timeline/", "comments/", "attachments/"):
        led = annas.get(f"tickets/{number}/{part}")
        assert led.status_code == 308
        assert led["Location"] == f"{settings.PORTAL_URL}/api/v1/tickets/{other}/{part}"
    for path, body in (("comments/", {"body": "x"}), ("close/", {}), ("rate/", {"score": 1})):
        refused = annas.post(f"tickets/{number}/{path}", body)
        assert (refused.status_code, refused.json()["code"]) == (409, "ticket_merged")
        assert f"№ {other}" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("into", "code"),
    [("itself", "merged_with_itself"), ("nothing", "no_such_ticket"), ("foreign", None),
     ("closed", "merge_target_closed")],
)  # fmt: skip
def test_merge_that_is_refused(desk, anna, number, into, code):
    others = {
        "itself": lambda: number,
        "nothing": lambda: 10**9,
        "foreign": lambda: TicketFactory().pk,
        "closed": lambda: TicketFactory(requester=anna, status=TicketStatus.CLOSED).pk,
    }
    answer = desk.post(f"tickets/{number}/merge/", {"into": others[into]()})
    code = code or "strangers_not_merged"
    assert (answer.status_code, codes(answer)) == (422, [("#/into", code)])


def test_agent_with_both_scopes_is_a_customer_of_their_own(agent, product):
    program = program_of(agent, *Scope)
    body = {"product": product.pk, "title": "Сбой", "description": "У меня"}
    number = program.post("tickets/", body).json()["number"]
    assert program.get("tickets/?list=own").json()["results"][0]["number"] == number
    assert program.post(f"tickets/{number}/close/", {"score": 4}).json()["score"] == 4


def test_desk_alone_opens_nothing(product):
    program = program_of(SpecialistFactory(), Scope.DESK)
    answer = program.post("tickets/", {"product": product.pk, "title": "x", "description": "x"})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


# What customers do with a result


@pytest.fixture
def resolved(anna):
    return TicketFactory(requester=anna, status=TicketStatus.RESOLVED).pk


def test_return(annas, resolved):
    answer = annas.post(f"tickets/{resolved}/return/", {"reason": "Снова не работает"})
    assert (answer.status_code, answer.json()["status"]) == (200, "in_progress")
    again = annas.post(f"tickets/{resolved}/return/", {"reason": "Снова не работает"})
    assert (again.status_code, again.json()["code"]) == (409, "already_done")


def test_rating(annas, resolved):
    answer = annas.post(f"tickets/{resolved}/rate/", {"score": 2, "text": "Долго"})
    found = answer.json()
    assert (found["status"], found["score"], found["rating_comment"]) == ("closed", 2, "Долго")
    again = annas.post(f"tickets/{resolved}/rate/", {"score": 5})
    assert (again.status_code, again.json()["code"]) == (409, "already_done")


@pytest.mark.parametrize("score", [0, 6, "5", 4.5, None, True, [5]])
def test_score_is_one_to_five(annas, resolved, score):
    answer = annas.post(f"tickets/{resolved}/rate/", {"score": score})
    assert (answer.status_code, codes(answer)[0][0]) == (400, "#/score")


def test_what_is_not_resolved_is_not_rated(annas, number):
    answer = annas.post(f"tickets/{number}/rate/", {"score": 5})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_rateable")


def test_closing_needs_no_body(annas, number):
    assert annas.http.post(
        f"/api/v1/tickets/{number}/close/", headers=annas.headers, content_type="application/json"
    ).json()["status"] == "closed"  # fmt: skip
