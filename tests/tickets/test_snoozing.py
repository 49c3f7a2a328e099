"""Tickets put off: until a time, until the customer speaks, told of once."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from telegram_bot.notices import COMPOSERS
from tests.factories import (
    AgentFactory,
    MessengerAccountFactory,
    SpecialistFactory,
    TicketFactory,
    UserFactory,
    open_ticket,
)
from tests.tickets.traces import happened
from tickets import services
from tickets.comments import add_comment
from tickets.delivery import drain
from tickets.models import Delivery, Face, Ticket
from tickets.recording import agent as serves
from tickets.recording import customer
from tickets.refusals import AlreadyDone, NotYours, SnoozeRefused, TicketClosed
from tickets.snoozing import LONGEST, snooze, tell_of_woken_tickets, wake
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(db):
    return SpecialistFactory(username="olga")


@pytest.fixture
def ticket(anna, product, agent):
    ticket = open_ticket(anna, product=product)
    services.take_to_work(ticket=ticket, actor=serves(agent))
    Delivery.objects.all().delete()
    return Ticket.objects.get(pk=ticket.pk)


def in_hours(hours):
    return timezone.now() + timedelta(hours=hours)


def until(ticket):
    return Ticket.objects.get(pk=ticket.pk).snoozed_until


def woken():
    rows = Delivery.objects.filter(kind="staff_woken")
    return list(rows.values_list("channel", "address"))


def test_it_rests_and_only_agents_see_it(ticket, agent):
    time = in_hours(1)
    snooze(ticket=ticket, until=time, actor=serves(agent))
    assert until(ticket) == time
    assert happened()[-1] == ("snoozed", "", time.isoformat())
    assert ticket.events.last().is_internal
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("time", [timedelta(), timedelta(minutes=-1), LONGEST + timedelta(hours=1)])
def test_time_gone_by_or_too_far_is_refused(ticket, agent, time):
    with pytest.raises(SnoozeRefused):
        snooze(ticket=ticket, until=timezone.now() + time, actor=serves(agent))
    assert until(ticket) is None


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_what_is_done_does_not_rest(agent, status):
    with pytest.raises(TicketClosed):
        snooze(ticket=TicketFactory(status=status), until=in_hours(1), actor=serves(agent))


def test_same_time_again_is_already_done(ticket, agent):
    time = in_hours(1)
    snooze(ticket=ticket, until=time, actor=serves(agent))
    with pytest.raises(AlreadyDone):
        snooze(ticket=ticket, until=time, actor=serves(agent))


def test_customers_put_nothing_off(ticket, anna):
    for change in (lambda **given: snooze(until=in_hours(1), **given), wake):
        with pytest.raises(NotYours):
            change(ticket=ticket, actor=customer(anna, Face.PORTAL))


def test_it_is_brought_back_at_once(ticket, agent):
    snooze(ticket=ticket, until=in_hours(1), actor=serves(agent))
    wake(ticket=ticket, actor=serves(agent))
    assert until(ticket) is None
    assert happened()[-1] == ("snoozed", "", "")
    with pytest.raises(AlreadyDone):
        wake(ticket=ticket, actor=serves(agent))


def test_word_of_the_customer_wakes_it_and_is_told_alone(ticket, agent, anna, clock):
    snooze(ticket=ticket, until=in_hours(5), actor=serves(agent))
    clock.advance(hours=1)
    add_comment(ticket=ticket, actor=customer(anna, Face.PORTAL), body="Срочно!")
    assert until(ticket) == ticket.events.last().created_at
    clock.advance(minutes=1)
    tell_of_woken_tickets()
    assert woken() == []
    assert Delivery.objects.filter(kind="staff_comment", address=agent.email).exists()


def test_word_of_a_colleague_wakes_it(ticket, agent, anna):
    anna.organization.shares_tickets = True
    anna.organization.save()
    colleague = UserFactory(organization=anna.organization)
    snooze(ticket=ticket, until=in_hours(5), actor=serves(agent))
    add_comment(ticket=ticket, actor=customer(colleague, Face.PORTAL), body="И у меня")
    assert until(ticket) <= timezone.now()


def test_agents_work_on_while_it_rests(ticket, agent):
    time = in_hours(5)
    snooze(ticket=ticket, until=time, actor=serves(agent))
    add_comment(ticket=ticket, actor=serves(agent), body="Жду поставщика", internal=True)
    services.change_status(
        ticket=ticket, to=TicketStatus.WAITING, actor=serves(agent), answer="Какой регион?"
    )
    assert until(ticket) == time


@pytest.mark.parametrize("to", ["resolved", "closed"])
def test_what_is_done_is_put_off_no_longer(ticket, agent, to):
    snooze(ticket=ticket, until=in_hours(5), actor=serves(agent))
    services.change_status(ticket=ticket, to=to, actor=serves(agent), answer="Готово")
    assert until(ticket) is None


def test_its_time_comes_and_is_told_once(ticket, agent, clock):
    snooze(ticket=ticket, until=in_hours(1), actor=serves(agent))
    tell_of_woken_tickets()
    assert woken() == []
    clock.advance(hours=1, minutes=1)
    for _minute in range(3):
        tell_of_woken_tickets()
    assert woken() == [("email", agent.email)]
    assert happened()[-1] == ("snoozed", "", "woken")
    drain("email")
    assert mail.outbox[0].subject == f"Отложенная заявка № {ticket.pk} вернулась"
    assert until(ticket) <= timezone.now()  # till an agent does something to it
    add_comment(ticket=ticket, actor=serves(agent), body="Занялся", internal=True)
    assert until(ticket) is None


def test_assignee_hears_in_the_chat_too(ticket, agent, clock):
    MessengerAccountFactory(user=agent)
    snooze(ticket=ticket, until=in_hours(1), actor=serves(agent))
    clock.advance(hours=2)
    tell_of_woken_tickets()
    row = Delivery.objects.get(channel="telegram")
    assert "отложенная заявка вернулась" in COMPOSERS[row.kind](row).params["text"]


def test_it_can_be_put_off_again_and_is_told_of_again(ticket, agent, clock):
    for _time in range(2):
        snooze(ticket=ticket, until=in_hours(1), actor=serves(agent))
        clock.advance(hours=1, minutes=1)
        tell_of_woken_tickets()
    assert woken() == [("email", agent.email)] * 2


def test_desk_hears_of_what_nobody_has(anna, product, clock, settings):
    settings.STAFF_EMAIL = "desk@support.example"
    ticket = open_ticket(anna, product=product)
    snooze(ticket=ticket, until=in_hours(1), actor=serves(AgentFactory()))
    clock.advance(hours=2)
    tell_of_woken_tickets()
    assert woken() == [("email", "desk@support.example")]


@pytest.mark.parametrize("number", [1, 3])
def test_untold_are_found_in_one_query(agent, clock, number, django_assert_num_queries):
    for _number in range(number):
        ticket = TicketFactory()
        snooze(ticket=ticket, until=in_hours(1), actor=serves(agent))
    with django_assert_num_queries(1):
        tell_of_woken_tickets()
