"""Letters of a ticket: whom they reach, their form, and a mail server in trouble."""

import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.db import OperationalError
from django.utils import timezone

from mail.channel import EmailChannel
from tests.factories import TicketFactory, UserFactory, open_ticket
from tests.mail.outbox import answer, mailed_to, row_to, send_due
from tickets import services
from tickets.comments import add_comment
from tickets.delivery import drain, resend, tell
from tickets.models import Delivery, Face
from tickets.recording import customer
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db

State = Delivery.State


def test_answer_reaches_both_addresses_apart(ticket, by_agent):
    answer(ticket, by_agent)
    assert mailed_to() == [["anna@alpha.example"], ["office@alpha.example"]]
    assert all("Проверьте сейчас." in letter.body for letter in mail.outbox)
    assert not any(letter.cc or letter.bcc for letter in mail.outbox)


def test_answer_reaches_an_equal_address_once(boris, by_agent):
    answer(TicketFactory(requester=boris), by_agent)
    assert mailed_to() == [["boris@beta.example"]]


def test_internal_note_is_never_mailed(ticket, by_agent):
    add_comment(ticket=ticket, actor=by_agent, body="Секрет", internal=True)
    send_due()
    assert mail.outbox == []


def test_own_comment_is_never_mailed(ticket, anna):
    add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Вопрос")
    send_due()
    assert mail.outbox == []


def test_new_ticket_is_mailed_to_the_desk_if_it_has_an_address(boris, settings):
    open_ticket(boris)
    settings.STAFF_EMAIL = "desk@support.example"
    open_ticket(boris)
    send_due()
    assert mailed_to() == [["desk@support.example"]]


def test_letters_of_a_ticket_are_one_thread_of_different_letters(ticket, by_agent):
    other = TicketFactory(requester=ticket.requester)
    answer(ticket, by_agent, "Первый")
    answer(ticket, by_agent, "Второй")
    answer(other, by_agent, "О другом")
    messages = [letter.message() for letter in mail.outbox]
    assert len({message["Message-ID"] for message in messages}) == 6
    threads = [message["References"] for message in messages]
    assert threads == [threads[0]] * 4 + [threads[4]] * 2
    assert threads[0] != threads[4]
    assert [message["In-Reply-To"] for message in messages] == threads


def test_letter_sent_again_keeps_its_id(ticket, by_agent):
    answer(ticket, by_agent)
    row = row_to("anna@alpha.example")
    Delivery.objects.filter(pk=row.pk).update(state=State.FAILED)
    resend(row)
    send_due()
    first, again = (letter for letter in mail.outbox if letter.to == ["anna@alpha.example"])
    assert first.extra_headers == again.extra_headers


def test_headers_stop_mail_loops_and_make_threads(ticket, by_agent, settings):
    settings.DEFAULT_FROM_EMAIL = "Поддержка <help@support.example>"
    answer(ticket, by_agent)
    letter = mail.outbox[0]
    thread = f"<ticket-{ticket.pk}@support.example>"
    assert letter.extra_headers == {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Message-ID": f"<delivery-{row_to('anna@alpha.example').pk}@support.example>",
        "In-Reply-To": thread,
        "References": thread,
    }
    assert letter.message()["From"].endswith("<help@support.example>")


@pytest.mark.parametrize(
    ("to", "kind", "words"),
    [(TicketStatus.IN_PROGRESS, "status", ""), (TicketStatus.RESOLVED, "resolved", "Готово.")],
)
def test_every_letter_names_ticket_and_has_both_forms(ticket, by_agent, to, kind, words):
    services.change_status(ticket=ticket, to=to, actor=by_agent, answer=words)
    send_due()
    letter = mail.outbox[0]
    [(html, mimetype)] = letter.alternatives
    assert row_to("anna@alpha.example").kind == kind
    assert str(ticket.number) in letter.subject
    assert mimetype == "text/html"
    assert html


def test_markup_is_literal_in_text_and_escaped_in_html(ticket, by_agent):
    answer(ticket, by_agent, "<script>alert(1)</script> & «да»")
    letter = mail.outbox[0]
    [(html, _mimetype)] = letter.alternatives
    assert "<script>alert(1)</script> & «да»" in letter.body
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "&amp;" not in letter.subject
    assert "&lt;" not in letter.subject


def test_newlines_in_names_never_break_the_subject(ticket, by_agent, anna, agent):
    odd = "Имя\r\nBcc: all@example.com"
    type(anna).objects.update(first_name=odd, last_name="\n")
    type(ticket).objects.update(title="Тема\r\nBcc: all@example.com")
    type(ticket.product).objects.update(name="Продукт\nX-Evil: 1")
    type(anna.organization).objects.update(name="ООО\r\nX-Evil: 1")
    answer(ticket, by_agent)
    assert len(mail.outbox) == 2
    for letter in mail.outbox:
        message = letter.message()
        assert "\n" not in letter.subject
        assert message["Bcc"] is None
        assert message["X-Evil"] is None


def test_deactivated_person_is_not_mailed_but_the_client_is(ticket, by_agent, anna):
    add_comment(ticket=ticket, actor=by_agent, body="Ответ")
    type(anna).objects.filter(pk=anna.pk).update(is_active=False)
    send_due()
    assert row_to("anna@alpha.example").state == State.CANCELLED
    assert row_to("office@alpha.example").state == State.SENT
    assert mailed_to() == [["office@alpha.example"]]


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPRecipientsRefused({"anna@alpha.example": (550, b"no such user")}),
        smtplib.SMTPDataError(554, b"spam"),
        smtplib.SMTPDataError(503, b"5.5.1 RCPT first"),
    ],
)
def test_final_refusal_is_one_try_and_holds_nobody(ticket, by_agent, smtp, error):
    smtp["anna@alpha.example"] = error
    answer(ticket, by_agent)
    row = row_to("anna@alpha.example")
    assert (row.state, row.attempts) == (State.FAILED, 1)
    assert "SMTP 5" in row.error
    assert mailed_to() == [["office@alpha.example"]]


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("refused"),
        OperationalError("no such column"),
        TimeoutError("slow"),
        smtplib.SMTPServerDisconnected("gone"),
        smtplib.SMTPRecipientsRefused({"anna@alpha.example": (451, b"later")}),
        smtplib.SMTPRecipientsRefused({"anna@alpha.example": (450, b"4.1.2 Domain not found")}),
        smtplib.SMTPDataError(452, b"full"),
        smtplib.SMTPAuthenticationError(535, b"bad credentials"),
        smtplib.SMTPConnectError(554, b"your host is blocked"),
        smtplib.SMTPHeloError(550, b"who are you"),
        smtplib.SMTPSenderRefused(550, b"not from here", "support@localhost"),
    ],
)
def test_passing_trouble_is_tried_again(ticket, by_agent, smtp, error, clock, monkeypatch):
    monkeypatch.setattr("tickets.delivery.SLICE", 0.5)
    smtp["anna@alpha.example"] = error
    answer(ticket, by_agent)
    row = row_to("anna@alpha.example")
    assert row.state == State.QUEUED
    assert row.due_at > timezone.now()
    assert mailed_to() == [["office@alpha.example"]]
    smtp.clear()
    clock.advance(seconds=3)
    send_due()
    assert mailed_to() == [["office@alpha.example"], ["anna@alpha.example"]]


@pytest.mark.parametrize(
    "error", [smtplib.SMTPServerDisconnected("gone"), smtplib.SMTPDataError(421, b"4.4.2 closing")]
)
def test_letter_whose_answers_are_lost_comes_ever_more_rarely(
    ticket, by_agent, smtp, error, clock, monkeypatch
):
    """It may have arrived each time, so a day of tries must not be a day of copies."""
    monkeypatch.setattr("tickets.delivery.SLICE", 0.1)
    smtp["anna@alpha.example"] = error
    answer(ticket, by_agent)
    while (row := row_to("anna@alpha.example")).state == State.QUEUED:
        clock.advance(seconds=(row.due_at - clock.now()).total_seconds() + 0.001)
        send_due()
    assert row.state == State.FAILED
    assert 20 < row.attempts < 40
    assert clock.now() - row.first_tried_at >= timedelta(hours=24)

    smtp.clear()
    resend(row)
    send_due()
    assert row_to("anna@alpha.example").state == State.SENT


def test_lost_answers_count_apart_from_a_server_that_is_down(ticket, by_agent, smtp, clock):
    """Attempts that met nobody make the first copy no rarer."""
    add_comment(ticket=ticket, actor=by_agent, body="Ответ")
    Delivery.objects.filter(address="anna@alpha.example").update(attempts=10)
    smtp["anna@alpha.example"] = smtplib.SMTPServerDisconnected("gone")
    send_due()
    row = row_to("anna@alpha.example")
    assert row.due_at < clock.now() + timedelta(seconds=10)
    assert "gone" in row.error


def test_letter_that_cannot_be_made_holds_no_other(ticket, by_agent, smtp, monkeypatch):
    monkeypatch.setattr("tickets.delivery.SLICE", 0.5)
    smtp["anna@alpha.example"] = ValueError("odd")
    answer(ticket, by_agent)
    assert mailed_to() == [["office@alpha.example"]]
    row = row_to("anna@alpha.example")
    assert (row.state, row.error) == (State.FAILED, "ValueError")


@pytest.mark.parametrize("address", ["##form_email##", "anna@", "a@b@c"])
def test_address_that_is_none_holds_no_other(ticket, by_agent, address, anna, monkeypatch):
    monkeypatch.setattr("tickets.delivery.SLICE", 0.5)
    type(anna).objects.filter(pk=anna.pk).update(email=address)
    ticket.refresh_from_db()
    answer(ticket, by_agent)
    assert row_to(address).state == State.FAILED
    assert mailed_to() == [["office@alpha.example"]]


def test_letter_whose_kind_has_no_template_holds_no_other(ticket, by_agent, monkeypatch):
    monkeypatch.setattr("tickets.delivery.SLICE", 0.5)
    add_comment(ticket=ticket, actor=by_agent, body="Ответ")
    Delivery.objects.filter(address="anna@alpha.example").update(kind="unheard")
    send_due()
    assert mailed_to() == [["office@alpha.example"]]


def test_person_without_an_address_gets_no_row(by_agent):
    answer(TicketFactory(requester=UserFactory(email="")), by_agent)
    assert not Delivery.objects.filter(channel="email").exists()
    assert mail.outbox == []


def test_letters_are_claimed_one_by_one():
    """A slow server then holds one letter, not a batch whose claim runs out."""
    assert EmailChannel.batch == 1


def test_order_of_letters_to_an_address_is_kept(ticket, by_agent, smtp, clock, monkeypatch):
    monkeypatch.setattr("tickets.delivery.SLICE", 0.5)
    smtp["anna@alpha.example"] = OSError()
    answer(ticket, by_agent, "Первый ответ")
    smtp.clear()
    answer(ticket, by_agent, "Второй ответ")
    assert ["anna@alpha.example"] not in mailed_to()
    clock.advance(seconds=10)
    send_due()
    bodies = [letter.body for letter in mail.outbox if letter.to == ["anna@alpha.example"]]
    assert ["Первый" in bodies[0], "Второй" in bodies[1]] == [True, True]


def test_letter_that_waits_holds_its_own_ticket_only(boris, desk, clock, monkeypatch):
    """The desk's mailbox is shared by every ticket."""
    monkeypatch.setattr("tickets.delivery.SLICE", 0.5)
    waiting, other = open_ticket(boris), open_ticket(boris)
    Delivery.objects.filter(ticket=waiting).update(due_at=clock.now() + timedelta(minutes=5))
    for ticket in (waiting, other):
        add_comment(ticket=ticket, actor=customer(boris, Face.BOT), body="Вопрос")
    clock.advance(seconds=61)
    drain("email")
    assert [f"№ {other.number}" in letter.subject for letter in mail.outbox] == [True, True]
    clock.advance(minutes=5)
    drain("email")
    assert [f"№ {waiting.number}" in letter.subject for letter in mail.outbox[2:]] == [True, True]


def test_letters_without_a_ticket_wait_for_none(linked, clock, monkeypatch):
    monkeypatch.setattr("tickets.delivery.SLICE", 0.5)
    for key in ("waits", "goes"):
        tell(channel="email", kind="linked", address=linked.email, recipient=linked, key=key)
    Delivery.objects.filter(key="waits").update(due_at=clock.now() + timedelta(minutes=5))
    drain("email")
    assert set(Delivery.objects.values_list("key", "state")) == {
        ("waits", State.QUEUED), ("goes", State.SENT),
    }  # fmt: skip
