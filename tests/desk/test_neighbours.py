"""Previous and next of the list that a card was opened from."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from tests.desk.test_ticket_card import card, shown
from tests.factories import ProductFactory, TicketFactory, open_ticket
from tickets.models import Ticket


@pytest.fixture
def five(anna, product):
    """The first is due first; the last two have no due time."""
    rows = [TicketFactory(requester=anna, product=product) for _row in range(5)]
    now = timezone.now()
    for number, row in enumerate(rows[:3]):
        Ticket.objects.filter(pk=row.pk).update(next_due_at=now + timedelta(hours=number))
    return rows


def around(client, ticket, **choice):
    query = {"list": urlencode(choice)} if choice else {}
    found = client.get(card(ticket), query).context["neighbours"]
    return found.previous, found.following


def chain(client, rows, **choice):
    """Every ticket's neighbours are those before and after it."""
    numbers = [None, *(row.pk for row in rows), None]
    for place, row in enumerate(rows, start=1):
        assert around(client, row, **choice) == (numbers[place - 1], numbers[place + 1])


def test_order_is_that_of_the_list(desk, five):
    chain(desk, five)
    chain(desk, five, tab="free")


def test_same_due_time_goes_by_number(desk, five):
    Ticket.objects.update(next_due_at=timezone.now())
    chain(desk, five)


def test_numbers_go_down_among_closed_ones(desk, five):
    Ticket.objects.update(status="closed", next_due_at=None)
    chain(desk, five[::-1], tab="closed")


def test_waiting_ones_go_by_number(desk, five):
    Ticket.objects.update(status="waiting", next_due_at=None)
    chain(desk, five, tab="waiting")


def test_filters_of_the_list_hold(desk, five, anna):
    other = ProductFactory()
    Ticket.objects.filter(pk__in=[five[0].pk, five[3].pk]).update(product=other, priority="high")
    chain(desk, [five[0], five[3]], product=other.pk)
    chain(desk, [five[0], five[3]], priority="high")
    assert around(desk, five[0], organization="нет такой") == (None, None)


def test_search_has_its_neighbours(desk, five):
    Ticket.objects.filter(pk__in=[five[1].pk, five[4].pk]).update(title="Особый сертификат")
    chain(desk, [five[4], five[1]], q="сертификат")


def test_place_holds_though_an_answer_moves_the_ticket(desk, anna, product):
    first, second, third = (open_ticket(anna, product=product) for _row in range(3))
    path = f"{card(second)}?{urlencode({'list': 'tab=free'})}"
    saved = desk.post(path, shown(second, answer="Смотрим."), follow=True)
    found = saved.context["neighbours"]
    assert (found.previous, found.following) == (first.pk, third.pk)
    assert f'href="{card(third)}?list=tab%3Dfree" rel="next"' in saved.content.decode()


@pytest.mark.each_case
@pytest.mark.parametrize("place", ["x", "9" * 30, "9" * 18, "-1", "٥"])
def test_forged_place_is_no_error(desk, five, place):
    assert desk.get(card(five[0]), {"list": "tab=open", "at": place}).status_code == 200
