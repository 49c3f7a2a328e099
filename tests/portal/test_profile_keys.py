"""Forms of the profile act once: pressed twice, reloaded after a lost answer, or much later."""

import re
from uuid import uuid4

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts import identity
from accounts.models import DataExport, EmailChange, Erasure, SecurityEvent
from accounts.security import Origin
from tests.factories import PASSWORD
from tests.portal.pages import text
from tests.threads import in_parallel
from tickets.models import Delivery, FormKey

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("logged_in")]
NEW, OTHER = "anna@new.example", "anna@other.example"
PASSPHRASE = "Zelenyj-Chaj-2026"
SENT_BEFORE = "Эта форма уже была отправлена раньше. Сейчас ничего не изменилось."
Kind = SecurityEvent.Kind


@pytest.fixture
def key():
    return str(uuid4())


def send(client, page, key, **fields):
    return text(client.post(reverse(page), {"key": key, **fields}, follow=True))


def ask(client, key, email=NEW):
    return send(client, "email_change", key, email=email, password=PASSWORD)


def events(user, *wanted):
    return SecurityEvent.objects.filter(user=user, kind__in=wanted).count()


@pytest.mark.parametrize(
    ("page", "forms"),
    [("email_change", 1), ("password_change", 1), ("personal_data", 1), ("profile", 2)],
)
def test_forms_have_keys_of_their_own(client, anna, page, forms):
    identity.request_email_change(user=anna, email=NEW, origin=Origin(anna))
    shown = "".join(text(client.get(reverse(page))) for _visit in range(2))
    assert len(set(re.findall(r'name="key" value="([^"]+)"', shown))) == forms * 2


# The e-mail


def test_request_that_comes_again_is_one_with_the_same_words(client, anna, key, clock):
    answers = []
    for _press in range(3):
        answers.append(ask(client, key))
        clock.advance(minutes=5)  # longer than a second request is the same one
    assert all(f"Письмо отправляется на {NEW}." in page for page in answers)
    assert events(anna, Kind.EMAIL_ASKED) == 1
    assert Delivery.objects.filter(kind="email_confirm").count() == 1


def test_old_request_does_not_replace_a_newer_one(client, anna, key, clock):
    ask(client, key)
    clock.advance(minutes=5)
    ask(client, str(uuid4()), OTHER)
    assert SENT_BEFORE in ask(client, key)
    assert EmailChange.objects.get().email == OTHER


def test_old_request_does_not_rise_after_it_was_cancelled(client, anna, key, clock):
    ask(client, key)
    send(client, "email_cancel", str(uuid4()))
    clock.advance(minutes=5)
    assert SENT_BEFORE in ask(client, key)
    assert not EmailChange.objects.exists()


def test_another_email_under_the_key_is_offered(client, key, clock):
    ask(client, key)
    clock.advance(minutes=5)
    page = ask(client, key, OTHER)
    assert "Чтобы указать новый, отправьте форму ещё раз." in page
    assert f'value="{OTHER}"' in page
    assert key not in page
    assert EmailChange.objects.get().email == NEW


def test_refused_request_leaves_no_key(client, anna, key):
    ask(client, key, anna.email)
    assert not FormKey.objects.exists()


def test_key_keeps_no_email(client, key):
    ask(client, key)
    assert NEW not in str(list(FormKey.objects.values()))


def test_letter_is_sent_again_once(client, anna, key, clock):
    ask(client, str(uuid4()))
    clock.advance(minutes=5)
    for _press in range(2):
        assert f"Письмо отправляется на {NEW} ещё раз." in send(client, "email_resend", key)
        clock.advance(minutes=5)
    assert events(anna, Kind.EMAIL_ASKED) == 2
    send(client, "email_cancel", str(uuid4()))
    assert SENT_BEFORE in send(client, "email_resend", key)


def test_old_cancellation_does_not_end_a_newer_request(client, key, clock):
    ask(client, str(uuid4()))
    for _press in range(2):
        assert "Смена почты отменена." in send(client, "email_cancel", key)
    clock.advance(minutes=5)
    ask(client, str(uuid4()), OTHER)
    assert SENT_BEFORE in send(client, "email_cancel", key)
    assert EmailChange.objects.get().email == OTHER


def test_cancelling_what_was_confirmed_does_not_claim_the_old_email(client, anna, key):
    """The mailbox was opened on a phone; the page is older."""
    change = identity.request_email_change(user=anna, email=NEW, origin=Origin(anna))
    identity.confirm_email_change(
        change, origin=Origin(anna, session_key=client.session.session_key)
    )
    page = send(client, "email_cancel", key)
    assert "Отменять было нечего" in page
    assert "Действует прежняя" not in page


def test_link_pressed_twice_does_not_say_that_it_failed(client, anna, run_queue):
    ask(client, str(uuid4()))
    run_queue()
    [letter] = [letter for letter in mail.outbox if letter.subject == "Подтвердите новую почту"]
    path = re.search(r"http://127.0.0.1:8000(\S+)", letter.body)[1]
    client.post(path)
    page = text(client.post(path))
    assert "Почта не подтверждена" not in page
    assert f"Сейчас почта вашего аккаунта — {NEW}." in page


# The password


def new_password(client, key, old=PASSWORD, new=PASSPHRASE):
    fields = {"old_password": old, "new_password1": new, "new_password2": new}
    return send(client, "password_change", key, **fields)


def test_password_form_that_comes_again_is_answered_as_it_was(client, anna, key):
    for _press in range(2):
        assert "Пароль изменён." in new_password(client, key)
    assert events(anna, Kind.PASSWORD_CHANGED) == 1
    assert events(anna, Kind.WRONG_PASSWORD) == 0


def test_another_password_under_the_key_is_a_change_of_its_own(client, anna, key):
    new_password(client, key)
    page = new_password(client, key, old=PASSPHRASE, new=f"{PASSPHRASE}-2")
    assert "Пароль изменён." in page
    anna.refresh_from_db()
    assert anna.check_password(f"{PASSPHRASE}-2")


def test_key_is_no_way_around_the_old_password(client, anna, key):
    new_password(client, key)
    page = new_password(client, key, old="wrong", new=f"{PASSPHRASE}-2")
    assert "Неверный пароль." in page
    anna.refresh_from_db()
    assert anna.check_password(PASSPHRASE)
    for _guess in range(5):
        page = new_password(client, key, old="wrong", new="guess-guess-guess")
    assert "Вход приостановлен" in page


# «Мои данные»


def test_archive_is_begun_once(client, anna, key):
    for _press in range(2):
        assert "Готовим архив" in send(client, "personal_data", key)
    DataExport.objects.update(state=DataExport.State.FAILED)
    assert "собрать не получилось" in send(client, "personal_data", key)  # it is not begun anew


def sender(client) -> str:
    page = text(client.get(reverse("personal_data_erase")))
    return re.search(r'name="sender" value="([^"]+)"', page)[1]


def erase(client, sender):
    fields = {"password": PASSWORD, "is_sure": "on", "sender": sender}
    return client.post(reverse("personal_data_erase"), fields, follow=True)


def test_erasure_whose_answer_was_lost_is_told_again(client, anna):
    mine = sender(client)
    for _press in range(2):
        assert "Аккаунт закрыт, данные удаляются." in text(erase(client, mine))
    assert events(anna, Kind.ERASED) == 1
    assert "Аккаунт закрыт" in text(erase(Client(), mine))


def test_erasure_of_a_lost_session_is_not_claimed(client, anna, boris):
    mine = sender(client)
    Erasure.objects.create(user=boris, asked_by=boris)
    for given in (mine, "", "forged", mine[:-1]):
        page = text(erase(Client(), given))
        assert "Аккаунт закрыт" not in page
        assert "<h1>Вход" in page
    anna.refresh_from_db()
    assert anna.is_active


@pytest.mark.django_db(transaction=True)
def test_erasure_pressed_twice_at_once_is_one(client, anna):
    mine = sender(client)
    pages = in_parallel(*[lambda: text(erase(client_of(client), mine))] * 2)
    assert ["Аккаунт закрыт" in page for page in pages] == [True, True]
    assert Erasure.objects.count() == 1


def client_of(client) -> Client:
    """The same browser in another thread."""
    twin = Client()
    twin.cookies = client.cookies.copy()
    return twin


def test_exit_asked_for_after_the_session_ended_leads_to_the_profile(client, anna):
    lost = Client()
    response = lost.post(reverse("end_all_sessions"))
    lost.post(response.url, {"username": "anna", "password": PASSWORD})
    assert lost.get("/profile/exit/").url == reverse("profile")
