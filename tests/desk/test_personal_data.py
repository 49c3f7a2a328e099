"""A person's data at the desk: for administrators only, recorded, undone by nobody."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from accounts.models import DataExport, Erasure, SecurityEvent
from tests.factories import AgentFactory, open_ticket
from tests.tickets.personal_data import work_off
from tickets.exports import archive_path

pytestmark = pytest.mark.django_db


def url(name: str, person) -> str:
    return reverse(f"admin:accounts_user_{name}", args=[person.pk])


def text(response) -> str:
    return response.content.decode()


@pytest.mark.parametrize("name", ["data", "erase"])
def test_pages_are_for_administrators(desk, anna, name):
    assert desk.get(url(name, anna)).status_code == 403
    assert desk.post(url(name, anna)).status_code == 403
    assert not Erasure.objects.exists()
    assert not DataExport.objects.exists()
    assert url("data", anna) not in text(desk.get(url("change", anna)))


def test_administrator_gets_an_archive_that_the_person_cannot_download(root_desk, anna, client):
    assert url("data", anna) in text(root_desk.get(url("change", anna)))
    assert "Готовим архив" in text(root_desk.post(url("data", anna), follow=True))
    work_off()
    export = DataExport.objects.get()
    download = reverse("data_download", args=[export.pk])
    assert download in text(root_desk.get(url("data", anna)))
    response = root_desk.get(download)
    assert b"".join(response.streaming_content) == archive_path(export.pk).read_bytes()
    assert LogEntry.objects.get().change_message == "Запрошен архив данных"
    client.force_login(anna)
    assert client.get(download).status_code == 404


def test_administrator_erases_after_a_page_that_says_what_stays(root_desk, anna, superuser):
    assert "Остаются: номера заявок" in text(root_desk.get(url("erase", anna)))
    assert not Erasure.objects.exists()
    page = text(root_desk.post(url("erase", anna), follow=True))
    assert "Данные удаляются с" in page
    assert Erasure.objects.get().asked_by == superuser
    event = SecurityEvent.objects.get(kind=SecurityEvent.Kind.ERASED)
    assert (event.user, event.actor, event.address) == (anna, superuser, "127.0.0.1")
    work_off()
    assert "Данные удалены" in text(root_desk.get(url("data", anna)))
    entry = LogEntry.objects.get()
    assert (entry.object_repr, entry.change_message) == ("Удалённый пользователь", "Данные удалены")


def test_open_tickets_are_listed(root_desk, anna):
    ticket = open_ticket(anna)
    page = text(root_desk.post(url("erase", anna)))
    assert "Есть открытая заявка" in page
    assert reverse("admin:tickets_ticket_change", args=[ticket.pk]) in page
    assert not Erasure.objects.exists()


def test_agents_and_the_last_administrator_are_refused(root_desk, superuser):
    for person in (AgentFactory(), superuser):
        assert "Это учётная запись" in text(root_desk.post(url("erase", person)))
        person.refresh_from_db()
        assert person.is_active
    assert not Erasure.objects.exists()


def test_nobody_is_not_found(root_desk):
    for name in ("data", "erase"):
        path = reverse(f"admin:accounts_user_{name}", args=[10**6])
        assert root_desk.get(path).status_code == 404
