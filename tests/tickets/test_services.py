import io

import pytest
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.db import connection, transaction

from accounts.models import User
from tests.factories import (
    AgentFactory,
    OrganizationFactory,
    ProductFactory,
    TicketFactory,
    UserFactory,
    open_ticket,
)
from tests.queue import Task, queued
from tests.threads import in_parallel
from tests.tickets.test_status import PROMISED, TRIPLES
from tickets import services
from tickets.attachments import FileRefused, NewFile
from tickets.models import Attachment, Comment, Delivery, Face, Priority, Ticket, TicketEvent
from tickets.services import agent, customer
from tickets.status import Role, TicketStatus, TransitionNotAllowed

pytestmark = pytest.mark.django_db

Kind = TicketEvent.Kind
DRAIN_MAIL = Task("tickets.tasks.drain", ("email",))
PDF = b"%PDF-1.7\n"
LETTERS_TO_ANNA = ["anna@alpha.example", "office@alpha.example"]


@pytest.fixture
def ticket(anna, product):
    return TicketFactory(requester=anna, product=product)


@pytest.fixture
def resolved(anna, product):
    return TicketFactory(requester=anna, product=product, status=TicketStatus.RESOLVED)


@pytest.fixture
def by_anna(anna):
    return customer(anna, Face.BOT)


@pytest.fixture
def by_boris(boris):
    return customer(boris, Face.BOT)


@pytest.fixture
def by_agent(agent):
    return services.agent(agent)


@pytest.fixture
def no_way_out(monkeypatch):
    """Telling fails, which is the last thing a service does."""

    def fail(_event):
        raise RuntimeError("no way out")

    monkeypatch.setattr(services, "notify", fail)


def pdf(name="счёт.pdf", content=PDF):
    return NewFile(name, len(content), "application/pdf", ContentFile(content, name=name))


def told():
    """Every letter that was queued: what, and to whom."""
    rows = Delivery.objects.filter(channel="email").order_by("kind", "address")
    return [(row.kind, row.address) for row in rows]


def letters(kind, addresses=LETTERS_TO_ANNA):
    return [(kind, address) for address in addresses]


def happened():
    return [(event.kind, event.old_value, event.new_value) for event in TicketEvent.objects.all()]


def files_on_disk(settings):
    return [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]


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
    with pytest.raises(services.TextRequired):
        open_ticket(anna, title=title)
    assert Ticket.objects.count() == 0


def test_empty_description_is_refused(anna):
    with pytest.raises(services.TextRequired):
        open_ticket(anna, description=" \u200b ")


def test_title_of_60_characters_fits_and_61_are_refused_with_the_count(anna):
    assert len(open_ticket(anna, title="Ж" * 60).title) == 60
    with pytest.raises(services.TextTooLong) as refusal:
        open_ticket(anna, title="Ж" * 61)
    assert (refusal.value.length, refusal.value.limit) == (61, 60)


def test_too_long_is_said_with_the_numbers():
    assert str(services.TextTooLong(61, 60)) == "В тексте 61 символ, нужно не больше 60."
    assert str(services.TextTooLong(62, 60)) == "В тексте 62 символа, нужно не больше 60."
    assert str(services.TextTooLong(75, 60)) == "В тексте 75 символов, нужно не больше 60."


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
    with pytest.raises(services.TextTooLong) as refusal:
        open_ticket(anna, description="ы" * 20_001)
    assert (refusal.value.length, refusal.value.limit) == (20_001, 20_000)


def test_product_switched_off_meanwhile_is_refused(anna, product):
    type(product).objects.update(is_active=False)
    with pytest.raises(services.ProductUnavailable):
        open_ticket(anna, product=product)


def test_product_that_is_gone_is_refused(anna):
    product = ProductFactory()
    type(product).objects.all().delete()
    with pytest.raises(services.ProductUnavailable):
        open_ticket(anna, product=product)


def test_eleventh_ticket_within_an_hour_is_refused(anna, boris, product, clock):
    for _ in range(10):
        open_ticket(anna, product=product)
    with pytest.raises(services.TooManyTickets):
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
    with pytest.raises(services.TooManyFiles):
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


def test_files_of_a_refused_comment_leave_nothing_on_disk(anna, by_agent, settings):
    closed = TicketFactory(requester=anna, status=TicketStatus.CLOSED)
    with pytest.raises(services.TicketClosed):
        services.add_comment(ticket=closed, actor=by_agent, body="Поздно", files=[pdf()])
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
    services.store_file(
        attachment=ticket.attachments.get(name="позже.pdf"),
        content=ContentFile(PDF, name="позже.pdf"),
    )
    services.add_comment(ticket=ticket, actor=by_agent, body="", files=[pdf()])
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


def test_open_ticket_takes_9_queries(anna, product, django_assert_num_queries):
    anna = User.objects.get()
    with django_assert_num_queries(9):
        open_ticket(anna, product=product)


# Reading


def test_only_the_requester_sees_a_ticket(ticket, anna, boris):
    assert list(Ticket.objects.visible_to(anna)) == [ticket]
    assert list(Ticket.objects.visible_to(boris)) == []


def test_open_and_closed_share_out_all_tickets(anna):
    tickets = {status: TicketFactory(requester=anna, status=status) for status in TicketStatus}
    assert list(Ticket.objects.closed()) == [tickets[TicketStatus.CLOSED]]
    assert set(Ticket.objects.open()) == set(tickets.values()) - set(Ticket.objects.closed())


# Comments


def test_agents_comment_is_told_to_both_addresses(ticket, by_agent):
    comment = services.add_comment(ticket=ticket, actor=by_agent, body="Проверьте сейчас.")
    assert (comment.body, comment.by_agent, comment.is_internal) == (
        "Проверьте сейчас.", True, False,
    )  # fmt: skip
    assert happened() == [("commented", "", "")]
    assert told() == letters("comment")
    assert queued().count(DRAIN_MAIL) == 1


def test_customers_comment_is_told_to_nobody(ticket, by_anna):
    comment = services.add_comment(ticket=ticket, actor=by_anna, body="Ещё вопрос.")
    assert comment.by_agent is False
    assert happened() == [("commented", "", "")]
    assert told() == []
    assert queued() == []


def test_customers_comment_takes_a_waiting_ticket_back_to_work(ticket, by_anna):
    Ticket.objects.update(status=TicketStatus.WAITING)
    services.add_comment(ticket=ticket, actor=by_anna, body="Вот данные.")
    ticket.refresh_from_db()
    assert ticket.status == TicketStatus.IN_PROGRESS
    assert happened() == [("commented", "", ""), ("status", "waiting", "in_progress")]
    assert told() == []


@pytest.mark.parametrize("status", ["new", "in_progress", "resolved"])
def test_customers_comment_keeps_any_other_status(ticket, by_anna, status):
    Ticket.objects.update(status=status)
    services.add_comment(ticket=ticket, actor=by_anna, body="Ещё вопрос.")
    ticket.refresh_from_db()
    assert ticket.status == status


def test_agents_comment_keeps_a_waiting_ticket_waiting(ticket, by_agent):
    Ticket.objects.update(status=TicketStatus.WAITING)
    services.add_comment(ticket=ticket, actor=by_agent, body="Напоминаю.")
    ticket.refresh_from_db()
    assert ticket.status == TicketStatus.WAITING


def test_internal_note_is_told_to_nobody_and_not_public(ticket, by_agent):
    note = services.add_comment(ticket=ticket, actor=by_agent, body="Клиент злится", internal=True)
    assert note.is_internal
    assert list(ticket.comments.public()) == []
    assert happened() == [("noted", "", "")]
    assert Delivery.objects.count() == 0


@pytest.mark.parametrize("status", TicketStatus.values)
def test_only_agents_write_internal_notes(ticket, by_anna, status):
    Ticket.objects.update(status=status)
    for actor in (by_anna, services.SYSTEM):
        with pytest.raises(services.NotYours):
            services.add_comment(ticket=ticket, actor=actor, body="x", internal=True)
    assert Comment.objects.count() == 0


def test_closed_ticket_takes_no_comments_but_notes(ticket, by_anna, by_agent):
    Ticket.objects.update(status=TicketStatus.CLOSED)
    for actor in (by_anna, by_agent):
        with pytest.raises(services.TicketClosed):
            services.add_comment(ticket=ticket, actor=actor, body="Ещё")
    services.add_comment(ticket=ticket, actor=by_agent, body="Для истории", internal=True)
    assert Comment.objects.count() == 1


def test_comment_needs_text_or_files(ticket, by_anna):
    with pytest.raises(services.TextRequired):
        services.add_comment(ticket=ticket, actor=by_anna, body=" \u200b ")
    comment = services.add_comment(ticket=ticket, actor=by_anna, body=" ", files=[pdf()])
    assert comment.body == ""
    assert comment.attachments.get().ticket == ticket
    assert Comment.objects.count() == 1


def test_comment_that_is_too_long_is_refused_also_with_files(ticket, by_anna, settings):
    with pytest.raises(services.TextTooLong):
        services.add_comment(ticket=ticket, actor=by_anna, body="ы" * 20_001, files=[pdf()])
    assert Comment.objects.count() == 0
    assert files_on_disk(settings) == []


def test_comment_is_undone_as_a_whole(ticket, by_anna, no_way_out):
    with pytest.raises(RuntimeError):
        services.add_comment(ticket=ticket, actor=by_anna, body="Текст", files=[pdf()])
    assert Comment.objects.count() == 0
    assert Attachment.objects.count() == 0
    assert TicketEvent.objects.count() == 0


def test_comment_moves_updated_at(ticket, by_anna, clock):
    clock.advance(hours=1)
    services.add_comment(ticket=ticket, actor=by_anna, body="Текст")
    before = ticket.updated_at
    ticket.refresh_from_db()
    assert ticket.updated_at > before
    assert ticket.updated_at == ticket.events.get().created_at


# Status


@pytest.mark.parametrize(("old", "to", "role"), TRIPLES)
def test_change_status_follows_the_table(anna, agent, old, to, role):
    ticket = TicketFactory(requester=anna, status=old)
    actor = {
        Role.AGENT: services.agent(agent),
        Role.CUSTOMER: customer(anna, Face.BOT),
        Role.SYSTEM: services.SYSTEM,
    }[Role(role)]
    if (old, to, role) in PROMISED:
        services.change_status(ticket=ticket, to=TicketStatus(to), actor=actor)
        expected, events = to, [("status", old, to)]
    else:
        refusal = services.AlreadyDone if old == to else TransitionNotAllowed
        with pytest.raises(refusal):
            services.change_status(ticket=ticket, to=TicketStatus(to), actor=actor)
        expected, events = old, []
    ticket.refresh_from_db()
    assert ticket.status == expected
    assert happened() == events


@pytest.mark.parametrize("to", [TicketStatus.IN_PROGRESS, TicketStatus.CLOSED])
def test_another_customer_changes_no_status(resolved, by_boris, to):
    with pytest.raises(services.NotYours):
        services.change_status(ticket=resolved, to=to, actor=by_boris)
    assert happened() == []


def test_change_status_is_told_to_both_addresses(ticket, by_agent):
    services.change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=by_agent)
    assert told() == letters("status")
    assert queued().count(DRAIN_MAIL) == 1


def test_equal_addresses_are_told_once(boris, by_agent):
    ticket = TicketFactory(requester=boris)
    services.change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=by_agent)
    assert told() == [("status", "boris@beta.example")]


def test_addresses_differing_in_case_are_told_once(by_agent):
    organization = OrganizationFactory(email="Dmitry@Gamma.example")
    user = UserFactory(email="dmitry@gamma.example", organization=organization)
    ticket = TicketFactory(requester=user)
    services.change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=by_agent)
    assert told() == [("status", "dmitry@gamma.example")]


def test_resolution_is_told_as_such_and_dated(ticket, by_agent):
    services.change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent)
    ticket.refresh_from_db()
    assert ticket.resolved_at is not None
    assert ticket.closed_at is None
    assert told() == letters("resolved")
    assert all(row.data["loud"] for row in Delivery.objects.all())


def test_answer_and_status_are_one_event_and_one_notice(ticket, by_agent):
    services.change_status(
        ticket=ticket, to=TicketStatus.WAITING, actor=by_agent, answer="Пришлите лог", files=[pdf()]
    )
    [event] = ticket.events.all()
    assert event.comment.body == "Пришлите лог"
    assert event.comment.attachments.count() == 1
    assert told() == letters("status")


def test_own_change_is_told_to_nobody(agent):
    ticket = TicketFactory(requester=agent)
    services.change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=services.agent(agent))
    assert Delivery.objects.count() == 0


def test_change_status_decides_by_the_stored_row_not_by_the_given_one(ticket, by_agent):
    stale = Ticket.objects.get(pk=ticket.pk)
    services.change_status(ticket=ticket, to=TicketStatus.CLOSED, actor=by_agent)
    with pytest.raises(TransitionNotAllowed):
        services.change_status(ticket=stale, to=TicketStatus.IN_PROGRESS, actor=by_agent)


def test_change_status_is_undone_as_a_whole(ticket, by_agent, no_way_out):
    with pytest.raises(RuntimeError):
        services.change_status(
            ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово"
        )
    ticket.refresh_from_db()
    assert (ticket.status, ticket.resolved_at) == (TicketStatus.NEW, None)
    assert Comment.objects.count() == 0
    assert TicketEvent.objects.count() == 0


def test_answer_that_is_too_long_leaves_the_status(ticket, by_agent):
    with pytest.raises(services.TextTooLong):
        services.change_status(
            ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="ы" * 20_001
        )
    ticket.refresh_from_db()
    assert ticket.status == TicketStatus.NEW


def test_deliveries_and_wake_up_go_with_the_callers_transaction(ticket, by_agent):
    with transaction.atomic():
        services.change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent)
        assert DRAIN_MAIL in queued()
        transaction.set_rollback(True)
    assert Delivery.objects.count() == 0
    assert queued() == []


def test_change_status_takes_9_queries(ticket, by_agent, django_assert_num_queries):
    with django_assert_num_queries(9):
        services.change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=by_agent)


# Return to work


def test_return_to_work_keeps_the_reason_as_a_comment(resolved, by_anna):
    services.return_to_work(ticket=resolved, actor=by_anna, reason="Снова не работает")
    resolved.refresh_from_db()
    assert resolved.status == TicketStatus.IN_PROGRESS
    [event] = resolved.events.all()
    assert (event.kind, event.old_value, event.new_value) == ("status", "resolved", "in_progress")
    assert event.comment.body == "Снова не работает"
    assert told() == []


def test_return_to_work_may_bring_files_with_the_reason(resolved, by_anna):
    services.return_to_work(
        ticket=resolved, actor=by_anna, reason="Вот снимок", files=[NewFile("a.jpg", 0), pdf()]
    )
    comment = resolved.events.get().comment
    assert [file.name for file in comment.attachments.all()] == ["a.jpg", "счёт.pdf"]


def test_files_are_no_reason(resolved, by_anna, settings):
    with pytest.raises(services.TextRequired):
        services.return_to_work(ticket=resolved, actor=by_anna, reason=" ", files=[pdf()])
    resolved.refresh_from_db()
    assert resolved.status == TicketStatus.RESOLVED
    assert files_on_disk(settings) == []


def test_return_to_work_needs_a_reason(resolved, by_anna):
    with pytest.raises(services.TextRequired):
        services.return_to_work(ticket=resolved, actor=by_anna, reason=" \u2060")
    resolved.refresh_from_db()
    assert resolved.status == TicketStatus.RESOLVED


def test_return_to_work_twice_is_already_done(resolved, by_anna):
    services.return_to_work(ticket=resolved, actor=by_anna, reason="Снова")
    with pytest.raises(services.AlreadyDone):
        services.return_to_work(ticket=resolved, actor=by_anna, reason="Снова")
    assert Comment.objects.count() == 1


@pytest.mark.parametrize("status", ["new", "waiting", "closed"])
def test_only_a_resolved_ticket_is_returned(resolved, by_anna, status):
    Ticket.objects.update(status=status)
    with pytest.raises(TransitionNotAllowed):
        services.return_to_work(ticket=resolved, actor=by_anna, reason="Снова")
    assert Comment.objects.count() == 0


def test_only_the_requester_returns(resolved, by_boris, by_agent):
    for actor in (by_boris, by_agent, services.SYSTEM):
        with pytest.raises(services.NotYours):
            services.return_to_work(ticket=resolved, actor=actor, reason="Снова")


# Rating


@pytest.mark.parametrize("score", [1, 5])
def test_rating_closes_the_ticket_at_once(resolved, by_anna, score):
    services.rate_ticket(ticket=resolved, actor=by_anna, score=score)
    resolved.refresh_from_db()
    assert (resolved.score, resolved.status) == (score, TicketStatus.CLOSED)
    assert resolved.closed_at is not None
    assert happened() == [("rated", "", str(score)), ("status", "resolved", "closed")]
    assert told() == []


@pytest.mark.parametrize("score", [0, 6, -1, "5", None, 4.5])
def test_other_scores_are_an_error(resolved, by_anna, score):
    with pytest.raises(ValueError, match="not 1 to 5"):
        services.rate_ticket(ticket=resolved, actor=by_anna, score=score)


def test_rating_twice_is_already_done_and_keeps_the_first(resolved, by_anna):
    services.rate_ticket(ticket=resolved, actor=by_anna, score=5)
    with pytest.raises(services.AlreadyDone):
        services.rate_ticket(ticket=resolved, actor=by_anna, score=1)
    resolved.refresh_from_db()
    assert resolved.score == 5


@pytest.mark.parametrize("status", ["new", "in_progress", "waiting", "closed"])
def test_only_a_resolved_ticket_is_rated(resolved, by_anna, status):
    Ticket.objects.update(status=status)
    with pytest.raises(TransitionNotAllowed):
        services.rate_ticket(ticket=resolved, actor=by_anna, score=5)
    resolved.refresh_from_db()
    assert resolved.score is None


def test_only_the_requester_rates(resolved, by_boris, by_agent):
    for actor in (by_boris, by_agent, services.SYSTEM):
        with pytest.raises(services.NotYours):
            services.rate_ticket(ticket=resolved, actor=actor, score=5)
        with pytest.raises(services.NotYours):
            services.comment_rating(ticket=resolved, actor=actor, text="Спасибо")


def test_rating_comment_is_kept_once_and_the_ticket_stays_closed(resolved, by_anna):
    services.rate_ticket(ticket=resolved, actor=by_anna, score=5)
    services.comment_rating(ticket=resolved, actor=by_anna, text=" Спасибо\0 ")
    with pytest.raises(services.AlreadyDone):
        services.comment_rating(ticket=resolved, actor=by_anna, text="И ещё")
    resolved.refresh_from_db()
    assert resolved.rating_comment == "Спасибо"
    assert resolved.status == TicketStatus.CLOSED


def test_rating_comment_without_a_rating_is_refused(resolved, by_anna):
    with pytest.raises(services.AlreadyDone):
        services.comment_rating(ticket=resolved, actor=by_anna, text="Спасибо")


# Priority and assignee


def test_priority_is_told_to_no_mailbox(ticket, by_agent):
    services.set_priority(ticket=ticket, priority=Priority.HIGH, actor=by_agent)
    ticket.refresh_from_db()
    assert ticket.priority == Priority.HIGH
    assert happened() == [("priority", "medium", "high")]
    assert told() == []


def test_same_priority_is_already_done(ticket, by_agent):
    with pytest.raises(services.AlreadyDone):
        services.set_priority(ticket=ticket, priority=Priority.MEDIUM, actor=by_agent)


def test_unknown_priority_is_an_error(ticket, by_agent):
    with pytest.raises(ValueError, match="urgent"):
        services.set_priority(ticket=ticket, priority="urgent", actor=by_agent)
    assert happened() == []


def test_assignee_is_an_active_agent(ticket, by_agent, boris):
    for person in (boris, AgentFactory(is_active=False)):
        with pytest.raises(ValueError, match="active agent"):
            services.assign_ticket(ticket=ticket, assignee=person, actor=by_agent)
    assert happened() == []


def test_assignee_is_set_and_taken_away(ticket, by_agent, agent):
    services.assign_ticket(ticket=ticket, assignee=agent, actor=by_agent)
    with pytest.raises(services.AlreadyDone):
        services.assign_ticket(ticket=ticket, assignee=agent, actor=by_agent)
    services.assign_ticket(ticket=ticket, assignee=None, actor=by_agent)
    ticket.refresh_from_db()
    assert ticket.assignee is None
    assert happened() == [("assigned", "", "Ольга О."), ("assigned", "Ольга О.", "")]
    assert Delivery.objects.count() == 0


def test_only_agents_set_priority_and_assignee(ticket, by_anna, agent):
    for actor in (by_anna, services.SYSTEM):
        with pytest.raises(services.NotYours):
            services.set_priority(ticket=ticket, priority=Priority.LOW, actor=actor)
        with pytest.raises(services.NotYours):
            services.assign_ticket(ticket=ticket, assignee=agent, actor=actor)
    assert happened() == []


# Side by side


def split(results, kind):
    return sum(isinstance(result, kind) for result in results)


@pytest.mark.django_db(transaction=True)
def test_twenty_parallel_ratings_are_one(resolved, by_anna):
    calls = [
        lambda score=score: services.rate_ticket(ticket=resolved, actor=by_anna, score=score)
        for score in (1, 2, 3, 4, 5) * 4
    ]
    results = in_parallel(*calls)
    assert (split(results, Ticket), split(results, services.AlreadyDone)) == (1, 19)
    [winner] = [result for result in results if isinstance(result, Ticket)]
    resolved.refresh_from_db()
    assert resolved.score == winner.score
    assert [kind for kind, _old, _new in happened()] == ["rated", "status"]


@pytest.mark.django_db(transaction=True)
def test_parallel_rating_and_return_have_one_winner(resolved, by_anna):
    results = in_parallel(
        lambda: services.rate_ticket(ticket=resolved, actor=by_anna, score=5),
        lambda: services.return_to_work(ticket=resolved, actor=by_anna, reason="Снова"),
    )
    assert (split(results, Ticket), split(results, TransitionNotAllowed)) == (1, 1)
    assert TicketEvent.objects.filter(kind=Kind.STATUS).count() == 1


@pytest.mark.django_db(transaction=True)
def test_parallel_agents_change_a_status_once(ticket):
    actors = [agent(AgentFactory()) for _ in range(4)]
    results = in_parallel(
        *[
            lambda actor=actor: services.change_status(
                ticket=ticket, to=TicketStatus.RESOLVED, actor=actor
            )
            for actor in actors
        ]
    )
    assert (split(results, Ticket), split(results, services.AlreadyDone)) == (1, 3)
    assert told() == letters("resolved")


@pytest.mark.django_db(transaction=True)
def test_parallel_presses_never_pass_ten_tickets_an_hour(anna, product):
    for _ in range(8):
        open_ticket(anna, product=product)
    results = in_parallel(*[lambda: open_ticket(anna, product=product)] * 5)
    assert (split(results, Ticket), split(results, services.TooManyTickets)) == (2, 3)
