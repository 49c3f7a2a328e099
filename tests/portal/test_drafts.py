"""Words that are kept while somebody types."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.views.drafts import SAVES_A_MINUTE
from tests.factories import open_ticket
from tests.portal.pages import text, url
from tickets.drafts import Mark
from tickets.forms import delete_old_forms
from tickets.models import TEXT_LIMIT, Draft, FormKey

DRAFTS = "/drafts/"

pytestmark = pytest.mark.usefixtures("logged_in")


def save(client, person, ticket, body="Начала писать", form="comment", **given):
    mark = Mark(person.pk, form, ticket.pk)
    return client.post(DRAFTS, {"author": mark.sign(), "body": body} | given)


def page_of(client, ticket) -> str:
    return text(client.get(ticket.get_absolute_url()))


def test_draft_is_put_back_with_its_time(client, anna, ticket):
    assert save(client, anna, ticket).status_code == 204
    at = timezone.localtime(Draft.objects.get().updated_at)
    page = page_of(client, ticket)
    assert "Начала писать</textarea>" in page
    assert f"Черновик от {at:%H:%M} восстановлен" in page
    assert "Очистить" in page


def test_files_that_were_chosen_with_it_are_asked_for_again(client, anna, ticket):
    lost = "Файлы не сохранились: приложите их заново."
    save(client, anna, ticket)
    assert lost not in page_of(client, ticket)
    save(client, anna, ticket, had_files="1")
    assert lost in page_of(client, ticket)


def test_older_draft_says_its_day(client, anna, ticket):
    save(client, anna, ticket)
    at = timezone.now() - timedelta(days=3)
    Draft.objects.update(updated_at=at)
    local = timezone.localtime(at)
    assert f"{local.day} " in page_of(client, ticket).partition("Черновик от ")[2][:12]


def test_each_form_and_ticket_has_a_draft_of_its_own(client, anna, resolved):
    other = open_ticket(anna, title="Другая заявка")
    save(client, anna, resolved, "Комментарий первой")
    save(client, anna, other, "Комментарий второй")
    save(client, anna, resolved, "", form="return", reason="Не помогло")
    save(client, anna, resolved, "", form="rate", comment="Долго", score="3")
    page = page_of(client, resolved)
    for words in ("Комментарий первой", "Не помогло", "Долго"):
        assert f"{words}</textarea>" in page
    assert "Комментарий второй" not in page
    assert "Комментарий второй</textarea>" in page_of(client, other)


def test_draft_is_seen_in_another_browser_of_its_author_only(client, anna, boris, ticket, agent):
    save(client, anna, ticket)
    elsewhere = Client()
    elsewhere.force_login(anna)
    assert "Начала писать</textarea>" in page_of(elsewhere, ticket)
    agent.is_superuser = True
    agent.save()
    elsewhere.force_login(agent)
    card = text(elsewhere.get(f"/admin/tickets/ticket/{ticket.pk}/change/"))
    assert "Начала писать" not in card


def test_last_words_count_and_none_end_the_draft(client, anna, ticket):
    save(client, anna, ticket, "Раз")
    save(client, anna, ticket, "Раз два")
    assert Draft.objects.get().body == {"body": "Раз два"}
    save(client, anna, ticket, "  \n")
    assert not Draft.objects.exists()


def test_draft_ends_when_its_form_is_sent(client, anna, ticket):
    save(client, anna, ticket)
    client.post(url("ticket_comment", ticket), {"body": "Готово", "key": str(uuid4())})
    assert not Draft.objects.exists()
    assert "Черновик" not in page_of(client, ticket)


def test_draft_stays_when_its_form_is_refused(client, anna, closed):
    save(client, anna, closed)
    client.post(url("ticket_comment", closed), {"body": "Готово", "key": str(uuid4())})
    assert Draft.objects.exists()


def test_draft_that_arrives_after_its_form_is_none(client, anna, ticket):
    key = str(uuid4())
    client.post(url("ticket_comment", ticket), {"body": "Готово", "key": key})
    save(client, anna, ticket, "Готов", key=key)
    assert not Draft.objects.exists()


def test_draft_that_arrives_beside_its_form_is_not_shown(client, anna, ticket):
    key = uuid4()
    save(client, anna, ticket, "Готов", key=str(key))
    FormKey.objects.create(user=anna, key=key, purpose="comment", fingerprint="x")
    assert "Черновик" not in page_of(client, ticket)


@pytest.mark.parametrize("author", ["", "forged"])
def test_unsigned_draft_is_not_kept(client, ticket, anna, author):
    assert client.post(DRAFTS, {"author": author, "body": "x"}).status_code == 403
    assert not Draft.objects.exists()


def test_mark_of_another_person_keeps_and_clears_nothing(client, anna, boris, ticket):
    assert save(client, boris, ticket).status_code == 403
    Draft.objects.create(user=boris, form="comment", ticket=ticket, body={"body": "Его"})
    save(client, boris, ticket, clear="1")
    assert Draft.objects.get().body == {"body": "Его"}


def test_draft_is_bounded(client, anna, ticket):
    save(client, anna, ticket, "Начало")
    assert save(client, anna, ticket, "я" * (TEXT_LIMIT + 1)).status_code == 413
    assert Draft.objects.get().body == {"body": "Начало"}
    codes = [save(client, anna, ticket, "x").status_code for _one in range(SAVES_A_MINUTE)]
    assert (codes[0], codes[-1]) == (204, 429)


def test_draft_with_a_nul_is_kept(client, anna, ticket):
    save(client, anna, ticket, "a\x00b")
    assert Draft.objects.get().body == {"body": "ab"}


def test_draft_of_an_ended_session_is_held(client, anna, ticket):
    client.logout()
    assert save(client, anna, ticket).status_code == 401
    assert client.get(DRAFTS).status_code == 401
    client.force_login(anna)
    assert "Вы вошли снова." in page_of(client, ticket)


def test_draft_is_cleared_by_its_button(client, anna, ticket):
    save(client, anna, ticket)
    back = ticket.get_absolute_url()
    response = save(client, anna, ticket, clear="1", back=back)
    assert response.url == back
    assert not Draft.objects.exists()
    assert save(client, anna, ticket, clear="1", back="//evil.example/").url == "/"


def test_whether_a_form_was_sent_is_told_to_its_author(client, anna, boris, ticket):
    key = str(uuid4())
    ask = {"key": key}
    assert client.get(DRAFTS, ask).json() == {"sent": False}
    client.post(url("ticket_comment", ticket), {"body": "Готово", "key": key})
    assert client.get(DRAFTS, ask).json() == {"sent": True}
    assert client.get(DRAFTS, {"key": "x"}).json() == {"sent": False}
    client.force_login(boris)
    assert client.get(DRAFTS, ask).json() == {"sent": False}


def test_drafts_need_the_csrf_token(anna, ticket):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(anna)
    assert save(strict, anna, ticket).status_code == 403
    assert reverse("drafts") == DRAFTS


def test_old_rows_go(client, anna, ticket):
    now = timezone.now()
    ages = {"": (6, 8), "b" * 43: (0, 2)}  # days
    for browser, days in ages.items():
        for form, age in zip(("comment", "return"), days, strict=True):
            Draft.objects.create(
                user=anna, form=form, ticket=ticket, browser=browser,
                updated_at=now - timedelta(days=age),
            )  # fmt: skip
    for hours in (23, 25):
        FormKey.objects.create(
            user=anna, key=uuid4(), purpose="comment", fingerprint=str(hours),
            created_at=now - timedelta(hours=hours),
        )  # fmt: skip
    delete_old_forms()
    assert {row.form for row in Draft.objects.all()} == {"comment"}
    assert Draft.objects.count() == 2
    assert FormKey.objects.get().fingerprint == "23"
