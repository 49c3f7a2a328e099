"""Changes of tickets and files are counted for whoever makes them, whatever the face."""

from contextlib import suppress

import pytest
from django.core.files.base import ContentFile

from accounts.models import Usage
from accounts.quotas import AGENT_CHANGES, CHANGES, TooManyChanges
from tests import factories
from tests.threads import in_parallel
from tickets import services
from tickets.attachments import BYTES_A_DAY, MAX_FILES, MAX_SIZE, NewFile
from tickets.comments import add_comment, correct_comment, extend_comment, extend_description
from tickets.models import Attachment, Comment, Delivery, Face, Priority, Ticket
from tickets.recording import SYSTEM, customer
from tickets.refusals import AlreadyDone, TooManyBytes, TooManyTickets
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db

FACES = [Face.PORTAL, Face.BOT, Face.GROUP]


def used(user, kind="changes"):
    return sum(Usage.objects.filter(user=user, kind=kind).values_list("used", flat=True))


def announced(size):
    return NewFile("video.mp4", size, source="telegram:1")


@pytest.fixture
def resolved(ticket, by_agent):
    return services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово"
    )


def test_thirty_of_many_comments_are_taken_by_all_faces_together(ticket, anna):
    told = Delivery.objects.count()
    for number in range(150):
        with suppress(TooManyChanges):
            add_comment(ticket=ticket, actor=customer(anna, FACES[number % 3]), body="Ещё")
    assert Comment.objects.count() == CHANGES.limit
    assert Delivery.objects.count() - told <= CHANGES.limit


@pytest.mark.django_db(transaction=True)
def test_not_one_more_is_taken_from_many_processes(anna, product, monkeypatch):
    ticket = factories.TicketFactory(requester=anna, product=product)
    factories.UsageFactory(user=anna, kind="changes", used=CHANGES.limit - 4)

    def comment():
        return add_comment(ticket=ticket, actor=customer(anna, Face.PORTAL), body="Ещё").pk

    results = in_parallel(*[comment] * 10)
    assert Comment.objects.count() == 4
    assert sum(isinstance(result, TooManyChanges) for result in results) == 6


def test_each_change_of_a_customer_counts_once(anna, product, by_agent):
    ticket = factories.open_ticket(anna, product=product)
    by_anna = customer(anna, Face.PORTAL)
    comment = add_comment(ticket=ticket, actor=by_anna, body="Слово")
    correct_comment(comment=comment, actor=by_anna, old="Слово", new="Дело")
    assert used(anna) == 3
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово."
    )
    services.return_to_work(ticket=ticket, actor=by_anna, reason="Нет")
    assert used(anna) == 4
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово."
    )
    services.rate_ticket(ticket=ticket, actor=by_anna, score=5, text="Спасибо")
    assert used(anna) == 5


def test_what_an_agent_does_in_one_go_is_one_change(ticket, agent, by_agent):
    services.take_to_work(ticket=ticket, actor=by_agent)
    services.work_on_ticket(
        ticket=ticket,
        actor=by_agent,
        seen=ticket.events.latest("pk").pk,
        to=TicketStatus.WAITING,
        body="Пришлите журнал",
    )
    assert used(agent) == 2


def test_agents_may_change_three_hundred(ticket, agent, by_agent):
    factories.UsageFactory(user=agent, kind="changes", used=AGENT_CHANGES.limit - 1)
    services.set_priority(ticket=ticket, priority=Priority.HIGH, actor=by_agent)
    with pytest.raises(TooManyChanges):
        services.set_priority(ticket=ticket, priority=Priority.LOW, actor=by_agent)


def test_the_system_has_no_limit(anna, product):
    for ticket in factories.TicketFactory.create_batch(
        CHANGES.limit + 1, requester=anna, product=product, status=TicketStatus.RESOLVED
    ):
        services.change_status(ticket=ticket, to=TicketStatus.CLOSED, actor=SYSTEM)
    assert not Usage.objects.exists()


def test_further_parts_of_a_message_are_no_changes(ticket, anna):
    comment = add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Раз")
    for _ in range(MAX_FILES):
        extend_comment(comment=comment, body="", files=[announced(1)])
    extend_description(ticket=ticket, body="Два", files=[])
    assert used(anna) == 1


def test_refused_change_does_not_count(resolved, anna):
    by_anna = customer(anna, Face.BOT)
    services.rate_ticket(ticket=resolved, actor=by_anna, score=5)
    for _ in range(CHANGES.limit + 1):
        with pytest.raises(AlreadyDone):
            services.rate_ticket(ticket=resolved, actor=by_anna, score=4)
    assert used(anna) == 1


def test_refusal_leaves_nothing_behind(ticket, anna, settings):
    factories.UsageFactory(user=anna, kind="changes", used=CHANGES.limit)
    file = NewFile("a.txt", 1, "text/plain", ContentFile(b"x"))
    with pytest.raises(TooManyChanges):
        add_comment(ticket=ticket, actor=customer(anna, Face.PORTAL), body="Слово", files=[file])
    assert not Comment.objects.exists()
    assert [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()] == []


# Files


def test_a_gigabyte_a_day_goes_through(ticket, anna, clock):
    by_anna = customer(anna, Face.PORTAL)
    for _ in range(2):
        files = [announced(MAX_SIZE)] * MAX_FILES
        add_comment(ticket=ticket, actor=by_anna, body="", files=files)
    clock.advance(hours=19)
    with pytest.raises(TooManyBytes) as refusal:
        add_comment(ticket=ticket, actor=by_anna, body="", files=[announced(MAX_SIZE)])
    assert "не больше чем на 1 ГБ" in str(refusal.value)
    assert "через 5 часов" in str(refusal.value)
    assert BYTES_A_DAY.limit == 1024**3
    assert Attachment.objects.count() == 20
    add_comment(ticket=ticket, actor=by_anna, body="Без файла")
    clock.advance(hours=5)
    add_comment(ticket=ticket, actor=by_anna, body="", files=[announced(MAX_SIZE)])


@pytest.mark.parametrize("part", ["ticket", "comment", "description"])
def test_files_count_wherever_they_come_in(anna, product, part):
    ticket = factories.TicketFactory(requester=anna, product=product)
    if part == "ticket":
        factories.open_ticket(anna, product=product, files=[announced(7)])
    elif part == "comment":
        comment = factories.CommentFactory(ticket=ticket, author=anna)
        extend_comment(comment=comment, body="", files=[announced(7)])
    else:
        extend_description(ticket=ticket, body="", files=[announced(7)])
    assert used(anna, "file bytes") == 7


def test_files_of_an_agent_are_the_agents(ticket, anna, agent, by_agent):
    add_comment(ticket=ticket, actor=by_agent, body="", files=[announced(7)])
    assert (used(agent, "file bytes"), used(anna, "file bytes")) == (7, 0)


# Tickets an hour


def test_clock_that_goes_back_keeps_nobody_from_a_new_ticket(anna, product, clock):
    for _ in range(services.TICKETS_AN_HOUR):
        factories.open_ticket(anna, product=product)
    with pytest.raises(TooManyTickets):
        factories.open_ticket(anna, product=product)
    clock.advance(hours=-3)
    factories.open_ticket(anna, product=product)
    assert Ticket.objects.count() == services.TICKETS_AN_HOUR + 1
