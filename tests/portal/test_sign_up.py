"""Signing up by oneself: what is answered, what is mailed, and who gets in."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse

from accounts.guessing import SIGN_UPS_AN_HOUR
from accounts.models import JoinRequest, Organization, SecurityEvent, SignUp, User
from accounts.news import sign_up_token
from tests.factories import UserFactory
from tests.portal.pages import text
from tests.queue import queued, run_queue

pytestmark = pytest.mark.django_db
PAGE = reverse("sign_up")
PASSWORD = "длинный пароль на память"
NINA = "nina@alpha.example"


@pytest.fixture(autouse=True)
def _open(settings):
    settings.SIGN_UP = True


def ask(client, email=NINA, **headers):
    return client.post(PAGE, {"email": email}, **headers)


def link(email=NINA) -> str:
    return reverse("sign_up_confirm", args=[sign_up_token(SignUp.objects.create(email=email))])


def person(**given):
    fields = {"first_name": "Нина", "last_name": "Новая", "password": PASSWORD, "again": PASSWORD}
    return fields | {"consent": "on"} | given


# Where it is off


def test_without_the_setting_there_is_nothing(client, settings):
    path = link()
    settings.SIGN_UP = False
    for url in (PAGE, reverse("sign_up_sent"), path):
        assert client.get(url).status_code == 404
        assert client.post(url, person(email=NINA)).status_code == 404
    assert "Зарегистрироваться" not in text(client.get(reverse("login")))
    assert not User.objects.exists()


def test_login_leads_there_where_it_is_on(client):
    assert PAGE in text(client.get(reverse("login")))


def test_who_is_signed_in_has_an_account(client, anna):
    client.force_login(anna)
    assert client.get(PAGE).url == reverse("ticket_list")


# Asking


def test_letter_leads_to_an_account(client):
    assert ask(client).url == reverse("sign_up_sent")
    run_queue()
    [letter] = mail.outbox
    assert letter.to == [NINA]
    path = re.search(r"http://[^/\s]+(/signup/\S+)", letter.body)[1]
    assert NINA in text(client.get(path))
    assert client.post(path, person()).url == reverse("login")
    user = User.objects.get()
    assert (user.username, user.email, user.get_full_name()) == (NINA, NINA, "Нина Новая")
    assert user.check_password(PASSWORD)
    assert (user.is_staff, user.is_superuser, user.organization) == (False, False, None)
    assert (user.consent_version, bool(user.consented_at)) == ("2026-11", True)
    assert SecurityEvent.objects.filter(kind="signed_up", user=user).exists()


def test_known_address_gets_the_same_answer_and_another_letter(client, anna):
    answers = [ask(client, email) for email in (anna.email.upper(), "nobody@new.example")]
    assert len({(row.status_code, row.url, row.content) for row in answers}) == 1
    pages = [text(client.get(row.url)) for row in answers]
    assert pages[0] == pages[1]
    assert [task.name for task in queued()] == ["accounts.tasks.mail_sign_up"] * 2
    run_queue()
    letters = {letter.to[0]: letter for letter in mail.outbox}
    assert "уже есть аккаунт" in letters[anna.email].body
    assert "/signup/" not in letters[anna.email].body
    assert "/signup/" in letters["nobody@new.example"].body


def test_same_work_is_done_for_a_known_and_an_unknown_address(
    client, anna, django_assert_num_queries
):
    client.get(PAGE)
    for email in (anna.email, "nobody@new.example"):
        with django_assert_num_queries(6):
            ask(client, email)


def test_closed_account_gets_no_letter(client, boris):
    User.objects.update(is_active=False)
    ask(client, boris.email)
    run_queue()
    assert mail.outbox == []


@pytest.mark.parametrize("email", ["", "nina", "nina@", "a@b.example\r\nBcc: c@d.example"])
def test_what_is_no_address_is_refused(client, email):
    assert "Введите почту" in text(ask(client, email))
    assert queued() == []


def test_one_mailbox_gets_few_letters(client, clock):
    sent = []
    for minutes in (0, 0.5, 2, 4, 6, 61, 63, 65, 130):
        clock.moved = timedelta(minutes=minutes)
        ask(client)
        run_queue()
        sent.append(len(mail.outbox))
    assert sent == [1, 1, 2, 3, 3, 4, 5, 6, 6]


def test_asking_too_often_keeps_the_owner_out_of_nothing(client, clock):
    """A stranger who asks all the time: the mailbox has a link that works."""
    for second in range(0, 120, 20):
        clock.moved = timedelta(seconds=second)
        ask(client)
        run_queue()
    path = re.search(r"http://[^/\s]+(/signup/\S+)", mail.outbox[0].body)[1]
    assert client.post(path, person()).url == reverse("login")


def test_one_address_asks_for_few(client):
    for number in range(SIGN_UPS_AN_HOUR + 5):
        assert ask(client, f"{number}@new.example").url == reverse("sign_up_sent")
    assert len(queued()) == SIGN_UPS_AN_HOUR


# The link


def test_opening_the_link_changes_nothing(client):
    path = link()
    for _time in range(2):
        assert client.get(path).status_code == 200
    assert not User.objects.exists()


def test_link_works_once(client):
    path = link()
    client.post(path, person())
    assert client.get(path).status_code == 410
    assert client.post(path, person(password="другой длинный пароль")).status_code == 410
    assert User.objects.get().check_password(PASSWORD)


@pytest.mark.parametrize("token", ["1:x", "1", "x:y", "٥:y"])
def test_forged_link_leads_nowhere(client, token):
    SignUp.objects.create(email=NINA)
    path = reverse("sign_up_confirm", args=[token])
    assert client.post(path, person()).status_code == 410


def test_link_ends_after_a_day(client, clock):
    path = link()
    clock.advance(hours=25)
    assert client.post(path, person()).status_code == 410
    assert not User.objects.exists()


def test_address_taken_meanwhile_stays_whose_it_is(client):
    path = link()
    user = UserFactory(email=NINA.upper())
    page = client.post(path, person())
    assert page.status_code == 409
    user.refresh_from_db()
    assert not user.check_password(PASSWORD)
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "given",
    [
        {"password": "short", "again": "short"},
        {"password": "1234567890123", "again": "1234567890123"},
        {"password": NINA, "again": NINA},
        {"again": "другое"},
        {"consent": ""},
        {"first_name": ""},
        {"last_name": "http://evil.example"},
        {"first_name": "Поддержка"},
        {"first_name": "<b>Нина"},
    ],
    ids=str,
)
def test_careless_form_makes_no_account(client, given):
    page = client.post(link(), person(**given))
    assert page.status_code == 200
    assert "Проверьте данные" in text(page)
    assert not User.objects.exists()


def test_login_of_somebody_else_is_not_taken_over(client):
    UserFactory(username=NINA, email="other@new.example")
    client.post(link(), person())
    made = User.objects.get(email=NINA)
    assert made.username.startswith("person-")


# The organization


def test_person_of_a_known_domain_waits_for_the_organization(client, anna):
    Organization.objects.update(mail_domain="alpha.example", shares_tickets=True)
    client.post(link(), person())
    made = User.objects.get(email=NINA)
    assert made.organization is None
    assert JoinRequest.objects.get().organization == anna.organization


# Nothing said


def test_no_row_or_log_holds_the_link(client, caplog):
    ask(client)
    run_queue()
    token = re.search(r"/signup/(\S+)/", mail.outbox[0].body)[1]
    from tests.tickets.personal_data import whole_database

    assert token not in whole_database()
    assert token not in caplog.text
