"""Agents who follow a ticket hear of its public events and notes; colleagues as before."""

import pytest
from django.core import mail

from telegram_bot.notices import COMPOSERS
from tests.factories import (
    AgentFactory,
    MessengerAccountFactory,
    ProductFactory,
    SpecialistFactory,
    UserFactory,
    open_ticket,
)
from tickets import services
from tickets.comments import add_comment
from tickets.delivery import drain
from tickets.details import change_details
from tickets.followers import add_follower, remove_follower, shown_followers
from tickets.models import Delivery, Face, Follower, Ticket
from tickets.recording import agent as serves
from tickets.recording import customer
from tickets.refusals import AlreadyDone, MayNotFollow, NotYours
from tickets.snoozing import wake
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db


@pytest.fixture
def igor(db):
    return SpecialistFactory(username="igor", email="igor@support.example")


@pytest.fixture
def olga(db):
    return SpecialistFactory(username="olga", email="olga@support.example")


@pytest.fixture
def ticket(anna, product, igor, olga, settings):
    settings.STAFF_EMAIL = "desk@support.example"
    ticket = open_ticket(anna, product=product)
    Ticket.objects.update(status=TicketStatus.IN_PROGRESS)  # so that an answer is only that
    add_follower(ticket=ticket, user=igor, actor=olga)
    Delivery.objects.all().delete()
    return ticket


def told(user):
    rows = Delivery.objects.filter(channel="email", address=user.email).order_by("pk")
    return list(rows.values_list("kind", flat=True))


@pytest.mark.parametrize("change", [add_follower, remove_follower])
def test_only_who_serves_decides_who_follows(ticket, igor, anna, change):
    left = SpecialistFactory(is_active=False)
    for actor in (anna, AgentFactory(), left):
        with pytest.raises(NotYours):
            change(ticket=ticket, user=igor, actor=actor)
    assert Follower.objects.get().user == igor


def test_follower_hears_of_everything_but_their_own_doing(ticket, igor, olga, anna, product, clock):
    by_olga = serves(olga)
    for internal in (False, True):
        add_comment(ticket=ticket, actor=by_olga, body="Слова", internal=internal)
    add_comment(ticket=ticket, actor=customer(anna, Face.PORTAL), body="Слова клиента")
    services.set_priority(ticket=ticket, priority="high", actor=by_olga)
    services.assign_ticket(ticket=ticket, assignee=olga, actor=by_olga)
    other = ProductFactory(name="Сеть")
    was = (ticket.title, product.pk)
    change_details(ticket=ticket, title="Иначе", product=other, was=was, actor=by_olga)
    services.change_status(ticket=ticket, to=TicketStatus.WAITING, actor=by_olga, answer="?")
    assert told(igor) == ["staff_followed"] * 8
    add_comment(ticket=ticket, actor=serves(igor), body="Я сам", internal=True)
    assert told(igor) == ["staff_followed"] * 8
    clock.advance(minutes=2)  # words of a customer may still grow
    for _row in range(Delivery.objects.filter(channel="email").count()):
        drain("email")
    bodies = [letter.body for letter in mail.outbox if letter.to == [igor.email]]
    for words in (
        "Ответ клиенту.", "Внутренняя заметка.", "→ Высокий", "Кто занимается",
        "Тема: «Не открывается отчёт» → «Иначе»", "→ Сеть", "→ Ожидает ответа клиента",
    ):  # fmt: skip
        assert any(words in body for body in bodies), words


def test_words_that_take_a_waiting_ticket_back_are_told_once(ticket, igor, olga, anna):
    services.assign_ticket(ticket=ticket, assignee=olga, actor=serves(olga))
    add_follower(ticket=ticket, user=olga, actor=igor)
    services.change_status(ticket=ticket, to=TicketStatus.WAITING, actor=serves(olga), answer="?")
    Delivery.objects.all().delete()
    add_comment(ticket=ticket, actor=customer(anna, Face.PORTAL), body="Седьмая")
    assert (told(igor), told(olga)) == (["staff_followed"], ["staff_comment"])


def test_follower_hears_in_the_chat_too(ticket, igor, olga):
    MessengerAccountFactory(user=igor)
    add_comment(ticket=ticket, actor=serves(olga), body="Ответ")
    services.set_priority(ticket=ticket, priority="high", actor=serves(olga))
    rows = Delivery.objects.filter(channel="telegram", recipient=igor)
    texts = [COMPOSERS[row.kind](row).params["text"] for row in rows.order_by("pk")]
    assert "Ответ клиенту." in texts[0]
    assert "→ Высокий" in texts[1]
    assert all("за которой вы следите" in text for text in texts)


def test_assignee_who_follows_hears_once(ticket, igor, olga, anna):
    services.assign_ticket(ticket=ticket, assignee=igor, actor=serves(olga))
    assert told(igor) == ["staff_assigned"]
    add_comment(ticket=ticket, actor=customer(anna, Face.PORTAL), body="Ну что?")
    assert told(igor) == ["staff_assigned", "staff_comment"]


def test_follower_who_left_the_desk_is_not_told_any_more(ticket, igor, olga):
    add_comment(ticket=ticket, actor=serves(olga), body="Слова", internal=True)
    igor.groups.clear()
    igor.user_permissions.clear()
    drain("email")
    assert [letter for letter in mail.outbox if letter.to == [igor.email]] == []
    assert shown_followers(ticket) == []
    add_comment(ticket=ticket, actor=serves(olga), body="Ещё", internal=True)
    assert told(igor) == ["staff_followed"]  # the one that was cancelled


def test_letter_on_its_way_is_cancelled_when_they_stop(ticket, igor, olga):
    add_comment(ticket=ticket, actor=serves(olga), body="Слова", internal=True)
    remove_follower(ticket=ticket, user=igor, actor=igor)
    drain("email")
    assert mail.outbox == []
    with pytest.raises(AlreadyDone):
        remove_follower(ticket=ticket, user=igor, actor=igor)


def test_colleague_hears_as_customers_do_and_of_no_note(ticket, olga, anna):
    anna.organization.shares_tickets = True
    anna.organization.save()
    colleague = UserFactory(organization=anna.organization)
    add_follower(ticket=ticket, user=colleague, actor=olga)
    add_comment(ticket=ticket, actor=serves(olga), body="Заметка", internal=True)
    assert told(colleague) == []
    add_comment(ticket=ticket, actor=serves(olga), body="Ответ")
    assert told(colleague) == ["comment"]
    assert [row.user.username for row in shown_followers(ticket)] == ["igor", colleague.username]


def test_who_may_not_see_it_does_not_follow(ticket, olga, anna, boris):
    gone = SpecialistFactory(is_active=False)
    for person in (anna, boris, gone):
        with pytest.raises(MayNotFollow):
            add_follower(ticket=ticket, user=person, actor=olga)
    assert Follower.objects.count() == 1


def test_twice_is_already_done(ticket, igor, olga):
    with pytest.raises(AlreadyDone):
        add_follower(ticket=ticket, user=igor, actor=olga)


def test_what_only_agents_arrange_is_no_news(ticket, igor, olga, clock):
    Ticket.objects.update(snoozed_until=clock.now())
    wake(ticket=ticket, actor=serves(olga))
    assert told(igor) == []
