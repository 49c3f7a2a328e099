"""What colleagues do in a ticket of their organization, who hears of it, and who follows."""

import pytest

from accounts.models import Organization, User
from tests.factories import OrganizationFactory, UserFactory, open_ticket
from tickets.clocks import close_silent_tickets
from tickets.comments import add_comment, correct_comment, extend_comment
from tickets.delivery import channels
from tickets.followers import follow, followers_of, is_following, unfollow
from tickets.models import Delivery, Face, Follower, Priority, Ticket, TicketEvent
from tickets.notices import LAST_PARTS, Audience, Notice, NoticeKind, notices_of
from tickets.recording import customer
from tickets.refusals import NotYours, TicketClosed
from tickets.services import (
    assign_ticket,
    change_status,
    rate_ticket,
    return_to_work,
    set_priority,
)
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db
Kind = TicketEvent.Kind


@pytest.fixture
def ticket(anna, vera, product):
    return open_ticket(anna, product=product)


def say(ticket, person, body="Видно и у меня.", face=Face.PORTAL):
    return add_comment(ticket=ticket, actor=customer(person, face), body=body)


def leave(person):
    """By another process, so that what this one holds of them is old."""
    User.objects.filter(pk=person.pk).update(organization=None)


def stop_sharing(person):
    Organization.objects.filter(pk=person.organization_id).update(shares_tickets=False)


ENDS = {
    "left": leave,
    "moved": lambda person: User.objects.filter(pk=person.pk).update(
        organization=OrganizationFactory(shares_tickets=True)
    ),
    "closed to colleagues": stop_sharing,
    "deactivated": lambda person: User.objects.filter(pk=person.pk).update(is_active=False),
}
every_end = pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)


# Words


def test_colleague_comments(ticket, vera):
    comment = say(ticket, vera)
    assert (comment.author, comment.by_agent, comment.body) == (vera, False, "Видно и у меня.")


def test_colleagues_comment_takes_a_waiting_ticket_back_and_resets_the_reminder(
    ticket, vera, by_agent
):
    change_status(ticket=ticket, to=TicketStatus.WAITING, actor=by_agent, answer="Какая версия?")
    Ticket.objects.update(reminded_at=ticket.created_at)
    say(ticket, vera)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.reminded_at) == (TicketStatus.IN_PROGRESS, None)


def test_comment_on_a_resolved_ticket_leaves_it_so(ticket, vera, by_agent):
    change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово.")
    say(ticket, vera)
    ticket.refresh_from_db()
    assert ticket.status == TicketStatus.RESOLVED


def test_closed_ticket_takes_no_words_of_colleagues(ticket, vera, by_agent):
    change_status(ticket=ticket, to=TicketStatus.CLOSED, actor=by_agent, answer="Готово.")
    with pytest.raises(TicketClosed):
        say(ticket, vera)


@every_end
def test_who_may_not_see_the_ticket_now_says_nothing(ticket, vera, end):
    said = say(ticket, vera)
    end(vera)
    with pytest.raises(NotYours):
        say(ticket, vera)
    with pytest.raises(NotYours):
        extend_comment(comment=said, body="И ещё.", files=())
    with pytest.raises(NotYours):
        correct_comment(comment=said, actor=customer(vera, Face.BOT), old=said.body, new="Иначе.")
    assert [row.body for row in ticket.comments.all()] == ["Видно и у меня."]


def test_outsider_says_nothing(ticket, boris):
    with pytest.raises(NotYours):
        say(ticket, boris)
    assert not ticket.comments.exists()


def test_requester_who_left_still_writes(ticket, anna, vera):
    leave(anna)
    assert say(ticket, anna).author == anna


@pytest.mark.parametrize(
    "act",
    [
        lambda ticket, actor: rate_ticket(ticket=ticket, actor=actor, score=5),
        lambda ticket, actor: return_to_work(ticket=ticket, actor=actor, reason="Нет."),
        lambda ticket, actor: change_status(
            ticket=ticket, to=TicketStatus.CLOSED, actor=actor, answer="Готово."
        ),
        lambda ticket, actor: set_priority(ticket=ticket, priority=Priority.LOW, actor=actor),
        lambda ticket, actor: add_comment(ticket=ticket, actor=actor, body="!", internal=True),
    ],
    ids=["rate", "return", "close", "priority", "note"],
)
def test_colleague_does_no_more_than_comment(ticket, vera, by_agent, act):
    change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово.")
    before = list(ticket.events.values_list("pk", flat=True))
    with pytest.raises(NotYours):
        act(ticket, customer(vera, Face.BOT))
    assert list(ticket.events.values_list("pk", flat=True)) == before


# Who hears


def told(event, audience):
    return [row for row in notices_of(event) if row.audience == audience]


@pytest.mark.parametrize(("face", "delay"), [(Face.PORTAL, LAST_PARTS * 0), (Face.BOT, LAST_PARTS)])
def test_colleagues_word_is_told_as_such_to_requester_and_desk(ticket, vera, face, delay):
    say(ticket, vera, face=face)
    event = ticket.events.get(kind=Kind.COMMENTED)
    assert told(event, Audience.CUSTOMER) == [Notice(NoticeKind.COLLEAGUE, event, delay=delay)]
    assert told(event, Audience.STAFF) == [
        Notice(NoticeKind.STAFF_COMMENT, event, Audience.STAFF, delay=LAST_PARTS)
    ]


def test_followers_hear_what_the_requester_hears_and_does(ticket, anna, vera, agent, by_agent):
    say(ticket, anna)
    set_priority(ticket=ticket, priority=Priority.HIGH, actor=by_agent)
    assign_ticket(ticket=ticket, assignee=agent, actor=by_agent)
    add_comment(ticket=ticket, actor=by_agent, body="Смотрим.")
    add_comment(ticket=ticket, actor=by_agent, body="Только для нас.", internal=True)
    change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово.")
    return_to_work(ticket=ticket, actor=customer(anna, Face.PORTAL), reason="Нет.")
    change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово.")
    rate_ticket(ticket=ticket, actor=customer(anna, Face.PORTAL), score=5)
    heard = [row for event in ticket.events.all() for row in told(event, Audience.FOLLOWERS)]
    assert [row.kind for row in heard] == [
        "colleague", "priority", "assigned", "comment", "resolved", "status", "resolved", "status",
    ]  # fmt: skip
    assert not any(row.loud for row in heard)


def test_follower_is_not_reminded_to_rate(ticket, by_agent, clock):
    change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово.")
    clock.advance(days=5)
    close_silent_tickets()
    event = ticket.events.get(kind=Kind.REMINDED)
    assert told(event, Audience.FOLLOWERS) == []


# Following


def test_following_begins_once_and_ends(ticket, vera):
    for _time in range(2):
        follow(ticket=ticket, user=vera)
    assert is_following(vera, ticket)
    assert Follower.objects.count() == 1
    for _time in range(2):
        unfollow(ticket=ticket, user=vera)
    assert not is_following(vera, ticket)


def test_nobody_follows_an_own_or_a_foreign_ticket(ticket, anna, boris):
    for person in (anna, boris):
        with pytest.raises(NotYours):
            follow(ticket=ticket, user=person)


@every_end
def test_who_may_not_see_the_ticket_does_not_follow(ticket, vera, end):
    end(vera)
    with pytest.raises(NotYours):
        follow(ticket=ticket, user=vera)


@every_end
def test_followers_of_an_event_are_those_who_see_it_now(ticket, vera, end, by_agent):
    follow(ticket=ticket, user=vera)
    end(vera)
    add_comment(ticket=ticket, actor=by_agent, body="Смотрим.")
    assert not Delivery.objects.filter(recipient=vera).exists()


def test_nobody_hears_of_their_own_words(ticket, anna, vera):
    follow(ticket=ticket, user=vera)
    say(ticket, vera)
    assert set(Delivery.objects.values_list("recipient__email", flat=True)) == {anna.email}


def test_colleague_who_works_at_the_desk_is_no_colleague_there(ticket, anna, vera, by_agent):
    follow(ticket=ticket, user=vera)
    event = add_comment(ticket=ticket, actor=by_agent, body="Смотрим.").ticketevent_set.get()
    assert [row.user for row in followers_of(event)] == [vera]
    assert [row.kind for row in told(event, Audience.CUSTOMER)] == ["comment"]


def test_more_followers_cost_no_more_queries(ticket, vera, by_agent, django_assert_num_queries):
    add_comment(ticket=ticket, actor=by_agent, body="Считайте с этого.")
    for people in (1, 10):
        for person in UserFactory.create_batch(people, organization=vera.organization):
            Follower.objects.create(user=person, ticket=ticket)
        with django_assert_num_queries(18):  # 2 of them: whether anybody follows, and no agent does
            add_comment(ticket=ticket, actor=by_agent, body="Смотрим.")
    assert Delivery.objects.filter(data__has_key="follower").count() == 1 + 11


def test_ticket_without_followers_is_asked_for_them_once(
    ticket, by_agent, django_assert_num_queries
):
    event = add_comment(ticket=ticket, actor=by_agent, body="Смотрим.").ticketevent_set.get()
    event.ticket.requester  # noqa: B018 - read before
    with django_assert_num_queries(1):
        assert [followers_of(event) for _channel in channels()] == [[]] * len(channels())


def test_every_way_asks_for_followers_once(ticket, vera, by_agent, django_assert_num_queries):
    follow(ticket=ticket, user=vera)
    event = add_comment(ticket=ticket, actor=by_agent, body="Смотрим.").ticketevent_set.get()
    event.ticket.requester  # noqa: B018 - read before
    with django_assert_num_queries(3):  # whether any, them with their people, what those chose
        for _channel in channels():
            followers_of(event)
