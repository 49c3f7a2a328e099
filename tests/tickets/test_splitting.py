"""A customer's message that becomes a ticket of its own."""

import pytest
from django.core.files.base import ContentFile

from tests.factories import OrganizationFactory, UserFactory, open_ticket
from tickets import comments
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.models import (
    Attachment,
    Comment,
    Delivery,
    Face,
    Product,
    Ticket,
    TicketEvent,
    TicketLink,
)
from tickets.recording import customer
from tickets.refusals import NotYours, ProductUnavailable
from tickets.refusals_joining import AlreadySplit, NotSplittable
from tickets.splitting import files_of, split_comment

pytestmark = pytest.mark.django_db
Kind = TicketEvent.Kind


@pytest.fixture
def ticket(anna, product):
    return open_ticket(anna, product=product)


@pytest.fixture
def said(ticket, by_anna):
    file = ContentFile("строка".encode(), "a.txt")
    attached = [NewFile("a.txt", file.size, content=file)]
    return add_comment(ticket=ticket, actor=by_anna, body="И ещё счёт неверный", files=attached)


def split(comment: Comment, actor, product, title="Неверный счёт") -> Ticket:
    return split_comment(
        comment=comment, product=product, title=title, actor=actor, files=files_of(comment)
    )


def test_words_and_files_begin_a_ticket_and_stay(said, ticket, anna, by_agent, product):
    made = split(said, by_agent, product)
    assert (made.requester, made.title, made.description, made.parent) == (
        anna, "Неверный счёт", "И ещё счёт неверный", ticket,
    )  # fmt: skip
    said.refresh_from_db()
    assert (said.ticket, said.split_into) == (ticket, made)
    files = {row.ticket_id: row for row in Attachment.objects.all()}
    assert set(files) == {ticket.pk, made.pk}
    assert files[ticket.pk].file.name != files[made.pk].file.name
    for row in files.values():
        with row.file.open() as content:
            assert content.read() == "строка".encode()


def test_both_tell_of_it_and_are_linked(said, ticket, by_agent, product):
    made = split(said, by_agent, product)
    assert ticket.events.get(kind=Kind.SPLIT).new_value == str(made.pk)
    assert made.events.get(kind=Kind.SPLIT).old_value == str(ticket.pk)
    link = TicketLink.objects.get()
    assert (link.lower, link.upper, link.made_by) == (ticket, made, by_agent.user)
    told = Delivery.objects.filter(ticket=made, recipient=made.requester)
    assert set(told.values_list("kind", flat=True)) == {"opened"}


def test_word_of_the_customer_is_still_the_last_one(said, ticket, by_agent, product):
    split(said, by_agent, product)
    ticket.refresh_from_db()
    assert (ticket.last_word_by_agent, ticket.answered_at) == (False, None)


def test_colleagues_message_becomes_the_colleagues_ticket(ticket, vera, by_agent, product):
    said = add_comment(ticket=ticket, actor=customer(vera, Face.PORTAL), body="У меня другое")
    assert split(said, by_agent, product).requester == vera


@pytest.mark.parametrize("before", [False, True])
def test_words_said_elsewhere_are_shown_to_no_new_colleagues(boris, by_agent, product, before):
    """Who has joined an organization since keeps what they wrote before from its people."""
    boris.organization = OrganizationFactory() if before else None
    elsewhere = open_ticket(boris, product=product)
    said = add_comment(ticket=elsewhere, actor=customer(boris, Face.PORTAL), body="И ещё")
    boris.organization = OrganizationFactory(shares_tickets=True)
    boris.save()
    made = split(Comment.objects.get(pk=said.pk), by_agent, product)
    assert made.organization == elsewhere.organization
    colleague = UserFactory(organization=boris.organization)
    assert list(Ticket.objects.visible_to(colleague)) == []


def test_message_of_files_alone_is_described_by_the_title(ticket, by_anna, by_agent, product):
    file = ContentFile(b"line", "a.txt")
    said = add_comment(
        ticket=ticket, actor=by_anna, body="", files=[NewFile("a.txt", 4, content=file)]
    )
    assert split(said, by_agent, product).description == "Неверный счёт"


def test_file_on_its_way_is_fetched_twice(ticket, by_anna, by_agent, product):
    coming = [NewFile("a.txt", 0, source="pigeon:7")]
    said = add_comment(ticket=ticket, actor=by_anna, body="файл", files=coming)
    made = split(said, by_agent, product)
    file = made.attachments.get()
    assert (file.source, file.state) == ("pigeon:7", Attachment.State.PENDING)


def test_once(said, by_agent, product):
    made = split(said, by_agent, product)
    with pytest.raises(AlreadySplit, match=f"№ {made.pk}"):
        split(said, by_agent, product)
    stale = Comment.objects.select_related("ticket", "author").get(pk=said.pk)
    stale.split_into_id = None
    with pytest.raises(AlreadySplit):
        split(stale, by_agent, product)
    assert Ticket.objects.count() == 2
    assert Attachment.objects.count() == 2


def test_only_words_of_customers(ticket, by_agent, product):
    for internal in (True, False):
        said = add_comment(ticket=ticket, actor=by_agent, body="Слова", internal=internal)
        with pytest.raises(NotSplittable):
            split(said, by_agent, product)


def test_only_agents(said, by_anna, product):
    with pytest.raises(NotYours):
        split(said, by_anna, product)


def test_not_into_a_product_that_is_gone(said, by_agent, product):
    Product.objects.update(is_active=False)
    with pytest.raises(ProductUnavailable):
        split(said, by_agent, product)
    assert Ticket.objects.count() == 1


def test_message_can_be_corrected_without_touching_the_ticket(said, by_anna, by_agent, product):
    made = split(said, by_agent, product)
    comments.correct_comment(
        comment=said, actor=by_anna, old="И ещё счёт неверный", new="Нет, верный"
    )
    assert Ticket.objects.get(pk=made.pk).description == "И ещё счёт неверный"
