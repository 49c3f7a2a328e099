"""The customer and the due time beside the conversation."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from desk.beside import due_of, in_words
from tests.desk.test_ticket_card import card
from tests.factories import BotRegistrationFactory, MessengerAccountFactory, open_ticket
from tickets.models import Ticket


@pytest.fixture
def ticket(anna):
    return open_ticket(anna)


def text(response):
    return " ".join(response.content.decode().split())


def test_due_time_is_said_with_what_is_left(ticket):
    now = ticket.next_due_at - timedelta(minutes=12)
    due = due_of(ticket, now)
    assert due.text.startswith("ответить до ")
    assert (due.left, due.is_late) == ("осталось 12 мин", False)
    late = due_of(ticket, ticket.next_due_at + timedelta(minutes=3))
    assert (late.left, late.is_late) == ("опоздание 3 мин", True)
    ticket.answered_at = now
    assert due_of(ticket, now).text.startswith("решить до ")


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "0 мин"), (59, "59 мин"), (65, "1 ч 05 мин"), (1440, "1 день"), (2900, "2 дня")],
)
def test_wait_in_words(minutes, words):
    assert in_words(timedelta(minutes=minutes, seconds=30)) == words


def test_closed_ticket_has_no_due_time(desk, ticket):
    ticket.next_due_at = timezone.now()
    ticket.status = "closed"
    assert due_of(ticket) is None


def test_late_one_is_marked(desk, ticket):
    assert "due-late" not in text(desk.get(card(ticket)))
    Ticket.objects.update(next_due_at=timezone.now() - timedelta(minutes=5))
    page = text(desk.get(card(ticket)))
    assert "due-late" in page
    assert "опоздание 5 мин" in page


def test_last_five_other_tickets_of_the_customer(desk, ticket, anna, boris):
    others = [open_ticket(anna, title=f"Другая {number}") for number in range(6)]
    open_ticket(boris, title="Чужая")
    page = text(desk.get(card(ticket)))
    shown = [other.title in page for other in others]
    assert shown == [False, True, True, True, True, True]
    assert "Чужая" not in page


def test_phone_is_for_whom_it_is_right(client, agent, ticket, anna):
    BotRegistrationFactory(user=anna, phone="+79161234567")
    rights = ["view_ticket"]
    agent.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client.force_login(agent)
    page = text(client.get(card(ticket)))
    assert "регистрация есть, +7 ··· ··· 45 67" in page
    assert "+79161234567" not in page
    rights.append("view_botregistration")
    agent.user_permissions.set(Permission.objects.filter(codename__in=rights))
    assert "регистрация есть, +79161234567" in text(client.get(card(ticket)))


def test_ended_registration_is_none(desk, ticket, anna):
    BotRegistrationFactory(user=anna, withdrawn_at=timezone.now())
    assert "регистрации нет" in text(desk.get(card(ticket)))


def test_links_say_whether_they_work(desk, ticket, anna):
    link = MessengerAccountFactory(user=anna, username="anna_k")
    assert "@anna_k — связан" in text(desk.get(card(ticket)))
    link.unreachable_at = timezone.now()
    link.save()
    assert "недоступен с" in text(desk.get(card(ticket)))
