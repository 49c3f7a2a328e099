"""Title and product changed by an agent: kept, told, never over what somebody else has changed."""

from datetime import timedelta

import pytest

from tests.factories import MessengerAccountFactory, ProductFactory, open_ticket
from tests.tickets.traces import happened
from tickets.details import change_details, change_product, change_title
from tickets.models import TITLE_LIMIT, Delivery, Face, NoticePreference, Target, Ticket
from tickets.preferences import Choice, choose
from tickets.recording import agent as serves
from tickets.recording import customer
from tickets.refusals import (
    AlreadyDone,
    DetailsChanged,
    NotYours,
    ProductUnavailable,
    TextRequired,
    TextTooLong,
    TicketMerged,
)
from tickets.services import change_status

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(anna, product):
    return open_ticket(anna, product=product)


@pytest.fixture
def by_agent(agent):
    return serves(agent)


def test_title_is_kept_with_what_it_was(ticket, by_agent):
    was = ticket.title
    change_title(ticket=ticket, title="  Отчёт\nпуст ", was=was, actor=by_agent)
    ticket.refresh_from_db()
    assert ticket.title == "Отчёт пуст"
    assert happened()[-1] == ("title", was, "Отчёт пуст")
    event = ticket.events.last()
    assert (event.by_agent, event.is_internal, event.face) == (True, False, Face.ADMIN)
    assert ticket.version == event.pk


def test_product_is_kept_with_what_it_was(ticket, by_agent, product):
    other = ProductFactory(name="Сеть")
    change_product(ticket=ticket, product=other, was=product.pk, actor=by_agent)
    ticket.refresh_from_db()
    assert ticket.product == other
    assert happened()[-1] == ("product", product.name, "Сеть")


def test_due_times_are_those_of_the_new_product(ticket, by_agent, product):
    other = ProductFactory()
    Target.objects.create(product=other, priority="medium", answer_minutes=7, solution_minutes=70)
    change_product(ticket=ticket, product=other, was=product.pk, actor=by_agent)
    ticket.refresh_from_db()
    assert ticket.answer_due_at - ticket.created_at == timedelta(minutes=7)
    assert ticket.solution_due_at - ticket.created_at == timedelta(minutes=70)
    assert ticket.next_due_at == ticket.answer_due_at


@pytest.mark.parametrize(
    ("title", "refusal"),
    [(" \n", TextRequired), ("я" * (TITLE_LIMIT + 1), TextTooLong)],
)
def test_title_is_judged_as_everywhere(ticket, by_agent, title, refusal):
    with pytest.raises(refusal):
        change_title(ticket=ticket, title=title, was=ticket.title, actor=by_agent)


def test_product_that_is_off_is_refused(ticket, by_agent):
    off = ProductFactory(is_active=False)
    with pytest.raises(ProductUnavailable):
        change_product(ticket=ticket, product=off, was=ticket.product_id, actor=by_agent)


def test_same_again_is_already_done(ticket, by_agent, product):
    with pytest.raises(AlreadyDone):
        change_title(ticket=ticket, title=ticket.title, was="давно иначе", actor=by_agent)
    with pytest.raises(AlreadyDone):
        change_product(ticket=ticket, product=product, was=0, actor=by_agent)
    with pytest.raises(AlreadyDone):
        change_details(
            ticket=ticket, title=ticket.title, product=product, was=("", 0), actor=by_agent
        )


def test_what_somebody_else_has_changed_is_not_overwritten(ticket, by_agent, product):
    seen = (ticket.title, product.pk)
    change_title(ticket=ticket, title="Моя тема", was=ticket.title, actor=by_agent)
    with pytest.raises(DetailsChanged):
        change_details(
            ticket=ticket, title="Другая тема", product=ProductFactory(), was=seen, actor=by_agent
        )
    ticket.refresh_from_db()
    assert (ticket.title, ticket.product) == ("Моя тема", product)


def test_a_refused_product_leaves_the_title(ticket, by_agent, product):
    was = ticket.title
    with pytest.raises(ProductUnavailable):
        change_details(
            ticket=ticket,
            title="Иначе",
            product=ProductFactory(is_active=False),
            was=(was, product.pk),
            actor=by_agent,
        )
    assert Ticket.objects.get().title == was


@pytest.mark.parametrize("change", [change_title, change_product])
def test_customers_do_not_change_them(ticket, anna, change):
    by_anna = customer(anna, Face.PORTAL)
    given = {"title": "Иначе", "was": ticket.title} if change is change_title else {
        "product": ProductFactory(), "was": ticket.product_id,
    }  # fmt: skip
    with pytest.raises(NotYours):
        change(ticket=ticket, actor=by_anna, **given)


def told(kind):
    rows = Delivery.objects.filter(kind=kind).order_by("channel", "address")
    return [(row.channel, row.address) for row in rows]


def test_requester_is_told_where_they_want_details(ticket, by_agent, anna, product):
    account = MessengerAccountFactory(user=anna)
    change_details(
        ticket=ticket,
        title="Иначе",
        product=ProductFactory(),
        was=(ticket.title, product.pk),
        actor=by_agent,
    )
    assert told("title") == told("product") == [("telegram", account.address)]
    choose(user=anna, choices={NoticePreference.Topic.DETAILS: Choice(by_chat=False)})
    Delivery.objects.all().delete()
    anna = type(anna).objects.get(pk=anna.pk)
    change_title(ticket=Ticket.objects.get(), title="Ещё иначе", was="Иначе", actor=by_agent)
    assert told("title") == [("email", anna.email)]


def test_time_that_a_ticket_waited_is_not_taken_by_a_new_product(ticket, by_agent, product, clock):
    other = ProductFactory()
    Target.objects.create(product=other, priority="medium", answer_minutes=60, solution_minutes=600)
    change_status(ticket=ticket, to="waiting", actor=by_agent, answer="Какая версия?")
    clock.advance(hours=3)
    change_product(ticket=ticket, product=other, was=product.pk, actor=by_agent)
    change_status(ticket=ticket, to="in_progress", actor=by_agent)
    ticket.refresh_from_db()
    left = ticket.solution_due_at - ticket.created_at
    assert timedelta(hours=13) <= left < timedelta(hours=13, minutes=1)


def test_merged_ticket_keeps_its_title(anna, ticket, by_agent):
    other = open_ticket(anna)
    Ticket.objects.filter(pk=ticket.pk).update(merged_into=other)
    with pytest.raises(TicketMerged):
        change_title(ticket=ticket, title="Иначе", was=ticket.title, actor=by_agent)
