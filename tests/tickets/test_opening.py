"""Opening a ticket: its texts, its limits, its files; who sees it afterwards."""

import io

import pytest
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.db import connection

from accounts.models import User
from tests.factories import (
    OrganizationFactory,
    ProductFactory,
    TicketFactory,
    UserFactory,
    open_ticket,
)
from tests.files import PDF, pdf
from tests.queue import queued
from tests.tickets.traces import files_on_disk, told
from tickets import services
from tickets.attachments import NewFile, store_file
from tickets.comments import add_comment
from tickets.models import Attachment, Face, Priority, Ticket, TicketEvent
from tickets.refusals import (
    FileRefused,
    ProductUnavailable,
    TextRequired,
    TextTooLong,
    TooManyFiles,
    TooManyTickets,
)
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db

Kind = TicketEvent.Kind


# Opening


def test_open_ticket_keeps_what_was_given(anna, product):
    ticket = open_ticket(anna, product=product, title="Нет связи", description="С утра.")
    ticket.refresh_from_db()
    assert ticket.requester == anna
    assert ticket.organization == anna.organization
    assert ticket.product == product
    assert (ticket.title, ticket.description) == ("Нет связи", "С утра.")
    assert ticket.status == TicketStatus.NEW
    assert ticket.priority == Priority.MEDIUM
    assert ticket.face == Face.PORTAL
    assert ticket.client_email == "office@alpha.example"


def test_open_ticket_is_one_event_and_tells_nobody(anna, product):
    ticket = open_ticket(anna, product=product)
    [event] = ticket.events.all()
    assert (event.kind, event.actor, event.by_agent) == (Kind.CREATED, anna, False)
    assert (event.old_value, event.new_value) == ("", "new")
    assert event.face == Face.PORTAL
    assert told() == []
    assert queued() == []


def test_client_email_is_the_requesters_without_an_organization(boris):
    assert open_ticket(boris).client_email == "boris@beta.example"


def test_client_email_is_the_requesters_when_the_organization_has_none():
    user = UserFactory(organization=OrganizationFactory(email=""))
    assert open_ticket(user).client_email == user.email


@pytest.mark.parametrize("title", ["", "   ", "\n\t", "\u200b\u200d", "\u202e", "\0", "\u3164"])
def test_title_in_which_nothing_is_seen_is_refused(anna, title):
    with pytest.raises(TextRequired):
        open_ticket(anna, title=title)
    assert Ticket.objects.count() == 0


def test_empty_description_is_refused(anna):
    with pytest.raises(TextRequired):
        open_ticket(anna, description=" \u200b ")


def test_title_of_60_characters_fits_and_61_are_refused_with_the_count(anna):
    assert len(open_ticket(anna, title="Ж" * 60).title) == 60
    with pytest.raises(TextTooLong) as refusal:
        open_ticket(anna, title="Ж" * 61)
    assert (refusal.value.length, refusal.value.limit) == (61, 60)


def test_too_long_is_said_with_the_numbers():
    assert str(TextTooLong(61, 60)) == "В тексте 61 символ, нужно не больше 60."
    assert str(TextTooLong(62, 60)) == "В тексте 62 символа, нужно не больше 60."
    assert str(TextTooLong(75, 60)) == "В тексте 75 символов, нужно не больше 60."


def test_title_is_counted_after_it_was_cleaned(anna):
    title = open_ticket(anna, title="  " + "и\u0306" * 60 + "\u202e\0  ").title
    assert title == "й" * 60


def test_emoji_count_as_characters(anna):
    assert open_ticket(anna, title="🙂" * 60).title == "🙂" * 60


def test_texts_are_cleaned(anna):
    ticket = open_ticket(
        anna, title="Сбой\r\nBcc: a@b.example\0", description="раз\r\nдва\0\u202e\ud800"
    )
    ticket.refresh_from_db()
    assert ticket.title == "Сбой Bcc: a@b.example"
    assert ticket.description == "раз\nдва"


def test_description_of_20000_characters_fits_and_one_more_does_not(anna):
    open_ticket(anna, description="ы" * 20_000)
    with pytest.raises(TextTooLong) as refusal:
        open_ticket(anna, description="ы" * 20_001)
    assert (refusal.value.length, refusal.value.limit) == (20_001, 20_000)


def test_product_switched_off_meanwhile_is_refused(anna, product):
    type(product).objects.update(is_active=False)
    with pytest.raises(ProductUnavailable):
        open_ticket(anna, product=product)


def test_product_that_is_gone_is_refused(anna):
    product = ProductFactory()
    type(product).objects.all().delete()
    with pytest.raises(ProductUnavailable):
        open_ticket(anna, product=product)


def test_eleventh_ticket_within_an_hour_is_refused(anna, boris, product, clock):
    for _ in range(10):
        open_ticket(anna, product=product)
    with pytest.raises(TooManyTickets):
        open_ticket(anna, product=product)
    open_ticket(boris, product=product)
    clock.advance(minutes=60)
    open_ticket(anna, product=product)


def test_files_keep_their_order(anna):
    files = [pdf("б.pdf"), NewFile("позже.jpg", 0), pdf("а.pdf")]
    ticket = open_ticket(anna, files=files)
    kept = [(file.name, file.state, file.size, file.comment) for file in ticket.attachments.all()]
    assert kept == [
        ("б.pdf", Attachment.State.READY, len(PDF), None),
        ("позже.jpg", Attachment.State.PENDING, 0, None),
        ("а.pdf", Attachment.State.READY, len(PDF), None),
    ]


def test_ten_files_fit_and_eleven_are_refused(anna, settings):
    assert open_ticket(anna, files=[NewFile("a.pdf", 1)] * 10).attachments.count() == 10
    with pytest.raises(TooManyFiles):
        open_ticket(anna, files=[pdf()] * 11)
    assert Ticket.objects.count() == 1
    assert files_on_disk(settings) == []


@pytest.mark.parametrize(
    "file", [NewFile("a.exe", 1), NewFile("a.pdf", 51 * 1024**2), pdf(content=b"MZ\x90\0")]
)
def test_refused_file_leaves_no_ticket(anna, file):
    with pytest.raises(FileRefused):
        open_ticket(anna, files=[file])
    assert Ticket.objects.count() == 0
    assert TicketEvent.objects.count() == 0


def test_file_refused_beside_a_good_one_leaves_nothing_on_disk(anna, settings):
    with pytest.raises(FileRefused):
        open_ticket(anna, files=[pdf(), NewFile("a.exe", 1)])
    assert files_on_disk(settings) == []


@pytest.mark.django_db(transaction=True)
def test_contents_are_stored_before_the_transaction_begins(anna, by_anna, by_agent, monkeypatch):
    """A slow disk must hold no lock: on SQLite there is one for everybody."""
    save, inside = FileSystemStorage.save, []

    def watched(storage, *args, **kwargs):
        inside.append(connection.in_atomic_block)
        return save(storage, *args, **kwargs)

    monkeypatch.setattr(FileSystemStorage, "save", watched)
    ticket = open_ticket(anna, files=[pdf(), NewFile("позже.pdf", 0)])
    store_file(
        attachment=ticket.attachments.get(name="позже.pdf"),
        content=ContentFile(PDF, name="позже.pdf"),
    )
    add_comment(ticket=ticket, actor=by_agent, body="", files=[pdf()])
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово", files=[pdf()]
    )
    services.return_to_work(ticket=ticket, actor=by_anna, reason="Нет", files=[pdf()])
    assert inside == [False] * 5


def test_content_without_a_name_is_stored(anna):
    file = NewFile("a.pdf", len(PDF), content=File(io.BytesIO(PDF)))
    kept = open_ticket(anna, files=[file]).attachments.get()
    assert kept.state == Attachment.State.READY
    with kept.file.open() as content:
        assert content.read() == PDF


def test_open_ticket_is_undone_as_a_whole(anna, no_way_out):
    with pytest.raises(RuntimeError):
        open_ticket(anna, files=[NewFile("a.pdf", 1)])
    assert Ticket.objects.count() == 0
    assert Attachment.objects.count() == 0
    assert TicketEvent.objects.count() == 0


def test_follow_up_knows_its_parent(anna, product):
    closed = TicketFactory(requester=anna, status=TicketStatus.CLOSED)
    assert list(closed.follow_ups.all()) == []
    follow_up = open_ticket(anna, product=product, parent=closed)
    assert list(closed.follow_ups.all()) == [follow_up]


def test_open_ticket_takes_14_queries(anna, product, django_assert_num_queries):
    open_ticket(anna, product=product)  # the first of a person begins the count of changes, too
    anna = User.objects.get()
    with django_assert_num_queries(14):
        open_ticket(anna, product=product)


# Reading


def test_only_the_requester_sees_a_ticket(ticket, anna, boris):
    assert list(Ticket.objects.visible_to(anna)) == [ticket]
    assert list(Ticket.objects.visible_to(boris)) == []


def test_open_and_closed_share_out_all_tickets(anna):
    tickets = {status: TicketFactory(requester=anna, status=status) for status in TicketStatus}
    assert list(Ticket.objects.closed()) == [tickets[TicketStatus.CLOSED]]
    assert set(Ticket.objects.open()) == set(tickets.values()) - set(Ticket.objects.closed())
