"""How large a form may be, by its address."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from portal.bodies import LARGEST_UPLOAD, WITH_FILES
from tests.desk.test_ticket_card import card
from tests.portal.pages import text, url
from tickets.attachments import MAX_FILES, MAX_SIZE

MEGABYTE = 1024**2
FORM = "application/x-www-form-urlencoded"


class Unread:
    """A body that nobody may read."""

    def read(self, *_size):
        raise AssertionError("the body was read")

    readline = read


def send(client: Client, path: str, length: int, **headers):
    unread = {"CONTENT_LENGTH": str(length), "wsgi.input": Unread()}
    return client.generic("POST", path, b"", FORM, **unread, **headers)


def test_what_the_portal_promises_fits():
    assert MAX_FILES * MAX_SIZE < LARGEST_UPLOAD < MAX_FILES * MAX_SIZE + 2 * MEGABYTE


@pytest.mark.parametrize("name", ["login", "password_reset", "drafts"])
def test_large_form_of_a_stranger_is_not_read(db, name):
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    response = send(client, reverse(name), 300 * MEGABYTE)
    assert response.status_code == 413
    assert "Текст слишком длинный" in text(response)
    assert 'href="/"' in text(response)


@pytest.mark.parametrize("name", ["ticket_return", "ticket_rate"])
def test_forms_without_files_are_small(client, logged_in, ticket, name):
    assert send(client, url(name, ticket), MEGABYTE + 1).status_code == 413


@pytest.mark.parametrize("where", ["portal", "desk"])
def test_stranger_is_led_to_the_login_and_nothing_is_read(client, ticket, where):
    path = url("ticket_comment", ticket) if where == "portal" else card(ticket)
    response = send(client, path, 2 * MEGABYTE)
    assert response.status_code == 302
    assert response["Location"] == f"/login/?next={path}"


def test_more_files_than_there_may_be_are_not_read(client, logged_in, ticket):
    response = send(client, url("ticket_comment", ticket), LARGEST_UPLOAD + 1)
    assert response.status_code == 413
    assert "до 10 файлов, каждый до 50 МБ" in text(response)


def test_files_of_a_person_are_taken(client, logged_in, ticket):
    file = SimpleUploadedFile("a.txt", b"x" * (2 * MEGABYTE))
    data = {"body": "Журнал", "attachments": file}
    assert client.post(url("ticket_comment", ticket), data).status_code == 302
    assert ticket.attachments.get().size == 2 * MEGABYTE


def test_long_text_beside_files_is_refused(client, logged_in, ticket):
    response = client.post(url("ticket_comment", ticket), {"body": "я" * (MEGABYTE + 1)})
    assert response.status_code == 413
    assert "Текст слишком длинный" in text(response)


def test_body_without_a_length_is_refused(client, logged_in, ticket):
    path = url("ticket_comment", ticket)
    response = send(client, path, 0, HTTP_TRANSFER_ENCODING="chunked")
    assert response.status_code == 411


def test_names_are_those_of_forms_with_files(ticket):
    for name in WITH_FILES:
        assert reverse(name, args=[] if name == "new_ticket" else [ticket.pk])


# Much of other things


@pytest.mark.parametrize(
    "form",
    [
        {"attachments": [SimpleUploadedFile(f"{n}.txt", b"x") for n in range(101)]},
        {f"field{n}": "x" for n in range(1001)},
    ],
    ids=["files", "fields"],
)
def test_too_many_parts_are_refused(client, logged_in, ticket, form):
    response = client.post(url("ticket_comment", ticket), form)
    assert response.status_code in (400, 413)
    assert 'href="/"' in text(response)


@pytest.mark.each_case
@pytest.mark.parametrize(
    "query",
    [
        {"before": "9" * 5000},
        {"before": "\0"},
        {"before": "-1", "tab": "я" * 3000},
        {"page": "abc", "p": "10" * 50},
        {f"k{n}": "x" for n in range(900)},
        {f"k{n}": "x" for n in range(1100)},
    ],
    ids=["digits", "nul", "long", "page", "names", "too many names"],
)
@pytest.mark.parametrize("name", ["ticket_list", "login", "group_list", "bot_registration"])
def test_odd_queries_are_no_fault_of_ours(client, logged_in, name, query):
    client.raise_request_exception = False
    assert client.get(reverse(name), query).status_code < 500


def test_many_cookies_are_no_fault_of_ours(client, logged_in):
    client.raise_request_exception = False
    for number in range(300):
        client.cookies[f"cookie{number}"] = "x" * 20
    client.cookies["lost_forms"] = "%" * 43
    client.cookies["messages"] = "[[broken"
    assert client.get(reverse("ticket_list")).status_code == 200


@pytest.mark.parametrize("content", ["multipart/form-data", "multipart/form-data; boundary=é"])
def test_broken_multipart_is_refused(client, logged_in, ticket, content):
    client.raise_request_exception = False
    response = client.generic("POST", url("ticket_comment", ticket), b"--x", content)
    assert 400 <= response.status_code < 500
