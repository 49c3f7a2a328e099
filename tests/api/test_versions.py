"""ETag, If-Match, If-None-Match: which state a program has seen, and changes for that state."""

import pytest

from tests.api.conftest import Program, token_of
from tests.factories import open_ticket
from tests.threads import in_parallel
from tickets.comments import add_comment
from tickets.models import Comment, Ticket
from tickets.recording import agent as by

pytestmark = pytest.mark.django_db


@pytest.fixture
def number(anna, product):
    return open_ticket(anna, product=product).pk


def tag(program, number):
    return program.get(f"tickets/{number}/")["ETag"]


def test_tag_cannot_be_made_by_its_reader(annas, number, settings):
    before = tag(annas, number)
    settings.SECRET_KEY = "another"
    assert tag(annas, number) != before


def test_tag_stays_while_nothing_happens(annas, number):
    assert tag(annas, number) == tag(annas, number)
    assert annas.get(f"tickets/{number}/", **{"If-None-Match": tag(annas, number)}).content == b""


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', "*"])
def test_known_state_is_not_sent_again(annas, number, form):
    known = form.format(tag(annas, number))
    answer = annas.get(f"tickets/{number}/", **{"If-None-Match": known})
    assert (answer.status_code, answer["ETag"]) == (304, tag(annas, number))
    assert annas.get(f"tickets/{number}/", **{"If-None-Match": '"x"'}).status_code == 200


def test_tag_moves_with_what_this_reader_sees(annas, desk, number, agent):
    before = tag(annas, number), tag(desk, number)
    ticket = Ticket.objects.get()
    add_comment(ticket=ticket, actor=by(agent), body="Заметка", internal=True)
    assert tag(annas, number) == before[0]
    assert tag(desk, number) != before[1]
    add_comment(ticket=ticket, actor=by(agent), body="Ответ")
    assert tag(annas, number) != before[0]


def test_tag_moves_with_names_in_it(annas, number, product):
    before = tag(annas, number)
    type(product).objects.update(name="Сервер")
    assert tag(annas, number) != before


def test_change_answers_with_the_tag_of_now(annas, number):
    answer = annas.post(f"tickets/{number}/close/", {"score": 5, "text": "Спасибо"})
    assert answer["ETag"] == tag(annas, number)


@pytest.mark.parametrize("form", ["{}", '"x", {}', "*", '{}, "a,b"'])
def test_change_of_what_was_seen(desk, number, form):
    answer = desk.patch(
        f"tickets/{number}/", {"priority": "high"}, **{"If-Match": form.format(tag(desk, number))}
    )
    assert (answer.status_code, answer.json()["priority"]) == (200, "high")


@pytest.mark.parametrize("form", ['"x"', "W/{}", "nonsense", "", '"x", W/{}'])
def test_change_of_something_else(desk, number, form):
    """A weak tag never matches here: RFC 9110 compares strongly."""
    answer = desk.patch(
        f"tickets/{number}/", {"priority": "high"}, **{"If-Match": form.format(tag(desk, number))}
    )
    assert (answer.status_code, answer.json()["code"]) == (412, "ticket_changed")
    assert Ticket.objects.get().priority == "medium"


ACTS = [
    ("comments/", {"body": "Текст"}), ("close/", {}), ("return/", {"reason": "Снова"}),
    ("rate/", {"score": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body"), ACTS)
def test_every_act_asks(annas, number, path, body):
    answer = annas.post(f"tickets/{number}/{path}", body, **{"If-Match": '"old"'})
    assert (answer.status_code, answer.json()["code"]) == (412, "ticket_changed")
    assert not Comment.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_ten_that_saw_the_same_one_changes_it(anna, product):
    number = open_ticket(anna, product=product).pk
    token = token_of(anna)
    seen = tag(Program(token), number)

    def say(text):
        path = f"tickets/{number}/comments/"
        return lambda: Program(token).post(path, {"body": text}, **{"If-Match": seen})

    answers = in_parallel(*map(say, "абвгдежзик"))
    assert sorted(answer.status_code for answer in answers) == [201] + [412] * 9
    assert Comment.objects.count() == 1
