"""What was said and what happened: what each reader is given of it, and new words."""

import pytest

from accounts.models import Scope
from tests.api.conftest import codes, give_rights, program_of
from tests.factories import AgentFactory, UserFactory, open_ticket
from tests.files import PDF, pdf
from tickets.comments import add_comment
from tickets.models import Comment, Face, Ticket
from tickets.recording import agent as by
from tickets.recording import customer
from tickets.services import set_priority

pytestmark = pytest.mark.django_db
SECRET = "Клиент не платит"


@pytest.fixture
def ticket(anna, agent):
    """With an answer, a secret note with a file, and a change."""
    ticket = open_ticket(anna)
    actor = by(agent)
    add_comment(ticket=ticket, actor=actor, body="Проверяем", files=[pdf("план.pdf")])
    add_comment(ticket=ticket, actor=actor, body=SECRET, files=[pdf("долг.pdf")], internal=True)
    set_priority(ticket=ticket, priority="high", actor=actor)
    return ticket


PARTS = ["", "timeline/", "comments/", "attachments/"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("who", ["annas", "vera", "alphas", "agent as a customer"])
def test_customers_are_given_no_notes(request, ticket, anna, vera, agent, who, part):
    if who == "vera":
        program = program_of(vera)
    elif who == "agent as a customer":
        type(agent).objects.filter(pk=agent.pk).update(organization=anna.organization)
        agent.refresh_from_db()
        program = program_of(agent, Scope.READ)
    else:
        program = request.getfixturevalue(who)
    text = program.get(f"tickets/{ticket.pk}/{part}").content.decode()
    assert f'"number":{ticket.pk}' in text or '"results":[{' in text
    assert SECRET not in text
    assert "долг.pdf" not in text
    assert "noted" not in text
    assert '"internal":true' not in text


def test_file_of_a_note_is_for_the_desk(ticket, annas, desk):
    file = ticket.attachments.get(name="долг.pdf")
    for path in (f"attachments/{file.pk}/", f"attachments/{file.pk}/content/"):
        assert annas.get(path).status_code == 404
    assert desk.get(f"attachments/{file.pk}/").json()["name"] == "долг.pdf"
    assert b"".join(desk.get(path).streaming_content) == PDF


def test_agents_are_given_notes_marked_as_such(ticket, desk):
    comments = desk.get(f"tickets/{ticket.pk}/comments/").json()["results"]
    assert [(one["body"], one["internal"]) for one in comments] == [
        ("Проверяем", False), (SECRET, True)
    ]  # fmt: skip
    assert [one["files"][0]["name"] for one in comments] == ["план.pdf", "долг.pdf"]
    events = desk.get(f"tickets/{ticket.pk}/timeline/").json()["results"]
    assert [one["comment"]["body"] for one in events if one["internal"]] == [SECRET]


def test_timeline(ticket, annas):
    events = annas.get(f"tickets/{ticket.pk}/timeline/").json()["results"]
    assert [event["kind"] for event in events] == ["assigned", "status", "priority"]
    answer, change = events[1:]
    assert (answer["comment"]["body"], answer["by"]["role"]) == ("Проверяем", "agent")
    assert answer["by"]["person"]["name"] == "Ольга О."
    assert (change["old"], change["new"], change["comment"]) == ("medium", "high", None)
    assert change["at"].endswith("Z")


@pytest.mark.each_case
@pytest.mark.parametrize("part", ["timeline/", "comments/", "attachments/"])
@pytest.mark.parametrize(("who", "most"), [("annas", 3), ("desk", 5)])
@pytest.mark.parametrize("count", [1, 3, 30])
def test_pages_and_their_cost(request, anna, who, most, part, count, django_assert_max_num_queries):
    ticket, program = open_ticket(anna), request.getfixturevalue(who)
    for place in range(count):
        customer_of = customer(UserFactory(), Face.PORTAL)
        comment = Comment.objects.create(
            ticket=ticket, author=customer_of.user, by_agent=False, body=str(place), face="portal"
        )
        ticket.attachments.create(comment=comment, name=f"{place}.pdf")
        ticket.events.create(kind="commented", actor=comment.author, comment=comment, face="portal")
    program.get("me/")
    path, found = f"tickets/{ticket.pk}/{part}?page_size=20", []
    while path:
        with django_assert_max_num_queries(1 + most):
            page = program.get(path).json()
        found += page["results"]
        path = page["next"]
    assert len(found) == count
    assert [row["id"] for row in found] == sorted(row["id"] for row in found)


def test_card_costs_one_query_besides_the_token(ticket, annas, desk, django_assert_num_queries):
    for program, of_rights in ((annas, 0), (desk, 2)):
        program.get("me/")
        with django_assert_num_queries(1 + 1 + of_rights):
            assert program.get(f"tickets/{ticket.pk}/").status_code == 200


def test_comment_takes_a_waiting_ticket_back_to_work(ticket, annas, desk):
    desk.post(f"tickets/{ticket.pk}/status/", {"status": "waiting", "answer": "Пришлите журнал"})
    answer = annas.post(f"tickets/{ticket.pk}/comments/", {"body": " Вот он \r\n"})
    assert (answer.status_code, answer.json()["body"]) == (201, "Вот он")
    assert answer.json()["by"]["role"] == "customer"
    assert annas.get(f"tickets/{ticket.pk}/").json()["status"] == "in_progress"
    assert Comment.objects.latest("pk").face == Face.API


def test_customers_know_no_internal_comments(ticket, annas):
    answer = annas.post(f"tickets/{ticket.pk}/comments/", {"body": "x", "internal": False})
    assert codes(answer) == [("#/internal", "unknown")]


def test_agent_needs_the_rights_of_the_desk(anna):
    ticket, watcher = open_ticket(anna), AgentFactory()
    give_rights(watcher, "view_ticket")
    program = program_of(watcher, *Scope)
    assert program.get(f"tickets/{ticket.pk}/").status_code == 200
    for path in ("comments/", "status/", "merge/"):
        answer = program.post(f"tickets/{ticket.pk}/{path}", {"body": "x"})
        assert (answer.status_code, answer.json()["code"]) == (403, "right_missing")


# In whose name


def test_program_of_an_organization_names_a_member(alphas, anna, boris, ticket, vera):
    path = f"tickets/{ticket.pk}/comments/"
    assert codes(alphas.post(path, {"body": "x"})) == [("#/on_behalf_of", "required")]
    for email in (boris.email, "nobody@alpha.example", ""):
        answer = alphas.post(path, {"body": "x", "on_behalf_of": email})
        assert (answer.status_code, codes(answer)) == (
            422, [("#/on_behalf_of", "no_such_member")]
        )  # fmt: skip
    said = alphas.post(path, {"body": "x", "on_behalf_of": vera.email.upper()})
    assert said.json()["by"]["person"]["id"] == vera.pk


def test_nobody_else_names_anybody(annas, anna, product):
    body = {"product": product.pk, "title": "x", "description": "x", "on_behalf_of": anna.email}
    assert codes(annas.post("tickets/", body)) == [("#/on_behalf_of", "unknown")]


def test_member_who_may_not_see_the_ticket_says_nothing(alphas, anna, product):
    """The organization shares nothing: its program sees the ticket, the colleague does not."""
    body = {"product": product.pk, "title": "x", "description": "x", "on_behalf_of": anna.email}
    number = alphas.post("tickets/", body).json()["number"]
    other = UserFactory(organization=anna.organization)
    answer = alphas.post(f"tickets/{number}/comments/", {"body": "x", "on_behalf_of": other.email})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")


def test_tickets_of_a_token_are_counted_apart(alphas, annas, anna, product):
    body = {"product": product.pk, "title": "x", "description": "x"}
    named = body | {"on_behalf_of": anna.email}
    assert alphas.post("tickets/", named).status_code == 201
    assert Ticket.objects.get().opened_with.organization == anna.organization
    follow_up = body | {"parent": Ticket.objects.get().pk}
    refused = annas.post("tickets/", follow_up)
    assert codes(refused) == [("#/parent", "no_such_ticket")]
    Ticket.objects.update(status="closed")
    assert annas.post("tickets/", follow_up).json()["parent"] == follow_up["parent"]


def test_numbers_of_tickets_that_one_may_not_see_are_not_told(annas, desk, anna, boris):
    foreign, mine = open_ticket(boris), open_ticket(anna)
    Ticket.objects.filter(pk=mine.pk).update(parent=foreign, merged_into=foreign)
    for found in (
        annas.get(f"tickets/{mine.pk}/").json(), annas.get("tickets/").json()["results"][0]
    ):  # fmt: skip
        assert (found["parent"], found["merged_into"]) == (None, None)
    mine.events.create(kind="merged", new_value=str(foreign.pk), face="admin")
    mine.events.create(kind="split", old_value=str(mine.pk), face="admin")
    path = f"tickets/{mine.pk}/timeline/"
    told = [(one["old"], one["new"]) for one in annas.get(path).json()["results"]]
    assert told == [("", ""), (str(mine.pk), "")]
    assert desk.get(path).status_code == 308
    refused = annas.post(f"tickets/{mine.pk}/comments/", {"body": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "ticket_closed")
    listed = {one["number"]: one for one in desk.get("tickets/").json()["results"]}
    assert (listed[mine.pk]["parent"], listed[mine.pk]["merged_into"]) == (foreign.pk,) * 2
