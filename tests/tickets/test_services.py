"""What is done with a ticket: its status, return, rating, priority and assignee."""

import pytest
from django.db import transaction

from tests.factories import (
    OrganizationFactory,
    SpecialistFactory,
    TicketFactory,
    UserFactory,
    open_ticket,
)
from tests.files import pdf
from tests.queue import queued
from tests.threads import in_parallel
from tests.tickets.test_status import PROMISED, TRIPLES
from tests.tickets.traces import DRAIN_MAIL, files_on_disk, happened, letters, told
from tickets import recording, services
from tickets.attachments import NewFile
from tickets.models import Comment, Delivery, Face, Priority, Ticket, TicketEvent
from tickets.recording import SYSTEM, customer
from tickets.refusals import AlreadyDone, NotYours, TextRequired, TextTooLong, TooManyTickets
from tickets.status import Role, TicketStatus, TransitionNotAllowed

pytestmark = pytest.mark.django_db

Kind = TicketEvent.Kind


@pytest.fixture
def resolved(anna, product):
    return TicketFactory(requester=anna, product=product, status=TicketStatus.RESOLVED)


@pytest.fixture
def by_boris(boris):
    return customer(boris, Face.BOT)


# Status


@pytest.mark.parametrize(("old", "to", "role"), TRIPLES)
def test_change_status_follows_the_table(anna, agent, old, to, role):
    ticket = TicketFactory(requester=anna, status=old)
    actor = {
        Role.AGENT: recording.agent(agent),
        Role.CUSTOMER: customer(anna, Face.BOT),
        Role.SYSTEM: SYSTEM,
    }[Role(role)]
    if (old, to, role) in PROMISED:
        services.change_status(ticket=ticket, to=TicketStatus(to), actor=actor, answer="Готово.")
        is_taken = role == Role.AGENT and old == TicketStatus.NEW
        expected = to
        events = [("assigned", "", "Ольга О.")] * is_taken + [("status", old, to)]
    else:
        refusal = AlreadyDone if old == to else TransitionNotAllowed
        with pytest.raises(refusal):
            services.change_status(
                ticket=ticket, to=TicketStatus(to), actor=actor, answer="Готово."
            )
        expected, events = old, []
    ticket.refresh_from_db()
    assert ticket.status == expected
    assert happened() == events


@pytest.mark.parametrize("to", [TicketStatus.IN_PROGRESS, TicketStatus.CLOSED])
def test_another_customer_changes_no_status(resolved, by_boris, to):
    with pytest.raises(NotYours):
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
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово."
    )
    ticket.refresh_from_db()
    assert ticket.resolved_at is not None
    assert ticket.closed_at is None
    assert told() == letters("resolved")
    assert all(row.data["loud"] for row in Delivery.objects.all())


def test_answer_and_status_are_one_event_and_one_notice(ticket, by_agent):
    services.change_status(
        ticket=ticket, to=TicketStatus.WAITING, actor=by_agent, answer="Пришлите лог", files=[pdf()]
    )
    event = ticket.events.get(kind="status")
    assert event.comment.body == "Пришлите лог"
    assert event.comment.attachments.count() == 1
    assert told() == letters("status")


def test_own_change_is_told_to_nobody(agent):
    ticket = TicketFactory(requester=agent)
    services.change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=recording.agent(agent))
    assert Delivery.objects.count() == 0


def test_change_status_decides_by_the_stored_row_not_by_the_given_one(ticket, by_agent):
    stale = Ticket.objects.get(pk=ticket.pk)
    services.change_status(ticket=ticket, to=TicketStatus.CLOSED, actor=by_agent, answer="Готово.")
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
    with pytest.raises(TextTooLong):
        services.change_status(
            ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="ы" * 20_001
        )
    ticket.refresh_from_db()
    assert ticket.status == TicketStatus.NEW


def test_deliveries_and_wake_up_go_with_the_callers_transaction(ticket, by_agent):
    with transaction.atomic():
        services.change_status(
            ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово."
        )
        assert DRAIN_MAIL in queued()
        transaction.set_rollback(True)
    assert Delivery.objects.count() == 0
    assert queued() == []


def test_change_status_takes_14_queries(ticket, by_agent, django_assert_num_queries):
    services.set_priority(ticket=ticket, priority=Priority.HIGH, actor=by_agent)
    with django_assert_num_queries(14):
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
    with pytest.raises(TextRequired):
        services.return_to_work(ticket=resolved, actor=by_anna, reason=" ", files=[pdf()])
    resolved.refresh_from_db()
    assert resolved.status == TicketStatus.RESOLVED
    assert files_on_disk(settings) == []


def test_return_to_work_needs_a_reason(resolved, by_anna):
    with pytest.raises(TextRequired):
        services.return_to_work(ticket=resolved, actor=by_anna, reason=" \u2060")
    resolved.refresh_from_db()
    assert resolved.status == TicketStatus.RESOLVED


def test_return_to_work_twice_is_already_done(resolved, by_anna):
    services.return_to_work(ticket=resolved, actor=by_anna, reason="Снова")
    with pytest.raises(AlreadyDone):
        services.return_to_work(ticket=resolved, actor=by_anna, reason="Снова")
    assert Comment.objects.count() == 1


@pytest.mark.parametrize("status", ["new", "waiting", "closed"])
def test_only_a_resolved_ticket_is_returned(resolved, by_anna, status):
    Ticket.objects.update(status=status)
    with pytest.raises(TransitionNotAllowed):
        services.return_to_work(ticket=resolved, actor=by_anna, reason="Снова")
    assert Comment.objects.count() == 0


def test_only_the_requester_returns(resolved, by_boris, by_agent):
    for actor in (by_boris, by_agent, SYSTEM):
        with pytest.raises(NotYours):
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
    with pytest.raises(AlreadyDone):
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
    for actor in (by_boris, by_agent, SYSTEM):
        with pytest.raises(NotYours):
            services.rate_ticket(ticket=resolved, actor=actor, score=5)
        with pytest.raises(NotYours):
            services.comment_rating(ticket=resolved, actor=actor, text="Спасибо")


def test_rating_comment_is_kept_once_and_the_ticket_stays_closed(resolved, by_anna):
    services.rate_ticket(ticket=resolved, actor=by_anna, score=5)
    services.comment_rating(ticket=resolved, actor=by_anna, text=" Спасибо\0 ")
    with pytest.raises(AlreadyDone):
        services.comment_rating(ticket=resolved, actor=by_anna, text="И ещё")
    resolved.refresh_from_db()
    assert resolved.rating_comment == "Спасибо"
    assert resolved.status == TicketStatus.CLOSED


def test_rating_comment_without_a_rating_is_refused(resolved, by_anna):
    with pytest.raises(AlreadyDone):
        services.comment_rating(ticket=resolved, actor=by_anna, text="Спасибо")


# Priority and assignee


def test_priority_is_told_to_no_mailbox(ticket, by_agent):
    services.set_priority(ticket=ticket, priority=Priority.HIGH, actor=by_agent)
    ticket.refresh_from_db()
    assert ticket.priority == Priority.HIGH
    assert happened() == [("priority", "medium", "high")]
    assert told() == []


def test_same_priority_is_already_done(ticket, by_agent):
    with pytest.raises(AlreadyDone):
        services.set_priority(ticket=ticket, priority=Priority.MEDIUM, actor=by_agent)


def test_unknown_priority_is_an_error(ticket, by_agent):
    with pytest.raises(ValueError, match="urgent"):
        services.set_priority(ticket=ticket, priority="urgent", actor=by_agent)
    assert happened() == []


def test_assignee_is_set_and_taken_away(ticket, by_agent, agent):
    services.assign_ticket(ticket=ticket, assignee=agent, actor=by_agent)
    with pytest.raises(AlreadyDone):
        services.assign_ticket(ticket=ticket, assignee=agent, actor=by_agent)
    services.assign_ticket(ticket=ticket, assignee=None, actor=by_agent)
    ticket.refresh_from_db()
    assert ticket.assignee is None
    assert happened() == [("assigned", "", "Ольга О."), ("assigned", "Ольга О.", "")]
    assert Delivery.objects.count() == 0


def test_only_agents_set_priority_and_assignee(ticket, by_anna, agent):
    for actor in (by_anna, SYSTEM):
        with pytest.raises(NotYours):
            services.set_priority(ticket=ticket, priority=Priority.LOW, actor=actor)
        with pytest.raises(NotYours):
            services.assign_ticket(ticket=ticket, assignee=agent, actor=actor)
    assert happened() == []


def split(results, kind):
    return sum(isinstance(result, kind) for result in results)


# Side by side


@pytest.mark.django_db(transaction=True)
def test_twenty_parallel_ratings_are_one(resolved, by_anna):
    calls = [
        lambda score=score: services.rate_ticket(ticket=resolved, actor=by_anna, score=score)
        for score in (1, 2, 3, 4, 5) * 4
    ]
    results = in_parallel(*calls)
    assert (split(results, Ticket), split(results, AlreadyDone)) == (1, 19)
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
    actors = [recording.agent(SpecialistFactory()) for _ in range(4)]
    results = in_parallel(
        *[
            lambda actor=actor: services.change_status(
                ticket=ticket, to=TicketStatus.RESOLVED, actor=actor, answer="Готово."
            )
            for actor in actors
        ]
    )
    assert (split(results, Ticket), split(results, AlreadyDone)) == (1, 3)
    assert told() == letters("resolved")


@pytest.mark.django_db(transaction=True)
def test_parallel_presses_never_pass_ten_tickets_an_hour(anna, product):
    for _ in range(8):
        open_ticket(anna, product=product)
    results = in_parallel(*[lambda: open_ticket(anna, product=product)] * 5)
    assert (split(results, Ticket), split(results, TooManyTickets)) == (2, 3)
