"""Agents who change more than a person can are told so, and nothing of theirs is lost."""

import pytest
from django.urls import reverse

from accounts.models import Usage
from accounts.quotas import AGENT_CHANGES
from tests.desk.test_ticket_card import card, shown
from tests.desk.test_tickets import begin, fill
from tests.factories import TicketFactory, UsageFactory, open_ticket
from tickets.models import Comment, Ticket
from tickets.status import TicketStatus

REFUSED = "Слишком много изменений подряд. Попробуйте снова через"


@pytest.fixture
def used_up(specialist):
    UsageFactory(user=specialist, kind="changes", used=AGENT_CHANGES.limit)


def test_card_keeps_the_answer(desk, anna, used_up):
    ticket = open_ticket(anna)
    page = desk.post(card(ticket), shown(ticket, answer="Посмотрели журнал")).content.decode()
    assert REFUSED in page
    assert "Посмотрели журнал</textarea>" in page
    assert not Comment.objects.exists()


def close_all(desk, tickets):
    address = begin(desk, "close", *tickets)
    return desk.post(address, fill(desk, address, answer="Готово."), follow=True)


def test_list_says_it_once(desk, anna, product, used_up):
    tickets = TicketFactory.create_batch(3, requester=anna, product=product)
    page = close_all(desk, tickets)
    assert page.content.decode().count(REFUSED) == 1
    assert not Ticket.objects.filter(status=TicketStatus.CLOSED).exists()


def test_page_of_tickets_is_closed_at_once(desk, anna, product):
    tickets = TicketFactory.create_batch(50, requester=anna, product=product)
    close_all(desk, tickets)
    assert Ticket.objects.filter(status=TicketStatus.CLOSED).count() == 50
    assert Usage.objects.get().used == 50


def test_links_of_others_are_counted_for_who_ends_them(root_desk, superuser, linked):
    UsageFactory(user=superuser, kind="changes", used=AGENT_CHANGES.limit)
    UsageFactory(user=linked, kind="changes", used=AGENT_CHANGES.limit)
    chosen = {"action": "unlink", "_selected_action": [linked.messengers.get().pk]}
    links = reverse("admin:accounts_messengeraccount_changelist")
    assert REFUSED in root_desk.post(links, chosen, follow=True).content.decode()
    assert linked.messengers.exists()
    Usage.objects.filter(user=superuser).delete()
    root_desk.post(links, chosen)
    assert not linked.messengers.exists()
