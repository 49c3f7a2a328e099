"""Files up, with the checks of the portal; and down, as what no browser runs."""

import errno

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Usage
from tests.api.conftest import codes
from tests.factories import UsageFactory, open_ticket
from tests.files import PDF, pdf
from tickets.models import Attachment, Comment

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)


def file(name="счёт.pdf", content=PDF):
    return SimpleUploadedFile(name, content)


@pytest.fixture
def path(anna):
    return f"tickets/{open_ticket(anna).pk}/attachments/"


def test_files_come_as_one_comment(annas, path):
    answer = annas.upload(path, {"files": [file(), file("снимок.png", PNG)], "body": "Вот"})
    assert answer.status_code == 201, answer.content
    said = answer.json()
    assert (said["body"], said["files_refused"]) == ("Вот", None)
    assert [one["name"] for one in said["files"]] == ["счёт.pdf", "снимок.png"]
    listed = annas.get(path).json()["results"]
    assert listed == said["files"]
    assert annas.get(f"attachments/{listed[0]['id']}/").json() == listed[0]


def test_content_comes_as_it_was(annas, path):
    number = annas.upload(path, {"files": file("снимок.png", PNG)}).json()["files"][0]["id"]
    for accept in ("*/*", "image/png", "application/json"):
        answer = annas.get(f"attachments/{number}/content/", Accept=accept)
        assert b"".join(answer.streaming_content) == PNG
    assert answer["Content-Type"] == "image/png"
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("state", [Attachment.State.PENDING, Attachment.State.REFUSED])
def test_content_that_is_not_there(annas, path, state):
    number = annas.upload(path, {"files": file()}).json()["files"][0]["id"]
    Attachment.objects.update(state=state)
    assert annas.get(f"attachments/{number}/").json()["state"] == state
    assert annas.get(f"attachments/{number}/content/").status_code == 404


@pytest.mark.parametrize(
    ("name", "content"), [("run.exe", PDF), ("счёт.pdf", b"MZ\x90"), ("пусто.pdf", b"")]
)
def test_file_that_is_not_taken(annas, path, name, content):
    answer = annas.upload(path, {"files": [file(), file(name, content)], "body": "Вот"})
    assert (answer.status_code, codes(answer)) == (422, [("#/files", "file_refused")])
    assert name in answer.json()["detail"]
    assert (Comment.objects.count(), Attachment.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [("#/files", "required")]),
        ({"body": "Вот"}, [("#/files", "required")]),
        ({"files": "text"}, [("#/files/0", "invalid")]),
        ({"file": "x"}, [("#/files", "required"), ("#/file", "unknown")]),
        ({"body": ["a", "b"], "files": PDF}, [("#/body", "repeated")]),
        ({"body": "\0", "files": PDF}, [("#/body", "null_characters_not_allowed")]),
    ],
)
def test_form_that_is_wrong(annas, path, fields, expected):
    if "files" in fields and fields["files"] == PDF:
        fields = fields | {"files": file()}
    answer = annas.upload(path, fields)
    assert answer.status_code == 400
    assert codes(answer) == expected


def test_eleven_files_are_too_many(annas, path):
    answer = annas.upload(path, {"files": [file()] * 11})
    assert (answer.status_code, codes(answer)) == (400, [("#/files", "max_length")])
    assert answer.json()["errors"][0]["detail"] == "Можно приложить не больше 10 файлов."


def test_json_is_for_elsewhere(annas, path):
    assert annas.post(path, {"body": "x"}).status_code == 415


def test_broken_multipart(annas, path):
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        answer = annas.post(path, b"--y\r\nnonsense", **{"Content-Type": kind})
        assert answer.status_code == 400, answer.content


def test_day_s_bytes_are_counted(annas, path, anna):
    UsageFactory(user=anna, kind="file bytes", used=1024**3 - 1)
    answer = annas.upload(path, {"files": file()})
    assert (answer.status_code, codes(answer)) == (429, [("#/files", "too_many_bytes")])
    assert 0 < int(answer["Retry-After"]) <= 24 * 3600
    assert Usage.objects.get(kind="file bytes").used == 1024**3 - 1


def fill_disk(monkeypatch):
    def fail(*_args, **_given):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "_save", fail)


def test_full_disk_leaves_the_words(annas, path, monkeypatch):
    fill_disk(monkeypatch)
    key = {"Idempotency-Key": "a"}
    for _time in range(2):
        answer = annas.upload(path, {"files": file(), "body": "Вот"}, **key)
        assert (answer.status_code, answer.json()["files"]) == (201, [])
        assert "без файлов" in answer.json()["files_refused"]
    assert Comment.objects.get().body == "Вот"


def test_full_disk_without_words(annas, path, monkeypatch):
    fill_disk(monkeypatch)
    answer = annas.upload(path, {"files": file()})
    assert (answer.status_code, answer.json()["code"]) == (503, "files_not_stored")
    assert not Comment.objects.exists()


def test_upload_sent_twice_is_one(annas, path):
    first, again = (
        annas.upload(path, {"files": file()}, **{"Idempotency-Key": "a"}) for _time in range(2)
    )
    assert first.json() == again.json()
    other = annas.upload(path, {"files": file(content=PDF + b"x")}, **{"Idempotency-Key": "a"})
    assert other.json()["code"] == "key_reused"
    assert Attachment.objects.count() == 1


@pytest.mark.parametrize(
    ("who", "megabytes", "status"),
    [("stranger", 400, 401), ("stranger", 600, 413), ("annas", 600, 413)],
)
def test_large_upload_is_refused_unread(request, path, who, megabytes, status):
    program = request.getfixturevalue(who)
    answer = Client(raise_request_exception=False).post(
        f"/api/v1/{path}",
        headers=program.headers | {"Content-Length": str(megabytes * 1024**2)},
        content_type="multipart/form-data; boundary=x",
    )
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"


def test_file_of_the_description_is_listed(annas, anna):
    ticket = open_ticket(anna, files=[pdf()])
    assert annas.get(f"tickets/{ticket.pk}/attachments/").json()["results"][0]["comment"] is None


def test_page_of_the_portal_uploads_with_its_session(anna, path):
    """The check of its token reads the form before the view does."""
    http = Client(enforce_csrf_checks=True)
    http.force_login(anna)
    key = {"X-CSRFToken": str(http.get("/profile/").context["csrf_token"])}
    fields = {"files": [file(), file("снимок.png", PNG)], "body": "Вот"}
    said = http.post(f"/api/v1/{path}", fields, headers=key).json()
    assert (said["body"], len(said["files"])) == ("Вот", 2)
    assert http.post(f"/api/v1/{path}", fields).json()["code"] == "csrf_failed"
