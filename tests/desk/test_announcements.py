"""Announcements are made by heads; everybody at the desk reads them."""

from uuid import uuid4

import pytest

from tests.factories import AgentFactory, TicketFactory
from tickets.announcements import announce, announced
from tickets.models import Announcement

pytestmark = pytest.mark.django_db
LIST = "/admin/tickets/announcement/"
ADD = f"{LIST}add/"


def filled(**given) -> dict:
    return {
        "text": "Сбой сети", "since": "2026-11-01T10:00", "until": "", "incident": "",
        "key": str(uuid4()),
    } | given  # fmt: skip


@pytest.fixture
def lasting(head):
    return announce(text="Сбой дисков", by=head)


@pytest.fixture
def head_client(client, head):
    client.force_login(head)
    return client


def test_head_makes_one(head_client, head):
    ticket = TicketFactory()
    response = head_client.post(ADD, filled(incident=ticket.pk))
    assert response.status_code == 302, response.context["errors"]
    row = Announcement.objects.get()
    assert (row.text, row.made_by, row.incident) == ("Сбой сети", head, ticket)


def test_sent_twice_it_is_made_once(head_client):
    sent = filled()
    for _time in range(2):
        head_client.post(ADD, sent)
    assert Announcement.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"text": "а" * 301}, "300"),
        ({"text": " \u200b"}, "Обязательное поле"),
        ({"until": "2026-10-31T10:00"}, "Конец должен быть позже начала"),
        ({"incident": "999999"}, "Выберите корректный вариант"),
        ({"incident": "9" * 40}, "Выберите корректный вариант"),
        ({"incident": "№"}, "Выберите корректный вариант"),
        ({"since": "вчера"}, "Введите правильн"),
    ],
)
def test_what_it_cannot_be_is_said_beside_the_field(head_client, given, words):
    page = head_client.post(ADD, filled(**given)).content.decode()
    assert words in page
    assert not Announcement.objects.exists()


def test_ended_by_a_button_once(head_client, lasting):
    page = head_client.get(f"{LIST}{lasting.pk}/change/").content.decode()
    assert f'action="{LIST}{lasting.pk}/end/"' in page
    head_client.post(f"{LIST}{lasting.pk}/end/")
    assert announced() == []
    again = head_client.post(f"{LIST}{lasting.pk}/end/", follow=True).content.decode()
    assert "Объявление уже закончилось" in again


def test_stale_form_puts_nothing_back(head_client, lasting):
    page = head_client.get(f"{LIST}{lasting.pk}/change/")
    shown = page.context["adminform"].form.shown_now()
    head_client.post(f"{LIST}{lasting.pk}/end/")
    head_client.post(f"{LIST}{lasting.pk}/change/", filled(shown=shown))
    assert announced() == []
    assert Announcement.objects.get().text == "Сбой дисков"


def test_specialist_only_reads(desk, lasting):
    assert "Сбой дисков" in desk.get(LIST).content.decode()
    assert desk.get(ADD).status_code == 403
    assert desk.post(ADD, filled()).status_code == 403
    assert desk.post(f"{LIST}{lasting.pk}/end/").status_code == 403
    assert desk.post(f"{LIST}{lasting.pk}/change/", filled()).status_code == 403
    assert announced() == ["Сбой дисков"]


def test_staff_without_a_role_sees_none(client, lasting):
    client.force_login(AgentFactory())
    assert client.get(LIST).status_code == 403
    assert client.post(f"{LIST}{lasting.pk}/end/").status_code == 403


def test_nobody_deletes(office, lasting):
    assert office.get(f"{LIST}{lasting.pk}/delete/").status_code == 403
