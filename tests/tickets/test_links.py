"""Tickets linked with each other: by number, on both sides, once."""

import pytest

from tests.factories import TicketFactory, open_ticket
from tests.tickets.traces import happened
from tickets.links import link_tickets, linked_tickets, unlink_tickets
from tickets.models import Delivery, Face, TicketLink
from tickets.queries import timeline
from tickets.recording import agent as serves
from tickets.recording import customer
from tickets.refusals import AlreadyDone, NotYours
from tickets.refusals_joining import AlreadyLinked, LinkedToItself, NoSuchTicket

pytestmark = pytest.mark.django_db


@pytest.fixture
def by_agent(agent):
    return serves(agent)


@pytest.fixture
def pair(anna, boris):
    return open_ticket(anna), open_ticket(boris)


@pytest.mark.parametrize("turned", [False, True])
def test_both_know_of_it_and_no_customer_does(pair, by_agent, turned):
    Delivery.objects.all().delete()
    one, other = reversed(pair) if turned else pair
    assert link_tickets(ticket=one, number=other.pk, actor=by_agent) == other
    assert (linked_tickets(one), linked_tickets(other)) == ([other], [one])
    lower, upper = pair
    assert happened()[-2:] == [("linked", "", str(upper.pk)), ("linked", "", str(lower.pk))]
    assert [timeline(row, None)[0] for row in pair] == [[], []]
    assert not Delivery.objects.exists()


def test_link_is_removed_from_either_side(pair, by_agent):
    one, other = pair
    link_tickets(ticket=one, number=other.pk, actor=by_agent)
    unlink_tickets(ticket=other, number=one.pk, actor=by_agent)
    assert not TicketLink.objects.exists()
    assert happened()[-2:] == [("linked", str(other.pk), ""), ("linked", str(one.pk), "")]
    with pytest.raises(AlreadyDone):
        unlink_tickets(ticket=one, number=other.pk, actor=by_agent)


def test_twice_is_refused_from_either_side(pair, by_agent):
    one, other = pair
    link_tickets(ticket=one, number=other.pk, actor=by_agent)
    for ticket, number in ((one, other.pk), (other, one.pk)):
        with pytest.raises(AlreadyLinked, match="уже связаны"):
            link_tickets(ticket=ticket, number=number, actor=by_agent)
    assert TicketLink.objects.count() == 1


def test_itself_and_unknown_are_refused(pair, by_agent):
    one, _other = pair
    with pytest.raises(LinkedToItself):
        link_tickets(ticket=one, number=one.pk, actor=by_agent)
    for change in (link_tickets, unlink_tickets):
        with pytest.raises(NoSuchTicket, match="Заявки № 99999 нет"):
            change(ticket=one, number=99999, actor=by_agent)


def test_customers_link_nothing(pair, anna):
    one, other = pair
    for change in (link_tickets, unlink_tickets):
        with pytest.raises(NotYours):
            change(ticket=one, number=other.pk, actor=customer(anna, Face.PORTAL))


@pytest.mark.parametrize("number", [1, 3])
def test_links_are_read_in_one_query(by_agent, number, django_assert_num_queries):
    ticket, *others = TicketFactory.create_batch(number + 1)
    for other in others:
        link_tickets(ticket=ticket, number=other.pk, actor=by_agent)
    with django_assert_num_queries(1):
        assert linked_tickets(ticket) == others[::-1]
