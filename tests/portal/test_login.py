import re
from datetime import datetime, timedelta

import pytest
from axes.models import AccessAttempt, AccessLog
from django.core import mail
from django.core.cache import cache
from django.urls import reverse

from accounts.guessing import RESETS_AN_HOUR
from accounts.tasks import mail_password_reset
from tests.factories import PASSWORD, UserFactory
from tests.queue import queued
from tests.threads import in_parallel

LOGIN = reverse("login")
HOSTILE = ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example/"]


def log_in(client, login, password=PASSWORD, **extra):
    return client.post(LOGIN, {"username": login, "password": password} | extra)


@pytest.mark.parametrize(
    "login", ["anna", "Anna", "ANNA", "anna@alpha.example", "ANNA@Alpha.Example"]
)
def test_login_by_username_or_email(client, anna, login):
    response = log_in(client, login)
    assert response.status_code == 302
    assert response.url == "/"
    assert client.session["_auth_user_id"] == str(anna.pk)


def test_username_as_it_is_typed_goes_before_another_letter_case(client, anna):
    capital = UserFactory(username="Anna")
    assert log_in(client, "Anna").status_code == 302
    assert client.session["_auth_user_id"] == str(capital.pk)


@pytest.mark.parametrize("login", ["anna", "nobody", "nobody@alpha.example"])
def test_wrong_login_is_answered_alike(client, anna, login):
    response = log_in(client, login, "wrong password")
    page = response.content.decode()
    assert response.status_code == 200
    assert "Неверный логин или пароль" in page
    assert "<title>Ошибка: Вход" in page
    assert "_auth_user_id" not in client.session


def test_inactive_person_cannot_log_in(client, anna):
    anna.is_active = False
    anna.save()
    assert "Неверный логин или пароль" in log_in(client, "anna").content.decode()


@pytest.mark.parametrize("target", HOSTILE)
def test_hostile_next_is_ignored(client, anna, target):
    assert log_in(client, "anna", next=target).url == "/"


def test_own_next_is_followed(client, anna):
    assert log_in(client, "anna", next="/telegram/").url == "/telegram/"


@pytest.mark.parametrize(
    "path", ["/", "/tickets/1/", "/files/1/", "/telegram/", "/telegram/state/", "/profile/"]
)
def test_pages_ask_strangers_to_log_in(client, db, path):
    response = client.get(path)
    assert response.status_code == 302
    assert response.url == f"{LOGIN}?next={path}"


def test_five_failures_lock_every_spelling_of_the_login(client, anna, boris):
    for login in ("anna", "anna@alpha.example", "ANNA@alpha.example", "Anna"):
        assert log_in(client, login, "wrong password").status_code == 200
    fifth = log_in(client, "anna@alpha.example", "wrong password")
    assert fifth.status_code == 429
    assert "через 15 минут" in fifth.content.decode()
    assert log_in(client, "anna").status_code == 429
    assert log_in(client, "anna@alpha.example").status_code == 429
    assert log_in(client, "boris").status_code == 302


def test_lock_names_no_account(client, anna, settings):
    settings.AXES_LOCKOUT_CALLABLE = "portal.views.passwords.locked_out"
    for _attempt in range(5):
        response = client.post(
            LOGIN,
            {"username": "anna@alpha.example", "password": "wrong password"},
            headers={"x-requested-with": "XMLHttpRequest"},
        )
    assert response.status_code == 429
    assert "через 15 минут" in response.content.decode()
    assert "anna" not in response.content.decode()


def test_lock_ends_by_itself(client, anna, clock):
    for _attempt in range(5):
        log_in(client, "anna", "wrong password")
    clock.advance(minutes=10)
    assert log_in(client, "anna").status_code == 429
    clock.advance(minutes=6)
    assert log_in(client, "anna").status_code == 302


def test_logins_are_not_recorded(client, anna):
    log_in(client, "anna", "wrong password")
    assert AccessAttempt.objects.count() == 1  # the limiter needs it
    log_in(client, "anna")
    client.post(reverse("logout"))
    assert (AccessAttempt.objects.count(), AccessLog.objects.count()) == (0, 0)


def test_logout_needs_post(client, anna):
    client.force_login(anna)
    assert client.get(reverse("logout")).url == "/"
    assert client.get(reverse("profile")).status_code == 200
    response = client.post(reverse("logout"))
    assert response.url == LOGIN
    assert "_auth_user_id" not in client.session


def test_private_pages_are_not_cached(client, anna):
    client.force_login(anna)
    assert "no-store" in client.get("/profile/").headers["Cache-Control"]


# Passwords


def test_password_change_keeps_this_session_and_ends_others(client, anna):
    other = type(client)()
    other.force_login(anna)
    client.force_login(anna)
    response = client.post(
        reverse("password_change"),
        {
            "old_password": PASSWORD,
            "new_password1": "Zelenyj-Chaj-2026",
            "new_password2": "Zelenyj-Chaj-2026",
        },
    )
    assert response.url == reverse("profile")
    assert "Пароль изменён" in client.get("/profile/").content.decode()
    assert other.get("/profile/").status_code == 302


@pytest.mark.parametrize("password", ["short", "1234567890", "anna@alpha.example"])
def test_weak_password_is_refused(client, anna, password):
    client.force_login(anna)
    response = client.post(
        reverse("password_change"),
        {"old_password": PASSWORD, "new_password1": password, "new_password2": password},
    )
    assert response.status_code == 200
    assert "<title>Ошибка: " in response.content.decode()


def ask_for_reset(client, run_queue, email="anna@alpha.example") -> str:
    client.post(reverse("password_reset"), {"email": email})
    run_queue()
    return re.search(r"http://127.0.0.1:8000(\S+)", mail.outbox[-1].body)[1]


def test_reset_is_answered_alike_for_known_and_unknown(client, anna):
    pages = []
    for email in ("anna@alpha.example", "nobody@alpha.example"):
        response = client.post(reverse("password_reset"), {"email": email}, follow=True)
        pages.append(re.sub("csrf\\S+ value=\\S+", "", response.content.decode()))
    assert pages[0] == pages[1]
    assert [task.args for task in queued()] == [(anna.pk,), (0,)]


def test_unknown_email_gets_no_letter(client, anna, run_queue):
    client.post(reverse("password_reset"), {"email": "nobody@alpha.example"})
    run_queue()
    assert mail.outbox == []


def test_reset_link_sets_a_password_and_lifts_the_lock(client, anna, run_queue):
    for _attempt in range(5):
        log_in(client, "anna", "wrong password")
    link = ask_for_reset(client, run_queue)
    form = client.get(link).url
    password = "Zelenyj-Chaj-2026"
    response = client.post(form, {"new_password1": password, "new_password2": password})
    assert response.url == LOGIN
    assert log_in(client, "anna", password).status_code == 302
    assert "Ссылка не подходит" in type(client)().get(link).content.decode()


def test_reset_link_is_valid_for_an_hour(client, anna, run_queue, monkeypatch):
    link = ask_for_reset(client, run_queue)
    generator = "django.contrib.auth.tokens.PasswordResetTokenGenerator._now"
    monkeypatch.setattr(generator, lambda self: datetime.now() + timedelta(minutes=59))  # noqa: DTZ005
    assert client.get(link).status_code == 302
    monkeypatch.setattr(generator, lambda self: datetime.now() + timedelta(minutes=61))  # noqa: DTZ005
    assert "Ссылка не подходит" in type(client)().get(link).content.decode()


def test_reset_letters_are_not_sent_in_a_row(client, anna, run_queue):
    ask_for_reset(client, run_queue)
    client.post(reverse("password_reset"), {"email": "anna@alpha.example"})
    run_queue()
    assert len(mail.outbox) == 1


def test_reset_letters_are_not_sent_in_a_row_by_two_processes(anna, clock):
    mail_password_reset(anna.pk)
    cache.clear()  # another process, with a memory of its own
    clock.advance(seconds=59)
    mail_password_reset(anna.pk)
    assert len(mail.outbox) == 1
    clock.advance(seconds=2)
    mail_password_reset(anna.pk)
    assert len(mail.outbox) == 2


@pytest.mark.django_db(transaction=True)
def test_parallel_reset_tasks_send_one_letter(anna):
    in_parallel(*[lambda: mail_password_reset(anna.pk)] * 4)
    assert len(mail.outbox) == 1


def test_reset_letter_of_one_account_does_not_hold_up_another(anna, boris):
    mail_password_reset(anna.pk)
    mail_password_reset(boris.pk)
    assert [letter.to for letter in mail.outbox] == [[anna.email], [boris.email]]


@pytest.mark.parametrize("email", ["anna@alpha.example", "nobody@alpha.example"])
def test_stranger_cannot_flood_the_queue_with_resets(client, anna, clock, email):
    def ask(address="203.0.113.5"):
        return client.post(reverse("password_reset"), {"email": email}, REMOTE_ADDR=address)

    within = [ask().url for _time in range(RESETS_AN_HOUR)]
    assert {ask().url for _time in range(3)} == set(within)
    assert len(queued()) == RESETS_AN_HOUR
    ask("203.0.113.6")
    assert len(queued()) == RESETS_AN_HOUR + 1
    clock.advance(hours=1)
    ask()
    assert len(queued()) == RESETS_AN_HOUR + 2


def test_reset_letter_may_be_asked_again_after_a_mail_failure(client, anna, run_queue, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    client.post(reverse("password_reset"), {"email": "anna@alpha.example"})
    run_queue()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert ask_for_reset(client, run_queue)


def test_reset_letter_escapes_the_name_in_html_only(client, run_queue, db):
    UserFactory(email="x@x.example", first_name="<b>Икс</b>", last_name="")
    ask_for_reset(client, run_queue, "x@x.example")
    [letter] = mail.outbox
    assert "<b>Икс</b>" in letter.body
    assert "&lt;b&gt;Икс" in letter.alternatives[0].content


# Error pages


def test_missing_page_has_a_way_back(client, db):
    response = client.get("/nothing/")
    assert response.status_code == 404
    assert 'href="/"' in response.content.decode()


def test_csrf_failure_has_words_of_its_own(anna):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    response = client.post(LOGIN, {"username": "anna", "password": PASSWORD})
    assert response.status_code == 403
    assert "Страница устарела" in response.content.decode()


def test_server_error_shows_no_internals(client, anna, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("portal.views.bot.link_state", fail)
    client.force_login(anna)
    client.raise_request_exception = False
    response = client.get("/telegram/")
    page = response.content.decode()
    assert response.status_code == 500
    assert "Что-то сломалось у нас" in page
    assert "secret detail" not in page


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/login/", ["Введите логин или почту.", "Введите пароль."]),
        (
            "/password/",
            [
                "Введите текущий пароль.",
                "Введите новый пароль.",
                "Введите новый пароль ещё раз.",
            ],
        ),
    ],
)
def test_empty_form_says_of_each_field_what_belongs_there(client, anna, path, words):
    if path != "/login/":
        client.force_login(anna)
    page = client.post(path, {}).content.decode()
    assert [word for word in words if page.count(word) != 2] == []  # in the summary, at the field
    assert "Обязательное поле" not in page


def test_reset_letters_to_one_account_are_three_an_hour(anna, clock):
    for _minute in range(59):
        mail_password_reset(anna.pk)
        clock.advance(seconds=61)
    assert len(mail.outbox) == 3
    clock.advance(minutes=3)
    mail_password_reset(anna.pk)
    assert len(mail.outbox) == 4


def test_reset_requests_are_counted_in_the_database(client, anna):
    for _time in range(RESETS_AN_HOUR):
        client.post(reverse("password_reset"), {"email": "nobody@alpha.example"})
    cache.clear()  # another process, with a memory of its own
    client.post(reverse("password_reset"), {"email": "anna@alpha.example"})
    assert len(queued()) == RESETS_AN_HOUR


def test_leaving_after_the_session_ended_is_no_dead_end(client, db):
    """The page is older than the session: what it sends is answered with the login."""
    assert client.post("/logout/").url == "/login/"
