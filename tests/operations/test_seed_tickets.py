from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper
from django.db import connection, transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from accounts.models import User
from config.queue import has_waiting_tasks
from operations.management.commands.seed_tickets import MOST_TICKETS, Progress
from operations.tasks import every_minute
from operations.ticket_stories import OTHER_PRIORITIES, PLACES, TITLES
from tests import factories
from tickets.models import TITLE_LIMIT, Comment, Delivery, Ticket, TicketEvent
from tickets.status import TRANSITIONS, Role, TicketStatus

pytestmark = pytest.mark.django_db
Kind = TicketEvent.Kind


def seed(number: int = 100, **options) -> str:
    output = StringIO()
    call_command("seed_tickets", number, stdout=output, stderr=StringIO(), **options)
    return output.getvalue()


def test_tickets_have_the_numbers_from_one_in_the_order_of_time():
    seed(120)

    times = list(Ticket.objects.order_by("pk").values_list("pk", "created_at"))
    assert [number for number, _created_at in times] == list(range(1, 121))
    assert times == sorted(times, key=lambda ticket: ticket[1])


@pytest.mark.parametrize("model", [TicketEvent, Comment])
def test_events_and_comments_are_numbered_in_the_order_of_time(model):
    seed()

    times = list(model.objects.order_by("pk").values_list("created_at", flat=True))
    assert times == sorted(times)
    assert times[-1] <= timezone.now()


def test_every_ticket_begins_with_the_event_of_its_creation():
    seed()

    for ticket in Ticket.objects.all():
        kinds = list(ticket.events.order_by("pk").values_list("kind", "created_at"))
        assert kinds[0] == (Kind.CREATED, ticket.created_at)
        assert Kind.CREATED not in [kind for kind, _created_at in kinds[1:]]


def test_status_of_every_ticket_follows_from_its_events():
    seed()

    for ticket in Ticket.objects.all():
        status = TicketStatus.NEW
        for event in ticket.events.filter(kind=Kind.STATUS).order_by("pk"):
            role = Role.AGENT if event.by_agent else Role.CUSTOMER if event.actor else Role.SYSTEM
            assert event.old_value == status
            assert role in TRANSITIONS[status][TicketStatus(event.new_value)]
            status = TicketStatus(event.new_value)
        assert ticket.status == status


def test_times_of_a_ticket_are_those_of_its_events():
    seed()

    for ticket in Ticket.objects.all():
        events = list(ticket.events.order_by("pk"))
        closings = [event.created_at for event in events if event.new_value == TicketStatus.CLOSED]
        assert ticket.updated_at == events[-1].created_at
        assert [ticket.closed_at] == (closings or [None])
        assert (ticket.resolved_at is not None) == (
            ticket.status in (TicketStatus.RESOLVED, TicketStatus.CLOSED)
        )


def test_every_comment_has_one_event_of_the_same_author_and_time():
    seed()

    assert Comment.objects.annotate(events=Count("ticketevent")).exclude(events=1).count() == 0
    agrees = Q(comment__author=F("actor"), comment__created_at=F("created_at"))
    agrees &= Q(comment__ticket=F("ticket"))
    assert not TicketEvent.objects.exclude(comment=None).exclude(agrees).exists()
    notes = TicketEvent.objects.filter(kind=Kind.NOTED)
    assert notes.exists()
    assert not notes.exclude(comment__is_internal=True).exists()
    assert Comment.objects.filter(is_internal=True).count() == notes.count()


def test_every_status_occurs_and_most_tickets_are_closed():
    seed(600)

    counted = dict(Ticket.objects.order_by().values_list("status").annotate(Count("pk")))
    assert counted.keys() == set(TicketStatus.values)
    assert counted[TicketStatus.CLOSED] > 400


def test_benchmark_customer_has_a_tenth_open_and_a_quarter_closed():
    seed(200)

    tickets = Ticket.objects.filter(requester__username="benchmark")
    assert (tickets.open().count(), tickets.closed().count()) == (20, 50)


def test_logins_work_with_the_printed_password_and_one_customer_has_no_tickets():
    lines = seed(20).splitlines()[1:]

    for username, password, *_about in map(str.split, lines):
        assert User.objects.get(username=username).check_password(password)
    assert [line.split()[0] for line in lines] == [
        "benchmark", "benchmark-empty", "benchmark-agent",
    ]  # fmt: skip
    assert not Ticket.objects.filter(requester__username="benchmark-empty").exists()


def test_nobody_else_can_log_in():
    seed(20)

    others = User.objects.exclude(username__startswith="benchmark")
    assert others.count() >= 20
    assert not any(user.has_usable_password() for user in others)


def test_agent_may_open_the_desk(client):
    seed(20)

    client.force_login(User.objects.get(username="benchmark-agent"))
    assert "№" in client.get("/admin/tickets/ticket/").content.decode()


def test_nothing_is_sent_now_or_a_minute_later():
    seed(600)

    every_minute()

    assert set(Delivery.objects.values_list("state", flat=True)) == {Delivery.State.SENT}
    assert not has_waiting_tasks()


def test_notes_are_internal_and_nothing_else_is():
    seed(600)

    hidden = TicketEvent.objects.filter(is_internal=True)
    assert set(hidden.values_list("kind", flat=True)) == {TicketEvent.Kind.NOTED}
    assert not TicketEvent.objects.filter(kind="noted", is_internal=False).exists()


def test_next_rows_follow_the_written_ones():
    seed(20)

    assert factories.open_ticket(User.objects.get(username="benchmark")).pk == 21


def test_same_seed_tells_the_same_stories():
    columns = ("pk", "requester__username", "title", "product__name", "priority", "face")
    told = []
    for number in (1, 1, 2):
        with transaction.atomic():
            seed(50, seed=number)
            told.append(list(Ticket.objects.order_by("pk").values_list(*columns)))
            transaction.set_rollback(True)

    assert told[0] == told[1]
    assert told[0] != told[2]


@pytest.mark.parametrize("factory", [factories.UserFactory, factories.TicketFactory])
def test_it_refuses_beside_people_or_tickets(factory):
    factory()

    with pytest.raises(CommandError, match="только в пустой базе"):
        seed(10)

    assert User.objects.count() == 1


@pytest.mark.parametrize("number", [0, -1, MOST_TICKETS + 1])
def test_it_refuses_an_impossible_number(number):
    with pytest.raises(CommandError, match=r"от 1 до 10000000"):
        seed(number)


@pytest.mark.parametrize("number", [1, 5, 11])
def test_a_few_tickets_are_possible(number):
    seed(number)

    assert Ticket.objects.count() == number


def test_indexes_and_foreign_keys_are_there_afterwards():
    before = constraints()

    seed(20)

    assert constraints() == before


def constraints() -> dict:
    with connection.cursor() as cursor:
        return {
            model: connection.introspection.get_constraints(cursor, model._meta.db_table)
            for model in (Ticket, Comment, TicketEvent, Delivery)
        }


def test_titles_fit():
    longest = max(len(title) for titles in TITLES.values() for title in titles)

    assert longest + 1 + max(map(len, PLACES)) <= TITLE_LIMIT


def test_another_priority_is_another():
    assert Ticket().priority not in OTHER_PRIORITIES


def test_progress_is_a_line_for_every_tenth_where_nobody_watches():
    output = StringIO()
    progress = Progress(OutputWrapper(output), 200)

    for done in range(1, 201):
        progress(done)

    assert output.getvalue().splitlines()[:2] == [" 10%  20 / 200", " 20%  40 / 200"]
    assert len(output.getvalue().splitlines()) == 10


def test_progress_is_drawn_in_place_on_a_terminal():
    output = StringIO()
    output.isatty = lambda: True
    progress = Progress(OutputWrapper(output), 2)

    progress(1)
    progress(2)

    first, second = output.getvalue().split("\r")[1:]
    assert first == "███████████████···············  50%  1 / 2"
    assert second == "██████████████████████████████ 100%  2 / 2\n"


def test_first_answer_is_the_first_public_word_of_an_agent():
    seed()

    for ticket in Ticket.objects.all():
        said = ticket.comments.filter(by_agent=True, is_internal=False).order_by("pk")
        assert ticket.answered_at == said.values_list("created_at", flat=True).first()


def test_solutions_took_what_their_events_say():
    seed(200)

    rows = TicketEvent.objects.order_by("pk").values_list("pk", "solved_in", "solved_again_at")
    told = list(rows.exclude(solved_in=None))
    TicketEvent.objects.update(solved_in=None, solved_again_at=None)
    filling = import_module("tickets.migrations.0029_fill_how_long_solutions_took")
    filling.fill(apps, connection.schema_editor())
    expected = [(pk, pytest.approx(took), again_at) for pk, took, again_at in told]
    assert list(rows.exclude(solved_in=None)) == expected
    assert len(told) > 150
    assert any(again_at for _pk, _took, again_at in told)
