"""Letters against a real mail server: sizes, refusals, and servers that break off."""

import pytest

from mail import posting
from tests.factories import TicketFactory
from tests.mail.outbox import answer, pdf, row_to
from tickets.comments import add_comment
from tickets.delivery import drain
from tickets.models import Delivery

pytestmark = pytest.mark.django_db

State = Delivery.State
POSTFIX_LIMIT = 10_240_000  # bytes
BORIS = "boris@beta.example"


@pytest.fixture(autouse=True)
def _short_slice(monkeypatch):
    monkeypatch.setattr("tickets.delivery.SLICE", 0.3)


@pytest.fixture
def ticket(boris):
    """Of a person with one address: one letter an answer."""
    return TicketFactory(requester=boris)


def answer_with_files(ticket, by_agent, *sizes):
    files = [pdf(f"{number}.pdf", size) for number, size in enumerate(sizes, 1)]
    add_comment(ticket=ticket, actor=by_agent, body="Вот файлы", files=files)
    drain("email")
    return row_to(BORIS)


def assert_words_with_link(server, ticket):
    assert "Вот файлы" in server.text()
    assert ticket.get_absolute_url() in server.text()


def test_announced_size_is_obeyed(ticket, by_agent, serve):
    """Two files of 4.6 MB are 12.6 MB in a letter: one goes with it, the other stays."""
    server = serve(announced=POSTFIX_LIMIT)
    row = answer_with_files(ticket, by_agent, 4_600_000, 4_600_000)
    assert (row.state, row.attempts, server.tries) == (State.SENT, 1, 1)
    assert server.files() == ["1.pdf"]
    assert server.sizes[0] < POSTFIX_LIMIT
    assert_words_with_link(server, ticket)
    assert "Только на карточке заявки:\n- 2.pdf" in server.text()


@pytest.mark.parametrize("size", [1, 56, 57, 58, 100_000])
def test_size_of_a_file_in_a_letter_is_never_underestimated(
    ticket, by_agent, serve, size, monkeypatch
):
    name = "ф" * 116 + ".pdf"
    server = serve()
    add_comment(ticket=ticket, actor=by_agent, body="Вот", files=[pdf(name, max(size, 8))])
    drain("email")
    monkeypatch.setattr(posting, "MAILED_FILES", 0)
    add_comment(ticket=ticket, actor=by_agent, body="Вот", files=[pdf(name, max(size, 8))])
    drain("email")
    with_file, without = server.sizes
    assert 0 < with_file - without <= posting.encoded_size(max(size, 8))


@pytest.mark.parametrize("announced", [None, 0])
def test_without_an_announced_size_files_are_tried(ticket, by_agent, serve, announced):
    server = serve(announced=announced)
    answer_with_files(ticket, by_agent, 50_000, 50_000)
    assert server.files() == ["1.pdf", "2.pdf"]


@pytest.mark.parametrize(
    "refusal",
    [
        "552 5.3.4 Message size exceeds fixed maximum message size",
        "523 5.2.3 Message length exceeds administrative limit",
        "534 5.3.4 Message too big for system",
        "550 Message too large",
        "554 5.2.270 MapiExceptionMaxSubmissionExceeded; Message size exceeds maximum size limit.",
        "452 4.3.4 Message too large for now",
    ],
)
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_refused_size_is_answered_at_once_by_a_letter_without_files(
    ticket, by_agent, serve, step, refusal
):
    server = serve()
    server.answers[step] = [refusal]
    row = answer_with_files(ticket, by_agent, 1000)
    assert (row.state, row.attempts, server.tries) == (State.SENT, 1, 2)
    assert server.files() == []
    assert_words_with_link(server, ticket)
    assert "Только на карточке заявки:\n- 1.pdf" in server.text()


def test_letter_that_is_too_large_even_without_files_fails(ticket, by_agent, serve):
    server = serve()
    server.answers["DATA"] = ["552 5.3.4 Too big"] * 2
    row = answer_with_files(ticket, by_agent, 1000)
    assert (row.state, row.error) == (State.FAILED, "SMTP 552 5.3.4 Too big")
    assert server.tries == 2


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
def test_other_refusal_is_final_and_told_in_the_words_of_the_server(ticket, by_agent, serve, step):
    server = serve()
    server.answers[step] = ["550 5.7.1 Not wanted here"]
    row = answer_with_files(ticket, by_agent, 1000)
    assert (row.state, row.error) == (State.FAILED, "SMTP 550 5.7.1 Not wanted here")
    assert server.tries == 1


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_passing_refusal_is_tried_again_with_the_files(ticket, by_agent, serve, step, clock):
    server = serve()
    server.answers[step] = ["451 4.7.1 Greylisted, try again"]
    assert answer_with_files(ticket, by_agent, 1000).state == State.QUEUED
    clock.advance(seconds=3)
    drain("email")
    assert row_to(BORIS).state == State.SENT
    assert server.files() == ["1.pdf"]


def test_refused_sender_waits_for_our_mail_server_to_be_mended(ticket, by_agent, serve, clock):
    server = serve()
    server.answers["MAIL"] = ["550 5.7.1 Sender not allowed"]
    assert answer_with_files(ticket, by_agent, 1000).state == State.QUEUED
    clock.advance(seconds=3)
    drain("email")
    assert server.files() == ["1.pdf"]


def test_server_that_breaks_off_gets_the_words_after_three_tries(ticket, by_agent, serve, clock):
    server = serve()
    server.answers["DATA"] = ["hang up"] * 3
    row = answer_with_files(ticket, by_agent, 1000)
    assert (row.state, row.attempts) == (State.QUEUED, 1)
    for _ in range(2):
        clock.advance(seconds=9)
        drain("email")
    row.refresh_from_db()
    assert (row.state, row.attempts) == (State.SENT, 3)
    assert server.files() == []
    assert_words_with_link(server, ticket)


def test_server_that_breaks_off_without_files_is_tried_again(ticket, by_agent, serve, clock):
    server = serve()
    server.answers["DATA"] = ["hang up"] * 4
    answer(ticket, by_agent, "Вот файлы")
    for _ in range(4):
        clock.advance(minutes=3)
        drain("email")
    assert row_to(BORIS).attempts == 5
    assert_words_with_link(server, ticket)


@pytest.mark.parametrize(
    "address", ["ж@beta.example", "boris@" + "я" * 70 + ".рф", "boris@beta..example", "boris"]
)
def test_address_no_letter_can_have_is_final(ticket, by_agent, serve, address, boris):
    server = serve()
    type(boris).objects.filter(pk=boris.pk).update(email=address)
    boris.refresh_from_db()
    answer(TicketFactory(requester=boris), by_agent)
    row = Delivery.objects.get()
    assert (row.state, row.attempts, server.tries) == (State.FAILED, 1, 0)


def test_domain_in_russian_gets_its_letter(by_agent, serve, boris):
    server = serve()
    type(boris).objects.filter(pk=boris.pk).update(email="boris@пример.рф")
    boris.refresh_from_db()
    answer(TicketFactory(requester=boris), by_agent)
    assert server.letters[0]["To"] == "boris@xn--e1afmkfd.xn--p1ai"


def test_file_that_cannot_be_read_holds_no_words(ticket, by_agent, serve, monkeypatch):
    def fail(*_args):
        raise PermissionError

    server = serve()
    add_comment(ticket=ticket, actor=by_agent, body="Вот файлы", files=[pdf()])
    monkeypatch.setattr("django.db.models.fields.files.FieldFile.open", fail)
    drain("email")
    assert_words_with_link(server, ticket)
    assert server.files() == []
