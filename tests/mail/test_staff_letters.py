"""Letters to staff: the assignee or the desk."""

import pytest
from django.core import mail

from tests.factories import TicketFactory, open_ticket
from tests.mail.outbox import ask, mailed_to, pdf, row_to, send_due
from tickets import services
from tickets.comments import add_comment, extend_comment
from tickets.models import Delivery, Face
from tickets.recording import customer
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db

State = Delivery.State


def assign(ticket, agent):
    type(ticket).objects.filter(pk=ticket.pk).update(assignee=agent)


def test_new_ticket_is_told_to_the_desk_with_its_words(anna, desk):
    ticket = open_ticket(anna, title="Нет связи", description="С самого утра.")
    send_due()
    [letter] = mail.outbox
    assert letter.to == [desk]
    assert letter.subject == f"Новая заявка № {ticket.number}"
    [(html, _mimetype)] = letter.alternatives
    for words in ("Нет связи", "С самого утра.", f"/tickets/ticket/{ticket.pk}/change/"):
        assert words in letter.body
        assert words in html


def test_customers_comment_is_mailed_to_the_assignee_alone(ticket, agent, clock, desk):
    assign(ticket, agent)
    ask(ticket, clock)
    assert mailed_to() == [["olga@support.example"]]
    assert "Вопрос" in mail.outbox[0].body


def test_customers_comment_waits_for_the_rest_of_its_album(ticket, anna, clock, desk, monkeypatch):
    monkeypatch.setattr("tickets.delivery.SLICE", 0.5)
    actor = customer(anna, Face.BOT)
    comment = add_comment(ticket=ticket, actor=actor, body="Вот фото")
    send_due()
    assert mail.outbox == []
    extend_comment(comment=comment, body="и ещё одно", files=[pdf()])
    clock.advance(seconds=61)
    send_due()
    [letter] = mail.outbox
    assert "Вот фото\nи ещё одно" in letter.body
    assert len(letter.attachments) == 1


def test_customers_comment_is_mailed_to_the_desk_while_nobody_is_assigned(ticket, clock, desk):
    ask(ticket, clock)
    assert mailed_to() == [[desk]]


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}, {"email": ""}])
def test_assignee_who_cannot_serve_is_replaced_by_the_desk(ticket, agent, clock, desk, change):
    assign(ticket, agent)
    type(agent).objects.filter(pk=agent.pk).update(**change)
    ask(ticket, clock)
    assert mailed_to() == [[desk]]


def test_without_assignee_and_desk_nobody_is_mailed(ticket, clock):
    ask(ticket, clock)
    assert mail.outbox == []
    assert not Delivery.objects.filter(channel="email").exists()


def test_assignee_dismissed_meanwhile_is_not_mailed(ticket, anna, agent, clock, desk):
    assign(ticket, agent)
    add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Вопрос")
    type(agent).objects.filter(pk=agent.pk).update(is_active=False)
    clock.advance(seconds=61)
    send_due()
    assert mail.outbox == []
    assert row_to("olga@support.example").state == State.CANCELLED


def test_return_is_told_with_its_reason(ticket, anna, agent, desk, clock):
    type(ticket).objects.update(status=TicketStatus.RESOLVED, assignee=agent)
    actor = customer(anna, Face.PORTAL)
    services.return_to_work(ticket=ticket, actor=actor, reason="Снова пропал <отчёт>")
    clock.advance(seconds=61)
    send_due()
    [letter] = mail.outbox
    assert letter.to == ["olga@support.example"]
    assert letter.subject == f"Заявка № {ticket.number} возвращена в работу"
    assert "Снова пропал <отчёт>" in letter.body
    assert "Снова пропал &lt;отчёт&gt;" in letter.alternatives[0][0]


def test_staff_hears_neither_of_staff_nor_of_ratings(ticket, anna, by_agent, agent, desk):
    assign(ticket, agent)
    add_comment(ticket=ticket, actor=by_agent, body="Заметка", internal=True)
    add_comment(ticket=ticket, actor=by_agent, body="Ответ")
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово."
    )
    actor = customer(anna, Face.BOT)
    services.rate_ticket(ticket=ticket, actor=actor, score=5)
    send_due()
    assert {address for [address] in mailed_to()} == {"anna@alpha.example", "office@alpha.example"}


def test_agent_who_asks_as_a_customer_does_not_hear_of_it_as_the_assignee(agent, clock, desk):
    ticket = TicketFactory(requester=agent, assignee=agent)
    ask(ticket, clock)
    assert mail.outbox == []


def test_staff_letters_do_not_reach_the_customer(anna, ticket, clock, desk):
    ask(ticket, clock)
    open_ticket(anna)
    send_due()
    assert mailed_to() == [[desk], [desk]]


def test_comment_that_waits_for_more_holds_up_no_other_ticket(ticket, anna, desk, clock):
    add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Здравствуйте")
    other = open_ticket(anna)
    send_due()
    assert [letter.subject for letter in mail.outbox if letter.to == [desk]] == [
        f"Новая заявка № {other.number}"
    ]
