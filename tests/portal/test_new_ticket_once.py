"""A new ticket is created once, whatever happens to its form, and no word of it is lost."""

import re
from errno import ENOSPC

import pytest
from django.core.files.storage import FileSystemStorage
from django.test import Client
from django.urls import reverse

from accounts.models import Usage
from accounts.quotas import CHANGES
from portal.bodies import LARGEST_UPLOAD
from tests import factories
from tests.portal.new_ticket import NEW, TITLE, filled, journal
from tests.portal.pages import text
from tests.portal.test_bodies import MEGABYTE, send
from tests.threads import in_parallel
from tickets.attachments import BYTES_A_DAY
from tickets.drafts import Mark
from tickets.models import Attachment, Draft, FormKey, Ticket
from tickets.services import TICKETS_AN_HOUR

pytestmark = pytest.mark.usefixtures("logged_in")
SHOWN = "Белый экран &lt;после&gt; входа.</textarea>"
AGAIN = "Вы вошли снова. Ваш текст сохранён — проверьте и отправьте."


def mark(person, parent=None) -> str:
    return Mark(person.pk, "new_ticket", parent.pk if parent else None).sign()


def log_in(client, person) -> None:
    data = {"username": person.username, "password": factories.PASSWORD}
    client.post(reverse("login"), data)


def title_in(page: str) -> str:
    return re.search(r'name="title" value="([^"]*)"', page)[1]


# Once


def test_every_page_has_a_key_of_its_own_and_errors_keep_it(client, product):
    pages = [text(client.get(NEW)) for _visit in range(2)]
    keys = {re.search(r'name="key" value="([^"]+)"', page)[1] for page in pages}
    assert len(keys) == 2
    data = filled(product, title="")
    assert f'name="key" value="{data["key"]}"' in text(client.post(NEW, data))


def test_same_form_again_is_the_same_ticket_and_answer(client, product):
    data = filled(product)
    for _press in range(2):
        sent = client.post(NEW, data | {"attachments": journal()}, follow=True)
        ticket = Ticket.objects.get()
        assert sent.redirect_chain == [(ticket.get_absolute_url(), 302)]
        assert f"Заявка № {ticket.pk} создана." in text(sent)
    assert Attachment.objects.count() == 1


def test_answer_lost_after_the_commit_is_told_at_the_reload(client, product, monkeypatch):
    def killed(*_args, **_given):
        raise SystemExit

    data = filled(product)
    with monkeypatch.context() as patch:
        patch.setattr("portal.views.new_ticket._say_what_happened", killed)
        with pytest.raises(SystemExit):
            client.post(NEW, data)
    page = text(client.post(NEW, data, follow=True))
    assert f"Заявка № {Ticket.objects.get().pk} создана." in page
    assert "не сохранен" not in page.lower()


def test_other_words_under_the_key_are_offered_beside_the_ticket(client, product):
    data = filled(product)
    client.post(NEW, data)
    ticket = Ticket.objects.get()
    response = client.post(NEW, data | {"title": "Другое", "attachments": journal()})
    page = text(response)
    assert f"Эта форма уже отправлена: создана заявка № {ticket.pk}." in page
    assert "Файлы приложите заново." in page
    assert (title_in(page), SHOWN in page) == ("Другое", True)
    fresh = re.search(r'name="key" value="([^"]+)"', page)[1]
    assert fresh != data["key"]
    client.post(NEW, data | {"title": "Другое", "key": fresh})
    assert [row.title for row in Ticket.objects.order_by("pk")] == [TITLE, "Другое"]


def test_same_words_from_two_pages_are_two_tickets(client, product):
    for _page in range(2):
        client.post(NEW, filled(product))
    assert Ticket.objects.count() == 2


def test_parent_belongs_to_the_form(client, anna, product):
    old = factories.TicketFactory(requester=anna, status="closed")
    data = filled(product)
    client.post(f"{NEW}?parent={old.pk}", data)
    assert "уже отправлена" in text(client.post(NEW, data))
    assert Ticket.objects.filter(title=TITLE).count() == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_presses_at_once_are_one_ticket(anna, product):
    people = [Client() for _one in range(20)]
    for one in people:
        one.force_login(anna)
    data = filled(product)

    def press(one):
        return text(one.post(NEW, data | {"attachments": journal()}, follow=True))

    pages = in_parallel(*(lambda one=one: press(one) for one in people))
    ticket = Ticket.objects.get()
    assert FormKey.objects.count() == Attachment.objects.count() == 1
    assert [f"Заявка № {ticket.pk} создана." in page for page in pages] == [True] * 20


# Nothing is lost


def test_lost_session_gives_the_whole_form_back(client, anna, product):
    other = factories.ProductFactory()
    client.logout()
    lost = client.post(NEW, filled(other, author=mark(anna), attachments=journal()))
    assert lost.url == f"/login/?next={NEW}"
    log_in(client, anna)
    response = client.get(NEW)
    page = text(response)
    assert AGAIN in page
    assert "Файлы не сохранились: приложите их заново." in page
    assert (title_in(page), SHOWN in page) == (TITLE, True)
    assert response.context["form"]["product"].value() == str(other.pk)
    client.post(NEW, filled(other))
    assert not Draft.objects.exists()


def test_lost_session_leads_back_to_the_parent(client, anna, product):
    old = factories.TicketFactory(requester=anna, status="closed")
    path = f"{NEW}?parent={old.pk}"
    client.logout()
    lost = client.post(path, filled(product, author=mark(anna, old)))
    data = {"username": "anna", "password": factories.PASSWORD}
    page = text(client.post(lost.url, data, follow=True))
    assert AGAIN in page
    assert title_in(page) == TITLE
    assert f'name="back" value="{path}"' in page
    assert AGAIN not in text(client.get(NEW))  # a form of its own
    assert AGAIN not in text(client.get(old.get_absolute_url()))


def test_page_older_than_the_login_holds_the_words(anna, product):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(anna)
    old = factories.TicketFactory(requester=anna, status="closed")
    path = f"{NEW}?parent={old.pk}"
    refused = strict.post(path, filled(product, author=mark(anna, old)))
    assert refused.status_code == 403
    assert f'href="{path}"' in text(refused)
    page = text(strict.get(path))
    assert (title_in(page), SHOWN in page) == (TITLE, True)


@pytest.mark.parametrize("words", [{"title": "Одно"}, {"description": "Другое"}])
def test_draft_of_either_field_is_put_back_and_cleared(client, anna, product, words):
    saved = client.post("/drafts/", {"author": mark(anna)} | words)
    assert saved.status_code == 204
    page = text(client.get(NEW))
    assert "Черновик от" in page
    assert next(iter(words.values())) in page
    client.post("/drafts/", {"author": mark(anna), "title": " ", "description": ""})
    assert not Draft.objects.exists()


def test_draft_ends_with_its_ticket_and_not_with_a_refusal(client, anna, product):
    client.post("/drafts/", {"author": mark(anna), "title": TITLE, "description": "Начала"})
    client.post(NEW, filled(product, title=""))
    assert Draft.objects.exists()
    client.post(NEW, filled(product))
    assert not Draft.objects.exists()


def test_draft_of_another_person_is_not_shown(client, anna, boris, product):
    Draft.objects.create(user=boris, form="new_ticket", body={"title": "Тайна Бориса"})
    assert "Тайна" not in text(client.get(NEW))


def test_files_that_cannot_be_stored_leave_the_ticket(client, product, monkeypatch):
    def full(*_args, **_given):
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "_save", full)
    data = filled(product)
    for _press in range(2):
        page = text(client.post(NEW, data | {"attachments": journal()}, follow=True))
        assert f"Заявка № {Ticket.objects.get().pk} создана." in page
        assert "Файлы сохранить сейчас не удалось. Приложите их к комментарию." in page
    assert not Attachment.objects.exists()


def test_nearly_full_disk_is_said_beside_the_files(client, product, settings):
    settings.MIN_FREE_DISK_MB = 10**9
    response = client.post(NEW, filled(product, attachments=journal()))
    page = text(response)
    assert "на сервере мало места. Текст без файла отправить можно." in page
    assert SHOWN in page
    assert client.post(NEW, filled(product)).status_code == 302


# Limits


def test_eleventh_ticket_of_an_hour_waits_with_its_words(client, anna, product):
    factories.TicketFactory.create_batch(TICKETS_AN_HOUR, requester=anna)
    data = filled(product)
    page = text(client.post(NEW, data | {"attachments": journal()}))
    assert "Выберите файлы заново: браузер их не запоминает." in page
    assert page.count("За последний час создано слишком много заявок. Попробуйте позже.") == 1
    assert (title_in(page), SHOWN in page) == (TITLE, True)
    assert data["key"] in page
    assert not Ticket.objects.filter(title=TITLE).exists()


def test_changes_of_a_minute(client, anna, product):
    factories.UsageFactory(user=anna, used=CHANGES.limit)
    response = client.post(NEW, filled(product))
    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= 60
    assert "Слишком много изменений подряд." in text(response)
    assert SHOWN in text(response)


def test_bytes_of_a_day_are_said_beside_the_files(client, anna, product):
    factories.UsageFactory(user=anna, kind=BYTES_A_DAY.kind, used=BYTES_A_DAY.limit)
    response = client.post(NEW, filled(product, attachments=journal()))
    assert response.status_code == 429
    assert list(response.context["form"].errors) == ["attachments"]
    assert SHOWN in text(response)
    assert client.post(NEW, filled(product)).status_code == 302


def test_press_that_comes_again_is_no_change(client, anna, product):
    data = filled(product)
    client.post(NEW, data)
    Usage.objects.filter(user=anna).update(used=CHANGES.limit)
    assert client.post(NEW, data).status_code == 302


def test_files_are_taken_up_to_their_sum_and_no_further(client, product):
    large = journal(b"x" * (2 * MEGABYTE))
    assert client.post(NEW, filled(product, attachments=large)).status_code == 302
    response = send(client, NEW, LARGEST_UPLOAD + 1)
    assert response.status_code == 413
    assert "до 10 файлов, каждый до 50 МБ" in text(response)


def test_stranger_is_led_to_the_login_and_nothing_is_read(client):
    response = send(Client(), f"{NEW}?parent=1", 2 * MEGABYTE)
    assert response.status_code == 302
    assert response["Location"] == f"/login/?next={NEW}%3Fparent%3D1"


def test_reading_is_no_change_and_writes_nothing(client, product, django_assert_max_num_queries):
    client.get(NEW)
    with django_assert_max_num_queries(12) as queries:
        client.get(NEW)
    writes = [one for one in queries if not one["sql"].startswith("SELECT")]
    assert writes == []


@pytest.mark.parametrize("method", ["put", "delete"])
def test_other_methods_create_nothing(client, product, method):
    getattr(client, method)(NEW)
    assert not Ticket.objects.exists()
