from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse

from tests.factories import AgentFactory, let_serve, open_ticket
from tickets import recording
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.models import TEXT_LIMIT, Attachment, Comment, Face

pytestmark = pytest.mark.usefixtures("logged_in")

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


@pytest.fixture
def ticket(anna, product):
    return open_ticket(anna, product=product, files=[new_file("журнал.log", b"line")])


def new_file(name: str, content: bytes) -> NewFile:
    return NewFile(name, len(content), "", ContentFile(content, name=name))


def download(client, attachment):
    return client.get(reverse("attachment_download", args=[attachment.pk]))


def body(response) -> bytes:
    return b"".join(response.streaming_content)


def comment(client, ticket, *files, words="", key=""):
    url = reverse("ticket_comment", args=[ticket.pk])
    uploads = [SimpleUploadedFile(name, content) for name, content in files]
    data = {"body": words, "attachments": uploads, "key": key}
    return client.post(url, data, follow=True)


# Download


def test_own_file_comes_as_an_attachment(client, ticket):
    response = download(client, ticket.attachments.get())
    assert body(response) == b"line"
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''")
    assert response["X-Content-Type-Options"] == "nosniff"
    policy = response["Content-Security-Policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("screen.png", PNG, "image/png"),
        ("screen.JPG", b"\xff\xd8\xff0", "image/jpeg"),
        ("screen.jpeg", PNG, "image/png"),
        ("screen.txt", PNG, "image/png"),
        ("photo.jpg", b"\0\0\0\x18ftypheic", "application/octet-stream"),
        ("photo.png", b"%PDF-1.7", "application/octet-stream"),
        ("page.xml", b"<script>alert(1)</script>", "application/octet-stream"),
        ("paper.pdf", b"%PDF-1.7", "application/octet-stream"),
    ],
)
def test_only_known_images_keep_their_type(client, ticket, name, content, expected):
    comment(client, ticket, (name, content))
    response = download(client, Attachment.objects.get(name=name))
    assert response["Content-Type"] == expected
    assert response["Content-Disposition"].startswith("attachment")
    body(response)


def test_file_is_never_served_as_an_image_that_it_is_not(client, ticket):
    ticket.attachments.update(name="screen.png", content_type="image/png")
    response = download(client, ticket.attachments.get())
    assert response["Content-Type"] == "application/octet-stream"
    assert body(response) == b"line"


@pytest.mark.parametrize("sent", ["text/html", "image/png", "application/vnd.ms-excel", ""])
def test_type_that_a_browser_names_is_not_believed(client, ticket, sent):
    upload = SimpleUploadedFile("отчёт.csv", "Год;Сумма".encode("cp1251"), content_type=sent)
    url = reverse("ticket_comment", args=[ticket.pk])
    client.post(url, {"body": "Отчёт", "attachments": [upload]})
    assert Attachment.objects.get(name="отчёт.csv").content_type == "text/plain"


def test_foreign_and_missing_files_look_the_same(client, boris, ticket):
    client.force_login(boris)
    attachment = ticket.attachments.get()
    foreign = download(client, attachment)
    missing = client.get(reverse("attachment_download", args=[attachment.pk + 1000]))
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.content == missing.content


@pytest.mark.parametrize("state", ["pending", "refused"])
def test_only_ready_files_are_served(client, ticket, state):
    Attachment.objects.update(state=state, refusal="такой тип не поддерживается")
    assert download(client, ticket.attachments.get()).status_code == 404
    page = client.get(ticket.get_absolute_url()).content.decode()
    assert "журнал.log" in page
    assert "/files/" not in page


def test_files_of_internal_notes_are_not_served(client, agent, ticket):
    note = add_comment(
        ticket=ticket,
        actor=recording.agent(agent),
        body="Заметка",
        files=[new_file("секрет.txt", b"x")],
        internal=True,
    )
    assert download(client, note.attachments.get()).status_code == 404
    assert "секрет.txt" not in client.get(ticket.get_absolute_url()).content.decode()


def test_agents_need_the_permission(client, ticket):
    agent = AgentFactory()
    client.force_login(agent)
    attachment = ticket.attachments.get()
    assert download(client, attachment).status_code == 404
    let_serve(agent)
    assert body(download(client, attachment)) == b"line"


def test_permission_without_staff_opens_nothing(client, boris, ticket):
    boris.user_permissions.add(Permission.objects.get(codename="view_ticket"))
    client.force_login(boris)
    assert download(client, ticket.attachments.get()).status_code == 404


def test_lost_content_is_a_missing_page(client, ticket):
    attachment = ticket.attachments.get()
    attachment.file.storage.delete(attachment.file.name)
    assert download(client, attachment).status_code == 404


# Upload


def test_comment_with_files_and_without_words(client, ticket):
    page = comment(client, ticket, ("a.txt", b"one"), ("b.png", PNG)).content.decode()
    made = Comment.objects.get()
    assert [file.name for file in made.attachments.all()] == ["a.txt", "b.png"]
    assert made.body == ""
    assert "<span>a.txt</span></a>" in page
    assert made.face == Face.PORTAL


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("virus.exe", b"MZ", "такой тип не поддерживается"),
        ("page.svg", b"<svg/>", "такой тип не поддерживается"),
        ("page.html", b"<p>", "такой тип не поддерживается"),
        ("fake.png", b"<script>", "содержимое не похоже на его тип"),
        ("fake.txt", b"a\x00b", "содержимое не похоже на его тип"),
        ("empty.txt", b"", "пустой"),
        ("noname", b"x", "такой тип не поддерживается"),
    ],
)
def test_unfit_file_is_refused_with_words(client, ticket, name, content, words):
    response = comment(client, ticket, ("fine.txt", b"ok"), (name, content), words="Мой текст")
    page = response.content.decode()
    assert f"Файл «{name}»" in page
    assert words in page
    assert "Выберите файлы заново" in page
    assert 'href="#comment_attachments"' in page
    assert "Мой текст</textarea>" in page
    assert not Comment.objects.exists()
    assert Attachment.objects.count() == 1


def test_fit_file_that_is_lost_with_a_refusal_is_asked_for_again(client, ticket):
    response = comment(client, ticket, ("fine.txt", b"ok"), words="ё" * (TEXT_LIMIT + 1))
    assert "Выберите файлы заново" in response.content.decode()
    assert "Выберите файлы заново" not in comment(client, ticket).content.decode()


def test_script_keeps_the_files_and_asks_where_to_go(client, ticket):
    by_script = {"headers": {"Accept": "application/json"}}
    address = reverse("ticket_comment", args=[ticket.pk])
    words = {"body": "ё" * (TEXT_LIMIT + 1), "attachments": ContentFile(b"ok", "fine.txt")}
    assert "Выберите файлы заново" not in client.post(address, words, **by_script).content.decode()
    answer = client.post(f"{address}?list=tab%3Dopen", {"body": "Мой текст"}, **by_script)
    place = f"#comment-{Comment.objects.get().pk}"
    assert answer.json()["url"].endswith(place)
    assert client.post(address, {"body": "Ещё"}).url.startswith(ticket.get_absolute_url())


def test_eleven_files_are_too_many(client, ticket):
    files = [(f"{number}.txt", b"x") for number in range(11)]
    page = comment(client, ticket, *files).content.decode()
    assert "Выбрано файлов: 11, можно не больше 10." in page
    assert not Comment.objects.exists()


def test_too_big_file_is_refused(client, ticket, monkeypatch):
    monkeypatch.setattr("tickets.attachments.check_file.__kwdefaults__", {"limit": 2})
    page = comment(client, ticket, ("big.txt", b"xxx")).content.decode()
    assert "слишком большой" in page


def test_odd_file_names_are_cleaned(client, ticket):
    comment(client, ticket, ("..\\..\\etc/pass\u202ewd.txt", b"x"))
    assert Attachment.objects.get(comment__isnull=False).name == "passwd.txt"


def test_full_disk_keeps_the_words(client, ticket, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("no space left on device")

    monkeypatch.setattr("django.core.files.storage.FileSystemStorage._save", fail)
    page = comment(client, ticket, ("a.txt", b"x"), words="Важное").content.decode()
    assert "Комментарий добавлен без файлов" in page
    assert Comment.objects.get().body == "Важное"


@pytest.mark.django_db(transaction=True)
def test_doubled_press_stores_the_files_once_and_outside_of_a_transaction(
    client, ticket, monkeypatch, settings
):
    save, inside = FileSystemStorage.save, []

    def watched(storage, *args, **kwargs):
        inside.append(connection.in_atomic_block)
        return save(storage, *args, **kwargs)

    monkeypatch.setattr(FileSystemStorage, "save", watched)
    key = str(uuid4())
    for _press in range(2):
        comment(client, ticket, ("a.txt", b"x"), words="Важное", key=key)
    assert inside == [False]
    kept = Comment.objects.get().attachments.get()
    on_disk = {path.name for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()}
    assert on_disk == {
        Path(file.file.name).name for file in [kept, ticket.attachments.get(comment=None)]
    }


def test_full_disk_without_words_says_so(client, ticket, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("no space left on device")

    monkeypatch.setattr("django.core.files.storage.FileSystemStorage._save", fail)
    page = comment(client, ticket, ("a.txt", b"x")).content.decode()
    assert "Файлы сохранить не удалось" in page
    assert not Comment.objects.exists()


def test_nearly_full_disk_keeps_the_words_in_the_form(client, ticket, settings):
    settings.MIN_FREE_DISK_MB = 10**9
    page = comment(client, ticket, ("a.txt", b"x"), words="Важное").content.decode()
    assert "Файл «a.txt» сейчас принять нельзя: на сервере мало места." in page
    assert "Важное</textarea>" in page
    assert "Комментарий добавлен" in comment(client, ticket, words="Важное").content.decode()


def test_broken_storage_keeps_the_words(client, ticket, settings, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    settings.MEDIA_ROOT, settings.MIN_FREE_DISK_MB = tmp_path / "file", 1
    page = comment(client, ticket, ("a.txt", b"x"), words="Важное").content.decode()
    assert "Комментарий добавлен без файлов" in page
    assert Comment.objects.get().body == "Важное"
