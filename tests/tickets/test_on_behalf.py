"""Tickets that agents open for customers: whose they are, who is told, what does not count."""

from functools import partial
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.core import mail

from accounts.identity import EmailTaken
from accounts.models import Usage, User
from accounts.newcomers import add_customer
from accounts.security import Origin
from telegram_bot.notices import COMPOSERS
from tests.factories import (
    AgentFactory,
    MessengerAccountFactory,
    OrganizationFactory,
    ProductFactory,
    TicketFactory,
    UserFactory,
)
from tests.files import pdf
from tests.tickets.traces import happened, told
from tickets import services
from tickets.delivery import drain
from tickets.forms import Sending
from tickets.models import TEXT_LIMIT, Delivery, Face, FormKey, Priority, Ticket
from tickets.on_behalf import open_for_once
from tickets.queue import Queue, in_queue
from tickets.recording import agent as serves
from tickets.refusals import KeyReused, NotYours, ProductUnavailable, TextTooLong
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db


def sending(agent, key=None, fingerprint="a", files=()):
    return Sending(
        user=agent, purpose="called", key=key or uuid4(), fingerprint=fingerprint, files=files
    )


def open_for(agent, requester, *, form=None, **given):
    details = {
        "product": given.pop("product", None) or ProductFactory(),
        "title": "Не печатает",
        "description": "Звонили в 10:00",
        "priority": Priority.HIGH,
        "takes": False,
    }
    return open_for_once(
        sending=form or sending(agent), find_requester=lambda: requester, **(details | given)
    )


def test_variables_are_filled_with_what_is_known_by_then(agent, anna):
    words = "{имя}, заявка {номер} «{тема}» по «{продукт}». {специалист} {отчество}"
    open_for(agent, anna, description=words, fills=True)
    ticket = Ticket.objects.get()
    named = f"«Не печатает» по «{ticket.product}». {agent.short_name} {{отчество}}"
    assert ticket.description == f"Анна, заявка {ticket.pk} {named}"


def test_words_of_a_customer_in_braces_are_left_alone(agent, anna):
    open_for(agent, anna, description="В рассылке не подставляется {имя}")
    assert Ticket.objects.get().description == "В рассылке не подставляется {имя}"


def test_filled_words_that_are_too_long_open_nothing(agent, anna):
    with pytest.raises(TextTooLong):
        open_for(agent, anna, description="а" * (TEXT_LIMIT - 6) + "{тема}", fills=True)
    assert not Ticket.objects.exists()


def test_ticket_is_the_customers_and_the_event_the_agents(agent, anna):
    done = open_for(agent, anna, form=sending(agent, files=[pdf()]))
    ticket = Ticket.objects.get()
    assert done.made == {"ticket": ticket.pk, "requester": anna.pk, "files_kept": True}
    assert (ticket.requester, ticket.organization, ticket.face, ticket.priority) == (
        anna, anna.organization, Face.ADMIN, Priority.HIGH,
    )  # fmt: skip
    assert (ticket.assignee, ticket.status) == (None, TicketStatus.NEW)
    assert happened() == [("created", "", TicketStatus.NEW)]
    event = ticket.events.get()
    assert (event.actor, event.by_agent, event.face, event.is_internal) == (
        agent, True, Face.ADMIN, False,
    )  # fmt: skip
    assert ticket.attachments.get().comment is None
    assert ticket.answered_at is None
    assert ticket.answer_due_at


def test_customer_is_told_in_the_chat_and_by_mail(agent, anna, settings):
    settings.STAFF_EMAIL = "desk@support.example"
    chat = MessengerAccountFactory(user=anna)
    open_for(agent, anna, takes=True)
    rows = Delivery.objects.filter(kind="opened").order_by("channel")
    assert [(row.address, row.recipient) for row in rows] == [
        (anna.email, anna), (chat.address, anna),
    ]  # fmt: skip
    assert not Delivery.objects.exclude(kind="opened").exists()


def test_what_was_said_stands_in_letter_and_message_literally(agent, anna):
    MessengerAccountFactory(user=anna)
    words = "<b>Принтер</b> & {{ title }}"
    open_for(agent, anna, form=sending(agent, files=[pdf("снимок.pdf")]), description=words)
    drain("email")
    letter = mail.outbox[0]
    html = letter.alternatives[0][0]
    number = Ticket.objects.get().pk
    assert letter.subject == f"Для вас создана заявка № {number}"
    assert words in letter.body
    assert "&lt;b&gt;Принтер&lt;/b&gt; &amp; {{ title }}" in html
    assert [name for name, *_rest in letter.attachments] == ["снимок.pdf"]
    row = Delivery.objects.get(channel="telegram")
    text = COMPOSERS[row.kind](row).params["text"]
    assert f"№ {number}</b> · для вас создана заявка" in text
    assert "&lt;b&gt;Принтер&lt;/b&gt; &amp; {{ title }}" in text


def test_desk_hears_of_it_while_nobody_has_it(agent, anna, settings):
    settings.STAFF_EMAIL = "desk@support.example"
    open_for(agent, anna)
    assert ("staff_new", "desk@support.example") in told()


def test_taken_ticket_is_the_agents(agent, anna):
    open_for(agent, anna, takes=True)
    ticket = Ticket.objects.get()
    assert ticket.assignee == agent
    assert list(in_queue(Ticket.objects.all(), Queue.MINE, agent)) == [ticket]


def test_limits_of_customers_do_not_count_for_agents(agent, anna, monkeypatch):
    monkeypatch.setattr(services, "TICKETS_AN_HOUR", 2)
    TicketFactory.create_batch(2, requester=anna)
    open_for(agent, anna)
    assert Usage.objects.filter(user=agent, kind="changes").exists()
    assert not Usage.objects.filter(user=anna).exists()


@pytest.fixture
def find_requester(agent):
    """What makes the person, who is none yet."""
    agent.user_permissions.add(Permission.objects.get(codename="add_user"))
    return partial(
        add_customer,
        email="new@client.example", first_name="Нина", last_name="", organization=None,
        origin=Origin(agent),
    )  # fmt: skip


def test_same_form_makes_one_ticket_and_one_person(agent, find_requester):
    form = sending(agent)
    product = ProductFactory()
    details = {
        "product": product, "title": "т", "description": "о", "priority": Priority.LOW,
        "takes": False,
    }  # fmt: skip
    first = open_for_once(sending=form, find_requester=find_requester, **details)
    again = open_for_once(sending=form, find_requester=find_requester, **details)
    assert (first.is_new, again.is_new) == (True, False)
    assert first.made == again.made
    assert Ticket.objects.get().requester == User.objects.get(email="new@client.example")
    with pytest.raises(KeyReused):
        open_for_once(
            sending=sending(agent, form.key, "b"), find_requester=find_requester, **details
        )


def test_refused_ticket_leaves_no_person(agent, find_requester):
    with pytest.raises(ProductUnavailable):
        open_for_once(
            sending=sending(agent),
            find_requester=find_requester,
            product=ProductFactory(is_active=False),
            title="т",
            description="о",
            priority=Priority.LOW,
            takes=False,
        )
    assert not User.objects.filter(email="new@client.example").exists()
    assert not FormKey.objects.exists()


def test_nothing_is_opened_for_who_has_left(agent):
    with pytest.raises(NotYours):
        open_for(agent, UserFactory(is_active=False))


def test_an_agent_who_called_for_themselves_is_not_told(agent):
    open_for(agent, agent, takes=True)
    assert not Delivery.objects.exists()


def test_maker_is_not_told_as_the_desk(anna, settings):
    settings.STAFF_EMAIL = ""
    maker = AgentFactory()
    services.open_ticket(
        requester=anna, product=ProductFactory(), title="т", description="о", face=Face.ADMIN,
        actor=serves(maker),
    )  # fmt: skip
    assert maker.email not in [address for _kind, address in told()]


# People made on the spot


def test_newcomer_can_be_invited(db):
    organization = OrganizationFactory()
    user = add_customer(
        email="Nina@client.example", first_name="Нина", last_name="Ли", organization=organization,
        origin=Origin(AgentFactory(is_superuser=True)),
    )  # fmt: skip
    assert (user.username, user.organization, user.is_staff) == (
        "Nina@client.example", organization, False,
    )  # fmt: skip
    assert user.has_usable_password()  # else «Забыли пароль?» would be shut


def test_email_of_somebody_else_is_taken_in_any_letter_case(anna):
    with pytest.raises(EmailTaken):
        add_customer(
            email=anna.email.upper(), first_name="А", last_name="", organization=None,
            origin=Origin(AgentFactory(is_superuser=True)),
        )  # fmt: skip
