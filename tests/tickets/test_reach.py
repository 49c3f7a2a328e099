"""Where answers will reach a person: what the channels would do, no more and no less."""

import pytest

from telegram_bot.models import TELEGRAM
from tests.factories import MessengerAccountFactory, OrganizationFactory, UserFactory, open_ticket
from tickets.comments import add_comment
from tickets.delivery import channels
from tickets.models import Delivery, Ticket
from tickets.reach import Way, ways_of_answer

pytestmark = pytest.mark.django_db


def ways(user):
    return set(ways_of_answer(Ticket(requester=user, organization=user.organization)))


def own(user):
    return Way("Почта", user.email)


def test_mail_goes_to_the_requester_and_the_client(anna):
    assert ways(anna) == {own(anna), Way("Почта", "office@alpha.example")}


def test_equal_addresses_are_one_way():
    user = UserFactory(email="a@b.example", organization=OrganizationFactory(email="A@b.example"))
    assert ways(user) == {own(user)}


def test_chat_counts_while_it_can_be_reached(boris):
    link = MessengerAccountFactory(user=boris)
    assert ways(boris) == {own(boris), Way("Telegram")}
    link.unreachable_at = link.linked_at
    link.save()
    assert ways(boris) == {own(boris)}


def test_programs_are_no_way(boris, pigeon, monkeypatch):
    monkeypatch.setattr(type(pigeon), "label", "Голубь", raising=False)
    assert ways(boris) == {Way("Голубь")}
    monkeypatch.setattr(type(pigeon), "hears_everything", True)
    assert ways(boris) == set()


def test_it_is_what_an_answer_does(anna, by_agent):
    MessengerAccountFactory(user=anna)
    ticket = open_ticket(anna)
    promised = {(way.label, way.email) for way in ways_of_answer(ticket)}
    add_comment(ticket=ticket, actor=by_agent, body="Смотрим")
    kept = {
        (str(channels()[row.channel].label), "" if row.channel == TELEGRAM else row.address)
        for row in Delivery.objects.exclude(recipient=by_agent.user)
    }
    assert promised == kept
