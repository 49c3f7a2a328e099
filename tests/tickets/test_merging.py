"""Two tickets about one thing become one; who may see whose words stays as it was."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.factories import OrganizationFactory, UserFactory, open_ticket
from tests.threads import in_parallel
from tickets import recording, services
from tickets.attachments import NewFile
from tickets.comments import add_comment, correct_comment, extend_comment, extend_description
from tickets.followers import follow
from tickets.merging import merge_tickets
from tickets.models import (
    Comment,
    Delivery,
    Draft,
    Face,
    Follower,
    Priority,
    Ticket,
    TicketEvent,
    TicketLink,
)
from tickets.notices import Audience, notices_of
from tickets.queries import led_ticket, timeline
from tickets.reads import is_unread, with_reads
from tickets.recording import customer
from tickets.refusals import NotRateable, NotYours, TicketMerged
from tickets.refusals_joining import (
    ColleaguesWouldRead,
    IncidentNotMerged,
    MergedWithItself,
    MergeTargetClosed,
    StrangersNotMerged,
)
from tickets.search import search_tickets
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db
Kind = TicketEvent.Kind


def text_file(name: str) -> NewFile:
    content = ContentFile(b"line", name)
    return NewFile(name, content.size, content=content)


@pytest.fixture
def first(anna, product):
    """The one that will be merged; numbers and words tell it from the other."""
    return open_ticket(
        anna, product=product, title="Сайт лежит", description="Ошибка srv-77",
        files=[text_file("a.txt")],
    )  # fmt: skip


@pytest.fixture
def second(anna, product):
    return open_ticket(anna, product=product, title="Не открывается сайт")


def merge(ticket: Ticket, into: Ticket, actor: recording.Actor) -> Ticket:
    merged = merge_tickets(ticket=ticket, into=into, actor=actor)
    ticket.refresh_from_db()
    return merged


def bodies(ticket: Ticket) -> list[str]:
    return [event.comment.body for event in timeline(ticket, None)[0] if event.comment]


def found(term: str, *, internal: bool = False) -> list[int]:
    rows = search_tickets(Ticket.objects.order_by("pk"), term, internal=internal)
    return list(rows.values_list("pk", flat=True))


def test_words_and_files_move_and_keep_their_time(first, second, anna, by_anna, by_agent):
    add_comment(ticket=first, actor=by_anna, body="один", files=[text_file("b.txt")])
    add_comment(ticket=second, actor=by_anna, body="два")
    note = add_comment(ticket=first, actor=by_agent, body="заметка", internal=True)
    services.change_status(ticket=first, to=TicketStatus.WAITING, actor=by_agent, answer="три")
    add_comment(ticket=second, actor=by_agent, body="четыре")

    into = merge(first, second, by_agent)

    said = bodies(into)
    assert said[:4] == ["один", "два", "три", "четыре"]
    assert said[4].startswith(f"Из объединённой заявки № {first.pk} от ")
    assert said[4].endswith(": Сайт лежит\n\nОшибка srv-77")
    assert not first.comments.exists()
    assert not first.attachments.exists()
    assert {row.name: row.comment.body[:4] for row in into.attachments.all()} == {
        "a.txt": "Из о",
        "b.txt": "один",
    }
    note.refresh_from_db()
    assert (note.ticket_id, note.is_internal) == (into.pk, True)
    assert into.events.get(comment=note).is_internal


def test_the_merged_one_is_closed_and_stands_still(first, second, by_agent, anna):
    merge(first, second, by_agent)
    assert (first.status, first.merged_into_id) == (TicketStatus.CLOSED, second.pk)
    assert first.closed_at
    assert first.paused_at
    assert (first.next_due_at, first.tell_due_at, first.score) == (None, None, None)
    assert list(Ticket.objects.own(anna).open()) == [second]


def test_moves_of_the_status_stay_with_the_merged_one(first, second, by_agent):
    services.change_status(ticket=first, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово")
    told = Delivery.objects.filter(event__kind=Kind.STATUS).values_list("pk", flat=True)
    told = list(told)
    merge(first, second, by_agent)
    moves = first.events.filter(kind=Kind.STATUS).order_by("pk")
    assert list(moves.values_list("new_value", flat=True)) == ["resolved", "closed"]
    assert moves[0].comment.body == "Готово"
    assert not second.events.filter(kind=Kind.STATUS).exists()
    second.refresh_from_db()
    assert second.status == TicketStatus.NEW
    assert told
    assert set(Delivery.objects.filter(pk__in=told).values_list("event", "ticket")) == {
        (moves[0].pk, first.pk)
    }


def test_both_tell_of_it_and_it_is_told_once(first, second, by_agent):
    merge(first, second, by_agent)
    event = first.events.get(kind=Kind.MERGED)
    assert (event.new_value, event.is_internal) == (str(second.pk), False)
    assert second.events.get(kind=Kind.MERGED).old_value == str(first.pk)
    told = [
        (notice.kind, row.pk)
        for row in TicketEvent.objects.filter(created_at__gte=event.created_at - timedelta(hours=1))
        for notice in notices_of(row)
        if row.by_agent and notice.audience == Audience.CUSTOMER
    ]
    assert told == [("merged", event.pk)]
    letters = Delivery.objects.filter(channel="email", ticket=first, kind="merged")
    assert sorted(letters.values_list("address", flat=True)) == [
        "anna@alpha.example",
        "office@alpha.example",
    ]


def test_offers_to_rate_are_taken_back(first, second, by_agent, by_anna):
    services.change_status(ticket=first, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово")
    merge(first, second, by_agent)
    end = first.events.filter(kind=Kind.STATUS).latest("pk")
    assert [notice.kind for notice in notices_of(end) if notice.audience == "customer"] == [
        "buttons"
    ]
    with pytest.raises(NotRateable):
        services.rate_ticket(ticket=first, actor=by_anna, score=5)


def test_one_that_its_requester_has_closed_takes_no_rating_either(first, second, by_agent, by_anna):
    services.close_by_requester(ticket=first, actor=by_anna)
    closed_at = Ticket.objects.get(pk=first.pk).closed_at
    merge(first, second, by_agent)
    assert first.closed_at == closed_at
    with pytest.raises(NotRateable):
        services.rate_ticket(ticket=first, actor=by_anna, score=5)


def test_words_are_found_in_the_ticket_they_moved_to(first, second, by_anna, by_agent):
    add_comment(ticket=first, actor=by_anna, body="Фиолетовый srv-88")
    add_comment(ticket=first, actor=by_agent, body="Тайна srv-99", internal=True)
    merge(first, second, by_agent)
    assert found("фиолетовый srv-88") == [second.pk]
    assert found("srv-77") == [first.pk, second.pk]  # the description stays, too
    assert found("srv-99") == []
    assert found("тайна srv-99", internal=True) == [second.pk]


@pytest.mark.parametrize("steps", [1, 2])
def test_number_leads_on(first, second, anna, product, by_agent, steps):
    merge(first, second, by_agent)
    last = second
    if steps == 2:
        last = open_ticket(anna, product=product)
        merge(second, last, by_agent)
    assert led_ticket(Ticket.objects.visible_to(anna), first.pk) == last
    assert len([body for body in bodies(last) if body.endswith("srv-77")]) == 1


def test_number_leads_nobody_to_what_they_may_not_see(first, vera, by_agent, product, anna):
    hers = open_ticket(vera, product=product)
    merge(first, hers, by_agent)
    type(anna.organization).objects.update(shares_tickets=False)
    anna.refresh_from_db()
    assert led_ticket(Ticket.objects.visible_to(anna), first.pk) == first
    assert led_ticket(Ticket.objects.visible_to(anna), hers.pk) is None


# What may be merged


def test_with_itself_is_refused(first, by_agent):
    with pytest.raises(MergedWithItself):
        merge(first, first, by_agent)


def test_twice_is_refused_with_the_number(first, second, by_agent, anna, product):
    merge(first, second, by_agent)
    third = open_ticket(anna, product=product)
    for pair in ((first, second), (first, third), (third, first)):
        with pytest.raises(TicketMerged) as caught:
            merge(*pair, by_agent)
        assert str(caught.value) == f"Заявка № {first.pk} объединена с № {second.pk}."


def test_no_circle_comes_about(first, second, by_agent):
    merge(first, second, by_agent)
    with pytest.raises(TicketMerged):
        merge(second, first, by_agent)


def test_into_a_closed_one_is_refused(first, second, by_agent):
    services.change_status(ticket=second, to=TicketStatus.CLOSED, actor=by_agent, answer="Готово.")
    with pytest.raises(MergeTargetClosed):
        merge(first, second, by_agent)


def test_incident_is_not_merged_away(first, second, by_agent):
    Ticket.objects.filter(pk=second.pk).update(incident=first)
    with pytest.raises(IncidentNotMerged):
        merge(first, second, by_agent)


def test_tickets_of_strangers_are_refused(first, boris, by_agent, product):
    with pytest.raises(StrangersNotMerged):
        merge(open_ticket(boris, product=product), first, by_agent)


@pytest.mark.parametrize("left", ["nobody", "requester", "other", "switch"])
def test_colleagues_as_long_as_both_see_both(first, anna, vera, by_agent, product, left):
    hers = open_ticket(vera, product=product)
    if left == "switch":
        type(anna.organization).objects.update(shares_tickets=False)
    elif left != "nobody":
        person = anna if left == "requester" else vera
        type(anna).objects.filter(pk=person.pk).update(organization=OrganizationFactory())
    if left == "nobody":
        assert merge(first, hers, by_agent) == hers
    else:
        with pytest.raises(StrangersNotMerged):
            merge(first, hers, by_agent)


def test_two_people_without_an_organization_are_strangers(by_agent, product):
    one, other = (open_ticket(UserFactory(), product=product) for _ in range(2))
    with pytest.raises(StrangersNotMerged):
        merge(one, other, by_agent)


@pytest.mark.parametrize("before", [None, "another organization"])
def test_what_was_said_elsewhere_is_shown_to_no_new_colleagues(boris, by_agent, product, before):
    """Who has joined an organization since keeps what they wrote before from its people."""
    boris.organization = OrganizationFactory(shares_tickets=True) if before else None
    elsewhere = open_ticket(boris, product=product)
    boris.organization = OrganizationFactory(shares_tickets=True)
    boris.save()
    here = open_ticket(boris, product=product)
    with pytest.raises(ColleaguesWouldRead):
        merge(elsewhere, here, by_agent)
    type(boris.organization).objects.update(shares_tickets=False)
    here.refresh_from_db()
    assert merge(elsewhere, here, by_agent) == here


def test_only_agents_merge(first, second, by_anna):
    with pytest.raises(NotYours):
        merge(first, second, by_anna)


# What goes along


def test_requester_and_followers_follow_the_other_one(anna, vera, agent, by_agent, product):
    oleg = UserFactory(organization=vera.organization)
    ticket, into = open_ticket(anna, product=product), open_ticket(vera, product=product)
    follow(ticket=ticket, user=oleg)
    follow(ticket=ticket, user=vera)
    merge(ticket, into, by_agent)
    following = Follower.objects.filter(ticket=into).values_list("user", flat=True)
    assert set(following) == {anna.pk, oleg.pk}
    assert Delivery.objects.filter(ticket=ticket, kind="merged", recipient=oleg).exists()


def test_drafts_and_links_come_along(first, second, anna, by_agent, product):
    third = open_ticket(anna, product=product)
    Draft.objects.create(user=anna, form="comment", ticket=first, body={"body": "не послано"})
    Draft.objects.create(user=anna, form="close", ticket=first, body={"comment": "старое"})
    Draft.objects.create(user=anna, form="close", ticket=second, body={"comment": "своё"})
    TicketLink.objects.create(lower=first, upper=second)
    TicketLink.objects.create(lower=first, upper=third)
    merge(first, second, by_agent)
    kept = Draft.objects.filter(ticket=second).order_by("form")
    assert [row.body for row in kept] == [{"comment": "своё"}, {"body": "не послано"}]
    assert [(row.lower_id, row.upper_id) for row in TicketLink.objects.all()] == [
        (second.pk, third.pk)
    ]


def test_later_word_says_whose_turn_it_is(first, second, by_anna, by_agent, anna):
    add_comment(ticket=second, actor=by_agent, body="Смотрим")
    add_comment(ticket=first, actor=by_anna, body="Ну как?")
    into = merge(first, second, by_agent)
    into.refresh_from_db()
    assert (into.last_word_by_agent, into.last_word_by_id) == (False, anna.pk)


def test_first_answer_of_the_other_is_still_due(first, second, by_agent):
    add_comment(ticket=first, actor=by_agent, body="Смотрим")
    into = merge(first, second, by_agent)
    into.refresh_from_db()
    assert into.answered_at is None
    assert into.answer_due_at


def test_other_one_is_new_to_its_reader_and_the_merged_one_is_not(first, second, by_agent, anna):
    merge(first, second, by_agent)
    rows = {row.pk: row for row in with_reads(Ticket.objects.own(anna), anna)}
    assert is_unread(rows[second.pk], anna)
    assert not is_unread(rows[first.pk], anna)


# What comes too late


def test_words_for_the_merged_one_arrive_at_the_other(first, second, by_anna, by_agent):
    said = add_comment(ticket=first, actor=by_anna, body="Часть первая")
    stale = Ticket.objects.get(pk=first.pk)
    merge(first, second, by_agent)
    late = add_comment(ticket=stale, actor=by_anna, body="Опоздало")
    extend_comment(comment=said, body="Часть вторая", files=[text_file("c.txt")])
    correct_comment(comment=said, actor=by_anna, old="Часть первая", new="Часть один")
    extend_description(ticket=stale, body="Из альбома", files=[])
    said.refresh_from_db()
    assert (late.ticket_id, said.ticket_id) == (second.pk, second.pk)
    assert said.body == "Часть один\nЧасть вторая"
    assert said.attachments.get().ticket_id == second.pk
    assert second.comments.filter(body="Из альбома").exists()
    assert Ticket.objects.get(pk=first.pk).description == "Ошибка srv-77"


def test_extending_a_comment_read_before_the_merge(first, second, by_anna, by_agent):
    add_comment(ticket=first, actor=by_anna, body="Часть первая")
    stale = Comment.objects.select_related("ticket").get()
    merge(first, second, by_agent)
    extend_comment(comment=stale, body="Часть вторая", files=[text_file("c.txt")])
    assert stale.attachments.get().ticket_id == second.pk


@pytest.mark.parametrize("internal", [True, False])
def test_agent_is_told_where_it_went(first, second, by_agent, internal):
    merge(first, second, by_agent)
    with pytest.raises(TicketMerged, match=f"объединена с № {second.pk}"):
        add_comment(ticket=first, actor=by_agent, body="Слова", internal=internal)


def test_merged_one_changes_neither_hands_nor_priority(first, second, agent, by_agent):
    merge(first, second, by_agent)
    told = Delivery.objects.count()
    with pytest.raises(TicketMerged):
        services.assign_ticket(ticket=first, assignee=agent, actor=by_agent)
    with pytest.raises(TicketMerged):
        services.set_priority(ticket=first, priority=Priority.HIGH, actor=by_agent)
    assert Delivery.objects.count() == told


def test_nothing_of_it_happens_where_telling_fails(first, second, by_anna, by_agent, no_way_out):
    Comment.objects.create(ticket=first, author=by_anna.user, by_agent=False, body="а", face="bot")
    with pytest.raises(RuntimeError):
        merge(first, second, by_agent)
    assert (first.comments.count(), second.comments.count()) == (1, 0)
    assert Ticket.objects.filter(merged_into=None).count() == 2


# At the same moment


@pytest.mark.django_db(transaction=True)
def test_two_merges_against_each_other_and_words_meanwhile(anna, agent, product, monkeypatch):
    """One of the two wins; all words are in the ticket that is left. Nothing is tried again."""
    monkeypatch.setattr("tickets.recording.retry_once", lambda call, *args, **kw: call(*args, **kw))
    one, two = open_ticket(anna, product=product), open_ticket(anna, product=product)

    def speak(ticket: Ticket) -> None:
        for number in range(5):
            add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body=f"{number}")

    results = in_parallel(
        lambda: merge_tickets(ticket=one, into=two, actor=recording.agent(agent)),
        lambda: merge_tickets(ticket=two, into=one, actor=recording.agent(agent)),
        lambda: speak(one),
        lambda: speak(two),
    )
    left = Ticket.objects.get(merged_into=None)
    assert sorted(isinstance(result, TicketMerged) for result in results[:2]) == [False, True]
    assert results[2:] == [None, None]
    assert left.comments.count() == 11
    assert Comment.objects.count() == 11


def test_no_more_queries_for_more_words(first, second, by_anna, by_agent, product, anna):
    def queries_of(words: int) -> int:
        ticket = open_ticket(anna, product=product)
        for number in range(words):
            add_comment(ticket=ticket, actor=by_anna, body=f"слова {number}")
        with CaptureQueriesContext(connection) as queries:
            merge_tickets(ticket=ticket, into=second, actor=by_agent)
        return len(queries)

    queries_of(1)  # the first one makes the row that counts an agent's changes
    assert queries_of(1) == queries_of(4)


def test_time_of_the_merge_is_told_in_both(first, second, by_agent, clock):
    clock.advance(hours=2)
    merge(first, second, by_agent)
    at = timezone.now()
    for ticket in (first, second):
        event = ticket.events.get(kind=Kind.MERGED)
        assert abs(event.created_at - at) < timedelta(minutes=1)
