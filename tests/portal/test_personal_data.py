"""«Мои данные»: the archive, its download, the end of one's account."""

from uuid import uuid4

import pytest
from django.urls import reverse

from accounts.models import DataExport, Erasure, SecurityEvent
from tests.factories import PASSWORD, AgentFactory, open_ticket
from tests.portal.pages import text
from tests.tickets.personal_data import work_off
from tickets.exports import archive_path, request_export
from tickets.models import Ticket
from tickets.status import TicketStatus

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("logged_in")]
PAGE, ERASE = "/personal-data/", "/personal-data/erase/"
SURE = {"password": PASSWORD, "is_sure": "on"}


@pytest.fixture
def ready(anna):
    export = request_export(user=anna, asked_by=anna)
    work_off()
    export.refresh_from_db()
    return export


def test_page_follows_the_archive(client, anna):
    assert "Собрать архив" in text(client.get(PAGE))
    page = client.post(PAGE, follow=True)
    assert "Готовим архив" in text(page)
    assert "Собрать" not in text(page)
    work_off()
    page = text(client.get(PAGE))
    assert "Архив готов" in page
    assert "Скачать можно до" in page
    assert reverse("data_download", args=[DataExport.objects.get().pk]) in page
    DataExport.objects.update(state=DataExport.State.FAILED)
    assert "собрать не получилось" in text(client.get(PAGE))


def test_new_archive_within_the_hour_is_refused_in_words(client, ready):
    assert "Новый можно собрать через час" in text(client.post(PAGE, follow=True))
    assert DataExport.objects.get() == ready


def test_download_is_a_file_for_its_owner(client, ready):
    response = client.get(reverse("data_download", args=[ready.pk]))
    assert b"".join(response.streaming_content) == archive_path(ready.pk).read_bytes()
    assert response["Content-Disposition"].startswith("attachment;")
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Security-Policy"] == "sandbox"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"].startswith("private, no-store")


def test_foreign_unfinished_expired_and_lost_archives_look_as_none(
    client, anna, boris, ready, clock
):
    def status(number) -> int:
        response = client.get(reverse("data_download", args=[number]))
        list(response)  # a file ends with its last byte
        return response.status_code

    foreign = request_export(user=boris, asked_by=boris)
    root = AgentFactory(is_superuser=True)
    about_anna = request_export(user=anna, asked_by=root)
    assert status(foreign.pk) == status(about_anna.pk) == status(uuid4()) == 404
    work_off()
    assert status(foreign.pk) == status(about_anna.pk) == 404
    assert status(ready.pk) == 200
    archive_path(ready.pk).unlink()
    assert status(ready.pk) == 404
    clock.advance(days=8)
    client.force_login(anna)
    assert "Собрать архив" in text(client.get(PAGE))
    assert status(ready.pk) == 404


def test_archive_needs_a_login(client, ready):
    client.logout()
    for path in (PAGE, ERASE, reverse("data_download", args=[ready.pk])):
        assert client.get(path).url.startswith("/login/")


def test_page_costs_the_same_whatever_is_kept(client, anna, django_assert_num_queries):
    for number in (1, 3):
        for _ticket in range(number):
            open_ticket(anna)
        with django_assert_num_queries(5):
            client.get(PAGE)


def test_erasure_asks_for_the_password_and_ends_the_session(client, anna):
    page = client.post(ERASE, SURE, follow=True)
    assert "Аккаунт закрыт, данные удаляются" in text(page)
    assert client.get(PAGE).url.startswith("/login/")
    anna.refresh_from_db()
    assert anna.username == f"erased-{anna.pk}"
    last = SecurityEvent.objects.filter(user=anna).latest("pk")
    assert (last.kind, last.actor) == (SecurityEvent.Kind.ERASED, anna)
    assert not SecurityEvent.objects.filter(user=anna).exclude(address=None, browser="").exists()
    old = {"username": "anna@alpha.example", "password": PASSWORD}
    assert "Неверный логин" in text(client.post("/login/", old))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"password": "wrong", "is_sure": "on"}, "Неверный пароль"),
        ({"password": "", "is_sure": "on"}, "Введите пароль"),
        ({"password": PASSWORD}, "Отметьте, что понимаете"),
    ],
)
def test_nothing_is_erased_without_the_password_and_the_mark(client, anna, given, words):
    assert words in text(client.post(ERASE, given))
    anna.refresh_from_db()
    assert anna.is_active
    assert not Erasure.objects.exists()


def test_wrong_passwords_are_limited_as_logins_are(client, anna):
    answers = [client.post(ERASE, {**SURE, "password": f"wrong {n}"}) for n in range(5)]
    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert client.post(ERASE, SURE).status_code == 429
    assert not Erasure.objects.exists()


def test_page_says_what_stays(client):
    page = text(client.get(ERASE))
    assert "Остаются: номера заявок" in page
    assert "anna@alpha.example" in page


def test_open_tickets_are_listed_and_closed_ones_do_not_count(client, anna):
    ticket = open_ticket(anna)
    page = text(client.post(ERASE, SURE))
    assert f"№ {ticket.pk}" in page
    assert f'href="/tickets/{ticket.pk}/"' in page
    assert 'type="password"' not in page
    assert not Erasure.objects.exists()
    Ticket.objects.update(status=TicketStatus.CLOSED)
    assert 'type="password"' in text(client.get(ERASE))


def test_agent_is_refused(client, agent):
    client.force_login(agent)
    page = text(client.post(ERASE, SURE))
    assert "учётная запись специалиста" in page
    agent.refresh_from_db()
    assert agent.is_active
