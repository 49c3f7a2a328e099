"""A form whose session ended, or whose page is older than the last login: its words are held."""

from datetime import timedelta
from time import time
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.factories import PASSWORD, AgentFactory
from tests.portal.pages import text, url
from tickets.drafts import BROWSER_COOKIE, HELD_A_PERSON, HELD_SIZE, Mark
from tickets.models import Draft

AGAIN = "Вы вошли снова. Ваш текст сохранён — проверьте и отправьте."
HELD = "Ваш текст сохранён: войдите снова, и он вернётся в форму."


def mark(person, ticket, form="comment") -> str:
    return Mark(person.pk, form, ticket.pk if ticket else None).sign()


def words(person, ticket, body="Полчаса писала", **given) -> dict:
    return {"body": body, "author": mark(person, ticket), "key": str(uuid4())} | given


def post(client, ticket, data, **options):
    return client.post(url("ticket_comment", ticket), data, **options)


def log_in(client, person) -> None:
    client.post(reverse("login"), {"username": person.username, "password": PASSWORD})


def page_of(client, ticket) -> str:
    return text(client.get(ticket.get_absolute_url()))


@pytest.fixture
def superuser(db):
    return AgentFactory(username="root", is_superuser=True)


def test_words_come_back_after_logging_in(client, anna, ticket):
    lost = post(client, ticket, words(anna, ticket))
    assert lost.url == f"/login/?next=/tickets/{ticket.pk}/comment/"
    assert HELD in text(client.get(lost.url))
    data = {"username": "anna", "password": PASSWORD}
    page = text(client.post(lost.url, data, follow=True))
    assert AGAIN in page
    assert "Полчаса писала</textarea>" in page
    assert not ticket.comments.exists()
    assert page_of(client, ticket).count(AGAIN) == 1  # until they are sent or cleared


def test_held_words_are_gone_once_they_are_sent(client, anna, ticket):
    post(client, ticket, words(anna, ticket))
    log_in(client, anna)
    post(client, ticket, {"body": "Полчаса писала", "key": str(uuid4())})
    assert AGAIN not in page_of(client, ticket)
    assert not Draft.objects.exists()


def test_another_person_never_sees_them(client, anna, boris, agent, ticket, superuser):
    post(client, ticket, words(anna, ticket))
    for person in (boris, agent, superuser):
        log_in(client, person)
        for path in (ticket.get_absolute_url(), f"/admin/tickets/ticket/{ticket.pk}/change/", "/"):
            assert "Полчаса писала" not in text(client.get(path, follow=True))
        client.post(reverse("logout"))
    log_in(client, anna)
    assert "Полчаса писала</textarea>" in page_of(client, ticket)


def test_another_browser_does_not_show_them(client, anna, ticket):
    post(client, ticket, words(anna, ticket))
    elsewhere = Client()
    elsewhere.force_login(anna)
    assert AGAIN not in page_of(elsewhere, ticket)


@pytest.mark.parametrize("forged", ["", "x", "WzEsImNvbW1lbnQiLDFd:1abc:signature", "\x00"])
def test_nothing_is_held_without_a_signature(client, ticket, forged, anna):
    response = post(client, ticket, words(anna, ticket, author=forged))
    assert response.status_code == 302
    assert BROWSER_COOKIE not in response.cookies
    assert not Draft.objects.exists()


def test_old_signature_holds_nothing(client, anna, ticket, monkeypatch):
    old = words(anna, ticket)
    later = time() + 8 * 24 * 3600
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    post(client, ticket, old)
    assert not Draft.objects.exists()


def test_only_the_newest_few_of_a_person_are_held(client, anna, ticket):
    for number in range(HELD_A_PERSON + 3):
        post(Client(), ticket, words(anna, ticket, f"Текст {number}"))
    held = Draft.objects.order_by("pk").values_list("body__body", flat=True)
    assert list(held) == [f"Текст {number}" for number in range(3, HELD_A_PERSON + 3)]


def test_words_over_200_kb_are_not_held(client, anna, ticket):
    post(client, ticket, words(anna, ticket, "a" * HELD_SIZE))
    assert not Draft.objects.exists()
    post(client, ticket, words(anna, ticket, "a" * (HELD_SIZE - 2000)))
    assert Draft.objects.exists()


def test_size_is_checked_before_anything_is_read(anna, ticket, monkeypatch):
    strict = Client(enforce_csrf_checks=True)  # without a cookie Django reads nothing either
    monkeypatch.setattr("django.http.HttpRequest._load_post_and_files", None)
    response = post(strict, ticket, words(anna, ticket, "a" * (HELD_SIZE + 1)))
    assert response.status_code == 403
    assert not Draft.objects.exists()


def test_neither_files_nor_other_fields_are_held(client, anna, ticket, tmp_path):
    (tmp_path / "a.txt").write_text("secret")
    with (tmp_path / "a.txt").open("rb") as file:
        data = words(anna, ticket, attachments=file, password="s3cret", other="x")
        post(client, ticket, data | {"csrfmiddlewaretoken": "token"})
    assert Draft.objects.get().body == {"body": "Полчаса писала", "had_files": True}
    client.force_login(anna)
    assert "Файлы не сохранились: приложите их заново." in page_of(client, ticket)


def test_held_words_end_after_a_day(client, anna, ticket):
    post(client, ticket, words(anna, ticket))
    Draft.objects.update(updated_at=Draft.objects.get().updated_at - timedelta(hours=25))
    client.force_login(anna)
    assert AGAIN not in page_of(client, ticket)


def test_who_was_deactivated_holds_nothing(client, anna, ticket):
    anna.is_active = False
    anna.save()
    post(client, ticket, words(anna, ticket))
    assert not Draft.objects.exists()


def test_reading_writes_nothing(client, anna, ticket):
    post(client, ticket, words(anna, ticket))
    before = Draft.objects.get()
    client.force_login(anna)
    page_of(client, ticket)
    after = Draft.objects.get()
    assert (after.pk, after.updated_at) == (before.pk, before.updated_at)


# The other forms


def test_reason_and_rating_come_back(client, anna, resolved):
    for form, name in (("return", "reason"), ("rate", "comment")):
        data = {name: f"Слова {form}", "author": mark(anna, resolved, form), "score": "2"}
        client.post(url(f"ticket_{form}", resolved), data)
    client.force_login(anna)
    page = page_of(client, resolved)
    assert page.count(AGAIN) == 2
    assert "Слова return</textarea>" in page
    assert "Слова rate</textarea>" in page
    assert "<details open>" in page
    assert 'value="2" id="rating_score_1" checked' in page.replace(" required", "")


def test_reason_for_a_ticket_that_is_closed_now_is_still_shown(client, anna, closed):
    data = {"reason": "Не помогло", "author": mark(anna, closed, "return")}
    client.post(url("ticket_return", closed), data)
    client.force_login(anna)
    page = page_of(client, closed)
    assert "Не помогло</textarea>" in page
    assert AGAIN in page


def test_phone_comes_back(client, anna):
    data = {"phone": "8916", "author": mark(anna, None, "phone")}
    client.post(reverse("bot_registration"), data)
    client.force_login(anna)
    page = text(client.get(reverse("bot_registration")))
    assert 'value="8916"' in page
    assert AGAIN in page


# A login in another tab


@pytest.fixture
def strict(anna):
    """Anna's browser, in which she logged in anew after the page was opened."""
    client = Client(enforce_csrf_checks=True)
    client.get(reverse("login"))
    client.force_login(anna)
    return client


def test_page_older_than_the_login_leads_back_to_the_words(strict, anna, ticket):
    response = post(strict, ticket, words(anna, ticket, csrfmiddlewaretoken="a" * 64))
    assert response.status_code == 403
    page = text(response)
    assert "Вернуться к форме" in page
    back = page.partition('class="button wide" href="')[2].partition('"')[0]
    assert "Полчаса писала</textarea>" in text(strict.get(back, follow=True))


@pytest.mark.parametrize(
    ("text_size", "file_size", "is_held"),
    [(100, 0, True), (HELD_SIZE, 0, False), (100, HELD_SIZE, True)],
)
def test_what_was_read_already_is_measured_by_its_text(
    strict, anna, ticket, text_size, file_size, is_held
):
    data = words(anna, ticket, "a" * text_size, csrfmiddlewaretoken="a" * 64)
    if file_size:
        data["attachments"] = SimpleUploadedFile("a.txt", b"a" * file_size)
    post(strict, ticket, data)
    assert Draft.objects.exists() is is_held


def test_page_of_another_person_leads_nowhere(strict, boris, ticket):
    response = post(strict, ticket, words(boris, ticket, csrfmiddlewaretoken="a" * 64))
    assert response.status_code == 403
    assert "Вернуться к форме" not in text(response)
    assert "Сейчас вошёл другой человек." in text(response)
    assert "Полчаса писала" not in page_of(strict, ticket)


def test_page_without_a_mark_says_what_it_said(strict, ticket):
    page = text(post(strict, ticket, {"body": "x"}))
    assert "Форма открыта слишком давно" in page


# Too much for one request


def test_text_of_megabytes_gets_a_friendly_answer(client, anna, ticket):
    client.force_login(anna)
    response = post(client, ticket, {"body": "я" * 1_400_000})
    assert response.status_code == 413
    assert "до 20 000 символов" in text(response)
    assert "shared/drafts.js" in text(response)


def test_other_bad_requests_say_what_they_said(client, anna, ticket):
    client.force_login(anna)
    path = url("ticket_comment", ticket)
    response = client.post(path, b"x", content_type="multipart/form-data")
    assert response.status_code == 400
    assert "Запрос не принят" in text(response)
