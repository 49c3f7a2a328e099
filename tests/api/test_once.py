"""A request that comes again under its key acts once, and is answered as it was."""

import pytest

from tests.api.conftest import Program, program_of, token_of
from tests.factories import UserFactory, open_ticket
from tests.threads import in_parallel
from tickets.models import Comment, FormKey, Ticket

KEY = {"Idempotency-Key": "a1"}


@pytest.fixture
def body(product):
    return {"product": product.pk, "title": "Сбой", "description": "Не отвечает"}


def test_answer_comes_again(annas, body):
    first, again = (annas.post("tickets/", body, **KEY) for _time in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    for header in ("ETag", "Location"):
        assert first[header] == again[header]
    assert ("Idempotency-Replayed" in first, again["Idempotency-Replayed"]) == (False, "true")
    assert Ticket.objects.count() == 1


def test_answer_is_the_one_of_then(annas, body):
    number = annas.post("tickets/", body).json()["number"]
    first = annas.post(f"tickets/{number}/close/", {"score": 5}, **KEY)
    Ticket.objects.update(title="Другое")
    again = annas.post(f"tickets/{number}/close/", {"score": 5}, **KEY)
    assert again.json() == first.json()
    assert annas.post(f"tickets/{number}/close/", {"score": 5}).status_code == 409


@pytest.mark.each_case
@pytest.mark.parametrize("changed", ["body", "path"])
def test_other_request_under_the_key(annas, body, changed):
    number = annas.post("tickets/", body, **KEY).json()["number"]
    if changed == "body":
        answer = annas.post("tickets/", body | {"title": "Другое"}, **KEY)
    else:
        answer = annas.post(f"tickets/{number}/comments/", {"body": "Текст"}, **KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
    assert (Ticket.objects.count(), Comment.objects.count()) == (1, 0)


def test_same_body_in_other_spelling_is_the_same(annas, product):
    number = product.pk
    one = f'{{"product": {number}, "title": "a", "description": "b"}}'.encode()
    other = f'{{"description":"\\u0062","title":"a","product":{number}}}'.encode()
    first, again = (annas.post("tickets/", sent, **KEY) for sent in (one, other))
    assert first.json() == again.json()


def test_refusal_is_not_kept(annas, body):
    assert annas.post("tickets/", body | {"product": 10**9}, **KEY).status_code == 422
    assert annas.post("tickets/", body, **KEY).status_code == 201


@pytest.mark.each_case
@pytest.mark.parametrize("key", ["", " ", "x" * 256, "два", "a b", "a\tb"])
def test_key_that_is_none(annas, body, key):
    answer = annas.post("tickets/", body, **{"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_idempotency_key")


def test_key_of_one_person_is_not_another_s(annas, boris, body):
    for program in (annas, program_of(boris)):
        assert program.post("tickets/", body, **KEY).status_code == 201
    assert Ticket.objects.count() == 2


def test_key_of_a_person_holds_over_tokens(anna, body):
    for program in (program_of(anna), program_of(anna)):
        assert program.post("tickets/", body, **KEY).status_code == 201
    assert Ticket.objects.count() == 1


def test_key_of_an_organization_holds_over_people(alphas, anna, body):
    other = UserFactory(organization=anna.organization)
    first = alphas.post("tickets/", body | {"on_behalf_of": anna.email}, **KEY)
    again = alphas.post("tickets/", body | {"on_behalf_of": anna.email}, **KEY)
    assert (first.status_code, first.json()) == (201, again.json())
    answer = alphas.post("tickets/", body | {"on_behalf_of": other.email}, **KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
    assert Ticket.objects.get().requester == anna


def test_key_of_an_organization_is_not_a_person_s(alphas, annas, anna, body):
    assert annas.post("tickets/", body, **KEY).status_code == 201
    answer = alphas.post("tickets/", body | {"on_behalf_of": anna.email}, **KEY)
    assert "Idempotency-Replayed" not in answer
    assert Ticket.objects.count() == 2


def test_key_goes_with_its_effect(annas, body, monkeypatch):
    """Neither is kept without the other."""

    def fail(*_args, **_given):
        raise ZeroDivisionError

    monkeypatch.setattr("api.tickets.ticket_answer", fail)
    assert annas.post("tickets/", body, **KEY).status_code == 500
    assert (Ticket.objects.count(), FormKey.objects.count()) == (0, 0)


@pytest.mark.each_case
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("whose", ["a person's", "an organization's"])
def test_twenty_at_once_are_one(anna, administrator, product, whose):
    body = {"product": product.pk, "title": "Сбой", "description": "Не отвечает"}
    if whose == "a person's":
        token = token_of(anna)
    else:
        token = token_of(administrator, organization=anna.organization)
        body["on_behalf_of"] = anna.email
    answers = in_parallel(*[lambda: Program(token).post("tickets/", body, **KEY)] * 20)
    assert [answer.status_code for answer in answers] == [201] * 20
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer for answer in answers) == 1
    assert Ticket.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_under_one_key_are_one_ticket(anna, vera, administrator, product):
    token = token_of(administrator, organization=anna.organization)
    body = {"product": product.pk, "title": "Сбой", "description": "Не отвечает"}

    def call(email):
        return lambda: Program(token).post("tickets/", body | {"on_behalf_of": email}, **KEY)

    answers = in_parallel(*[call(person.email) for person in (anna, vera)] * 5)
    assert sorted({answer.status_code for answer in answers}) == [201, 422]
    assert Ticket.objects.count() == 1


def test_note_and_status_of_the_desk_once(desk, anna):
    number = open_ticket(anna).pk
    for _time in range(2):
        note = desk.post(f"tickets/{number}/comments/", {"body": "N", "internal": True}, **KEY)
        assert note.status_code == 201
        moved = desk.post(
            f"tickets/{number}/status/",
            {"status": "waiting", "answer": "Пришлите журнал"},
            **{"Idempotency-Key": "b2"},
        )
        assert (moved.status_code, moved.json()["status"]) == (200, "waiting")
    assert Comment.objects.count() == 2
