"""Tickets of an agent who serves no more: back at the desk, each with its event, told once."""

import time

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.urls import reverse

from accounts.identity import note_rights
from accounts.models import User
from accounts.security import Origin
from operations.tasks import every_minute
from tests.factories import (
    AgentFactory,
    MessengerAccountFactory,
    SpecialistFactory,
    TicketFactory,
)
from tests.queue import queued
from tickets import handover, recording, services
from tickets.agents import freed_tickets, serving
from tickets.delivery import drain
from tickets.handover import LISTED, hand_over_for_a_slice, leavers
from tickets.models import Delivery, Ticket, TicketEvent
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db

FOREVER = float("inf")


@pytest.fixture
def olga(db):
    return SpecialistFactory(username="olga", first_name="Ольга", last_name="Орлова")


@pytest.fixture
def igor(db):
    return SpecialistFactory(username="igor", email="igor@support.example", first_name="Игорь")


def tickets_of(agent, count, **given):
    return [TicketFactory(assignee=agent, **given) for _ in range(count)]


def left_with(agent):
    return Ticket.objects.filter(assignee=agent).count()


def lists():
    return list(Delivery.objects.filter(kind="staff_freed").order_by("pk"))


def leave(agent):
    User.objects.filter(pk=agent.pk).update(is_active=False)


def drop_staff(agent):
    User.objects.filter(pk=agent.pk).update(is_staff=False)


def take_role(agent):
    agent.user_permissions.remove(Permission.objects.get(codename="view_ticket"))


@pytest.mark.parametrize("end", [leave, drop_staff, take_role])
def test_open_tickets_of_who_serves_no_more_go_back(olga, igor, end):
    opened = [TicketFactory(assignee=olga, status=s) for s in TicketStatus if s != "closed"]
    closed = TicketFactory(assignee=olga, status=TicketStatus.CLOSED)
    kept = TicketFactory(assignee=igor)
    assert leavers() == []
    end(olga)
    assert leavers() == [olga.pk]
    assert hand_over_for_a_slice(FOREVER) is False
    assert list(Ticket.objects.filter(assignee=olga)) == [closed]
    kept.refresh_from_db()
    assert kept.assignee == igor
    events = TicketEvent.objects.order_by("pk").values_list(
        "ticket", "kind", "actor", "face", "old_value", "new_value"
    )
    assert list(events) == [
        (ticket.pk, "assigned", None, "system", "Ольга О.", "") for ticket in opened
    ]
    assert leavers() == []


def test_desk_is_told_once_with_a_list_and_not_of_each(olga, igor, monkeypatch):
    monkeypatch.setattr(handover, "TICKETS_A_BATCH", 2)
    MessengerAccountFactory(user=igor)
    first, *_others = tickets_of(olga, 5, title="Нет <b>связи</b>")
    leave(olga)
    hand_over_for_a_slice(FOREVER)
    assert [row.channel for row in lists()] == ["telegram", "email"]
    assert not Delivery.objects.exclude(kind="staff_freed").exists()
    drain("email")
    [letter] = mail.outbox
    assert letter.to == [igor.email]
    assert letter.subject == "Заявки снова без исполнителя"
    [(html, _mimetype)] = letter.alternatives
    card = reverse("admin:tickets_ticket_change", args=[first.pk])
    for words in ("Ольга О. больше не работает", "без исполнителя осталось: 5", card):
        assert words in letter.body
        assert words in html
    assert letter.body.count("Нет <b>связи</b>") == 5
    assert html.count("Нет &lt;b&gt;связи&lt;/b&gt;") == 5
    assert "Остальные" not in letter.body


def test_long_list_is_cut(olga, igor):
    tickets_of(olga, LISTED + 1)
    leave(olga)
    hand_over_for_a_slice(FOREVER)
    drain("email")
    [letter] = mail.outbox
    assert letter.body.count("№ ") == LISTED
    assert "Остальные — на рабочем месте." in letter.body
    assert f"осталось: {LISTED + 1}" in letter.body


def test_address_of_the_desk_gets_the_list(olga, igor, settings):
    settings.STAFF_EMAIL = "desk@support.example"
    tickets_of(olga, 1)
    leave(olga)
    hand_over_for_a_slice(FOREVER)
    assert [row.address for row in lists()] == ["desk@support.example"]


def test_work_goes_on_where_a_slice_or_a_killed_worker_has_left_it(olga, igor, monkeypatch):
    monkeypatch.setattr(handover, "TICKETS_A_BATCH", 2)
    tickets_of(olga, 5)
    leave(olga)
    assert hand_over_for_a_slice(time.monotonic()) is True
    assert left_with(olga) == 3
    with monkeypatch.context() as patch:  # killed in the middle of a batch
        patch.setattr("tickets.recording.notify", lambda *_told, **_how: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            hand_over_for_a_slice(FOREVER)
    assert left_with(olga) == 3, "a batch is whole or nothing"
    assert TicketEvent.objects.count() == 2
    hand_over_for_a_slice(FOREVER)
    assert left_with(olga) == 0
    assert len(lists()) == 1


def test_next_time_is_told_anew(olga, igor):
    ticket = TicketFactory()
    for _time in range(2):
        User.objects.filter(pk=olga.pk).update(is_active=True)
        olga.refresh_from_db()
        services.assign_ticket(ticket=ticket, assignee=olga, actor=recording.agent(igor))
        leave(olga)
        hand_over_for_a_slice(FOREVER)
    assert len(lists()) == 2


def test_list_that_nothing_waits_on_any_more_is_cancelled(olga, igor):
    [ticket] = tickets_of(olga, 1)
    leave(olga)
    hand_over_for_a_slice(FOREVER)
    Ticket.objects.filter(pk=ticket.pk).update(assignee=igor)
    drain("email")
    assert mail.outbox == []
    [row] = lists()
    assert (row.state, row.error) == ("cancelled", "все эти заявки уже взяты или закрыты")


def test_list_names_only_what_still_waits(olga, igor):
    first, second = tickets_of(olga, 2)
    leave(olga)
    hand_over_for_a_slice(FOREVER)
    Ticket.objects.filter(pk=first.pk).update(assignee=igor)
    assert [ticket.pk for ticket in freed_tickets(lists()[0]).tickets] == [second.pk]


def test_who_is_let_in_again_meanwhile_keeps_the_rest(olga, igor, monkeypatch):
    monkeypatch.setattr(handover, "TICKETS_A_BATCH", 1)
    tickets_of(olga, 3)
    leave(olga)
    hand_over_for_a_slice(time.monotonic())
    User.objects.filter(pk=olga.pk).update(is_active=True)
    monkeypatch.setattr(handover, "leavers", lambda: [olga.pk])  # found a moment before
    assert hand_over_for_a_slice(FOREVER) is False
    assert left_with(olga) == 2


def test_change_of_rights_begins_it_at_once_and_every_minute_does(olga, igor, run_queue):
    tickets_of(olga, 1)
    olga.is_active = False
    olga.save()
    note_rights(olga, ["is_active"], origin=Origin(igor))
    assert [task.name for task in queued()] == ["tickets.tasks.hand_over"]
    run_queue()
    assert left_with(olga) == 0
    tickets_of(igor, 1)
    take_role(igor)
    every_minute()
    assert "tickets.tasks.hand_over" in [task.name for task in queued()]


def test_change_of_rights_of_who_has_nothing_or_stays_queues_nothing(olga, igor):
    tickets_of(igor, 1)
    leave(olga)
    for person in (olga, igor):
        note_rights(User.objects.get(pk=person.pk), ["is_active"], origin=Origin(igor))
    every_minute()
    assert "tickets.tasks.hand_over" not in [task.name for task in queued()]


def test_superuser_serves_and_keeps_tickets(db):
    root = AgentFactory(is_superuser=True, email="")
    tickets_of(root, 1)
    assert list(serving()) == [root]
    assert leavers() == []


@pytest.mark.parametrize("count", [1, 3])
def test_looking_for_leavers_asks_as_often_however_many_tickets(
    olga, count, django_assert_num_queries
):
    tickets_of(olga, count)
    with django_assert_num_queries(3):
        leavers()
