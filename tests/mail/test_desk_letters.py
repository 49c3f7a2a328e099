"""Letters to agents about whose ticket it is: to the desk, to who has it, to who had it."""

import pytest
from django.core import mail

from accounts.models import User
from config.compiled import Compiled
from tests.factories import AgentFactory, SpecialistFactory, TicketFactory, open_ticket
from tests.mail.outbox import ask, mailed_to, pdf, row_to, send_due
from tickets import agents, recording, services
from tickets.agents import DESK_LIMIT
from tickets.clocks import tell_of_due_times
from tickets.comments import add_comment
from tickets.delivery import resend
from tickets.models import Delivery
from tickets.preferences import Choice, Topic, choose
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db

State = Delivery.State


@pytest.fixture
def igor(db):
    return SpecialistFactory(
        username="igor", email="igor@support.example", first_name="Игорь", last_name="Петров"
    )


def assign(ticket, assignee, by):
    services.assign_ticket(ticket=ticket, assignee=assignee, actor=recording.agent(by))


def letter_to(user):
    [letter] = [letter for letter in mail.outbox if letter.to == [user.email]]
    return letter


# The desk


def test_new_ticket_is_told_to_every_agent_while_the_desk_has_no_address(anna, agent, igor):
    AgentFactory()  # no role: may not see tickets
    SpecialistFactory(is_active=False)
    SpecialistFactory(is_staff=False)
    SpecialistFactory(email="")
    root = AgentFactory(is_superuser=True)
    open_ticket(anna, description="С самого утра.")
    send_due()
    assert sorted(mailed_to()) == sorted([[agent.email], [igor.email], [root.email]])
    assert all("С самого утра." in letter.body for letter in mail.outbox)
    assert len({letter.extra_headers["Message-ID"] for letter in mail.outbox}) == 3


def test_address_of_the_desk_hears_instead_of_its_agents(anna, agent, igor, desk):
    open_ticket(anna)
    send_due()
    assert mailed_to() == [[desk]]


def test_files_of_a_new_ticket_come_to_the_address_of_the_desk_only(anna, agent, settings):
    open_ticket(anna, files=[pdf("счёт.pdf")])
    send_due()
    assert mail.outbox[0].attachments == []
    assert "Только на карточке заявки:\n- счёт.pdf" in mail.outbox[0].body
    settings.STAFF_EMAIL = "desk@support.example"
    open_ticket(anna, files=[pdf("счёт.pdf")])
    send_due()
    assert len(mail.outbox[1].attachments) == 1


def test_agent_who_asks_does_not_hear_of_it_as_the_desk(agent, igor):
    open_ticket(agent)
    send_due()
    assert mailed_to() == [[igor.email]]


@pytest.mark.parametrize("count", [1, 3])
def test_desk_is_read_in_the_same_queries_however_large(
    anna, product, count, django_assert_num_queries
):
    for _ in range(count):
        SpecialistFactory()
    open_ticket(anna, product=product)
    with django_assert_num_queries(16):
        open_ticket(anna, product=product)


def test_no_more_agents_are_told_than_the_limit(anna, agent, igor, monkeypatch):
    assert DESK_LIMIT == 200
    monkeypatch.setattr(agents, "DESK_LIMIT", 1)
    monkeypatch.setattr(agents, "DESK", Compiled(agents.DESK.build, str))  # with this limit
    open_ticket(anna)
    assert Delivery.objects.get(channel="email").recipient == agent


def test_who_does_not_want_free_tickets_hears_of_their_own_only(ticket, anna, agent, igor, clock):
    choose(user=agent, choices={Topic.STAFF_FREE: Choice(by_mail=False)})
    ask(ticket, clock)
    assert mailed_to() == [[igor.email]]
    assign(ticket, agent, by=agent)
    mail.outbox.clear()
    ask(ticket, clock)
    assert mailed_to() == [[agent.email]]


def test_who_does_not_want_letters_of_their_own_tickets_gets_none(ticket, agent, igor, clock):
    choose(user=agent, choices={Topic.STAFF_OWN: Choice(by_mail=False)})
    type(ticket).objects.update(assignee=agent)
    ask(ticket, clock)
    assert mail.outbox == [], "nor does the desk in their place"


# Hands


def test_new_assignee_hears_of_it_from_who_assigned(ticket, agent, igor):
    assign(ticket, igor, by=agent)
    send_due()
    letter = letter_to(igor)
    assert letter.subject == f"Заявка № {ticket.pk} назначена вам"
    [(html, _mimetype)] = letter.alternatives
    for words in ("Кто назначил: Ольга О.", ticket.description, f"/ticket/{ticket.pk}/change/"):
        assert words in letter.body
        assert words in html
    assert [agent.email] not in mailed_to()


def test_who_takes_a_ticket_hears_nothing(ticket, agent, igor):
    services.take_to_work(ticket=ticket, actor=recording.agent(agent))
    send_due()
    assert {address for [address] in mailed_to()} == {"anna@alpha.example", "office@alpha.example"}


def test_former_assignee_hears_who_has_it_now(ticket, agent, igor):
    head = SpecialistFactory(first_name="Глеб", last_name="Титов")
    type(ticket).objects.update(assignee=agent)
    assign(ticket, igor, by=head)
    send_due()
    letter = letter_to(agent)
    assert letter.subject == f"Заявка № {ticket.pk} передана"
    assert "Кто занимается заявкой: Игорь П." in letter.body
    assert "Кто передал: Глеб Т." in letter.body
    assert letter_to(igor).subject == f"Заявка № {ticket.pk} назначена вам"
    assert [head.email] not in mailed_to()


def test_who_takes_it_from_another_is_named_once(ticket, agent, igor):
    type(ticket).objects.update(assignee=agent)
    assign(ticket, igor, by=igor)
    send_due()
    assert letter_to(agent).body.count("Игорь П.") == 1
    assert [igor.email] not in mailed_to()


def test_ticket_put_back_is_told_to_the_desk_and_once_to_who_had_it(ticket, agent, igor):
    other = SpecialistFactory()
    type(ticket).objects.update(assignee=agent)
    assign(ticket, None, by=igor)
    send_due()
    assert letter_to(agent).subject == f"Заявка № {ticket.pk} передана"
    assert "больше нет исполнителя" in letter_to(agent).body
    assert letter_to(other).subject == f"Заявка № {ticket.pk} снова без исполнителя"
    assert "Игорь П." in letter_to(other).body
    assert [igor.email] not in mailed_to()


@pytest.mark.parametrize("address", ["olga@support.example", "OLGA@support.example"])
def test_desk_with_the_address_of_its_only_agent_gets_one_letter(
    ticket, agent, igor, settings, address
):
    settings.STAFF_EMAIL = address
    type(ticket).objects.update(assignee=agent)
    assign(ticket, None, by=igor)
    open_ticket(agent)
    send_due()
    assert [to for to in mailed_to() if to[0].casefold() == agent.email] == [[agent.email]]


# What changed before a letter left


def test_letter_to_who_lost_the_ticket_meanwhile_is_cancelled(ticket, anna, agent, igor, clock):
    type(ticket).objects.update(assignee=agent)
    add_comment(ticket=ticket, actor=recording.customer(anna, "bot"), body="Вопрос")
    assign(ticket, igor, by=igor)
    clock.advance(seconds=61)
    send_due()
    row = Delivery.objects.get(kind="staff_comment")
    assert (row.state, row.error) == (
        State.CANCELLED, "заявкой занимается уже другой специалист",
    )  # fmt: skip


def test_customers_words_still_reach_who_had_a_ticket_that_nobody_has_now(
    ticket, anna, agent, igor, clock
):
    type(ticket).objects.update(assignee=agent)
    add_comment(ticket=ticket, actor=recording.customer(anna, "bot"), body="Вопрос")
    assign(ticket, None, by=igor)
    clock.advance(seconds=61)
    send_due()
    assert Delivery.objects.get(kind="staff_comment").state == State.SENT


def test_letter_about_a_ticket_that_another_took_is_cancelled(anna, agent, igor):
    ticket = open_ticket(anna)
    assign(ticket, igor, by=igor)
    send_due()
    assert row_to(agent.email).state == State.CANCELLED
    assert row_to(agent.email).error == "заявкой занимается уже другой специалист"
    assert row_to(igor.email).state == State.SENT


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"is_staff": False}, {"user_permissions": []}]
)
def test_letter_to_who_serves_no_more_is_cancelled_with_words(anna, agent, change):
    open_ticket(anna)
    user = User.objects.get(pk=agent.pk)
    for name, value in change.items():
        if name == "user_permissions":
            user.user_permissions.clear()
        else:
            setattr(user, name, value)
    user.save()
    send_due()
    assert mail.outbox == []
    row = row_to(agent.email)
    assert row.state == State.CANCELLED
    assert row.error
    resend(row)
    send_due()
    assert mail.outbox == []


def test_warning_goes_to_the_assignee_else_to_every_agent(anna, agent, igor, clock):
    mine, free = (TicketFactory(requester=anna, assignee=who) for who in (agent, None))
    for ticket in (mine, free):
        services.set_priority(ticket=ticket, priority="high", actor=recording.agent(igor))
    Delivery.objects.all().delete()
    clock.advance(minutes=50)
    tell_of_due_times()
    told = Delivery.objects.filter(kind="staff_due").values_list("ticket", "address")
    assert sorted(told) == sorted(
        [(mine.pk, agent.email), (free.pk, agent.email), (free.pk, igor.email)]
    )


@pytest.mark.parametrize("to", [TicketStatus.WAITING, TicketStatus.CLOSED])
def test_customer_reads_the_words_of_a_status_in_its_letter(ticket, agent, to):
    services.change_status(
        ticket=ticket, to=to, actor=recording.agent(agent), answer="Пришлите <журнал>"
    )
    send_due()
    [letter] = [letter for letter in mail.outbox if letter.to == ["anna@alpha.example"]]
    assert "Пришлите <журнал>" in letter.body
    assert "Пришлите &lt;журнал&gt;" in letter.alternatives[0][0]
