"""«Профиль»: a new e-mail and its confirmation, what follows changes, where one is signed in."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts import identity
from accounts.models import EmailChange, SecurityEvent, Session
from accounts.security import Origin
from tests.factories import PASSWORD, AgentFactory, UserFactory
from tests.portal.pages import text
from tickets.models import Delivery

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("logged_in")]
NEW = "anna@new.example"
Kind = SecurityEvent.Kind


def ask(client, email=NEW, password=PASSWORD):
    data = {"email": email, "password": password}
    return client.post(reverse("email_change"), data, follow=True)


def letters(run_queue):
    """What left since the last look: address and subject."""
    mail.outbox.clear()
    run_queue()
    return [(letter.to[0], letter.subject) for letter in mail.outbox]


def link(run_queue) -> str:
    run_queue()
    [letter] = [letter for letter in mail.outbox if letter.subject == "Подтвердите новую почту"]
    return re.search(r"http://127.0.0.1:8000(\S+)", letter.body)[1]


def kinds(user):
    events = SecurityEvent.objects.filter(user=user).exclude(kind__in=[Kind.LOGIN, Kind.LOGOUT])
    return list(events.order_by("pk").values_list("kind", flat=True))


def sign_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def is_in(client) -> bool:
    return client.get(reverse("profile")).status_code == 200


# A new e-mail


def test_old_email_is_in_force_until_the_new_one_is_confirmed(client, anna, run_queue):
    page = text(ask(client))
    assert f"{NEW} ждёт подтверждения." in page
    assert letters(run_queue) == [
        (NEW, "Подтвердите новую почту"),
        ("anna@alpha.example", "Запрошена смена почты"),
    ]
    anna.refresh_from_db()
    assert anna.email == "anna@alpha.example"
    client.post(reverse("logout"))
    client.post(reverse("password_reset"), {"email": NEW})
    assert letters(run_queue) == []


def test_link_changes_the_email_once_and_tells_both(client, anna, run_queue):
    other = sign_in(anna)
    ask(client)
    path = link(run_queue)
    assert NEW in text(client.get(path))
    assert is_in(other)
    assert "Почта подтверждена" in text(client.post(path, follow=True))
    anna.refresh_from_db()
    assert anna.email == NEW
    assert not is_in(other)
    assert letters(run_queue) == [("anna@alpha.example", "Почта изменена"), (NEW, "Почта изменена")]
    assert kinds(anna) == [Kind.EMAIL_ASKED, Kind.EMAIL_CONFIRMED]
    assert client.post(path).status_code == 410


def test_opening_the_link_changes_nothing(client, anna, run_queue):
    ask(client)
    for _scanner in range(3):
        assert client.get(link(run_queue)).status_code == 200
    anna.refresh_from_db()
    assert anna.email == "anna@alpha.example"


def test_wrong_password_asks_for_no_letter(client, anna, run_queue):
    page = text(ask(client, password="wrong"))
    assert "<title>Ошибка: " in page
    assert page.count("Неверный пароль.") == 2
    assert not EmailChange.objects.exists()
    assert letters(run_queue) == []


def test_stranger_with_a_mistyped_mailbox_cannot_confirm(client, boris, anna, run_queue):
    ask(client)
    path = link(run_queue)
    stranger = Client()
    assert stranger.post(path).url.startswith("/login/?next=/profile/email/")
    assert sign_in(boris).post(path).status_code == 403
    anna.refresh_from_db()
    assert anna.email == "anna@alpha.example"


@pytest.mark.parametrize("end", ["cancelled", "replaced", "late", "password", "forged"])
def test_link_ends(client, anna, run_queue, clock, end):
    ask(client)
    path = link(run_queue)
    if end == "cancelled":
        client.post(reverse("email_cancel"))
    elif end == "replaced":
        clock.advance(minutes=2)
        ask(client, "anna@other.example")
    elif end == "late":
        clock.advance(hours=25)
        client = sign_in(anna)
    elif end == "password":
        identity.note_new_password(user=anna, origin=Origin(session_key=client.session.session_key))
    else:
        path = path.replace(":", "0:")
    assert client.get(path).status_code == client.post(path).status_code == 410
    anna.refresh_from_db()
    assert anna.email == "anna@alpha.example"


def test_ended_request_is_not_offered_and_its_letter_does_not_leave(client, run_queue):
    ask(client)
    client.post(reverse("email_cancel"))
    assert "ждёт подтверждения" not in text(client.get(reverse("profile")))
    assert letters(run_queue) == [("anna@alpha.example", "Запрошена смена почты")]
    assert Delivery.objects.get(kind="email_confirm").state == Delivery.State.CANCELLED


def test_taken_email_is_told_to_its_owner_only(client, boris, run_queue):
    assert "Письмо отправляется" in text(ask(client, "BORIS@beta.example"))
    response = client.post(link(run_queue))
    assert response.status_code == 409
    assert "уже указана у другого аккаунта" in text(response)


def test_own_email_again_is_refused(client, anna):
    assert "уже указана" in text(ask(client, anna.email))


@pytest.mark.parametrize("email", ["", "anna", "a@localhost", "İ@c.example"])
def test_what_is_no_email_is_refused(client, email):
    assert "<title>Ошибка: " in text(ask(client, email))
    assert not EmailChange.objects.exists()


@pytest.mark.parametrize("email", ["\u200bz@c.example", " a@почта.рф ", "a+b@c.example"])
def test_what_is_an_email_is_taken(client, email):
    ask(client, email)
    assert EmailChange.objects.get().email == email.replace("\u200b", "").strip()


def test_nobody_fills_a_strangers_mailbox(client, anna, clock, run_queue):
    asked = 0
    for number in range(40):
        ask(client, f"victim{number % 2}@new.example")
        asked += len([to for to, _subject in letters(run_queue) if to.startswith("victim")])
        clock.advance(seconds=61)
    assert asked == 3
    assert "Следующее можно попросить через" in text(ask(client, "third@new.example"))


def test_same_request_twice_is_one(client, run_queue):
    for _press in range(2):
        assert "Письмо отправляется" in text(ask(client))
    assert len(letters(run_queue)) == 2


def test_link_is_sent_again_on_request(client, run_queue, clock):
    ask(client)
    letters(run_queue)
    page = text(client.post(reverse("email_resend"), follow=True))
    assert "через 1 мин" in page
    clock.advance(minutes=2)
    assert "ещё раз" in text(client.post(reverse("email_resend"), follow=True))
    assert letters(run_queue) == [(NEW, "Подтвердите новую почту")]
    assert client.post(link(run_queue)).status_code == 302


def test_login_that_is_the_old_email_goes_along(client, anna, run_queue):
    anna.username = anna.email
    anna.save()
    ask(client)
    client.post(link(run_queue))
    anna.refresh_from_db()
    assert anna.username == NEW


def test_reset_link_to_the_old_mailbox_ends_with_the_change(client, anna, run_queue):
    Client().post(reverse("password_reset"), {"email": anna.email})
    run_queue()
    reset = re.search(r"http://127.0.0.1:8000(\S+)", mail.outbox[-1].body)[1]
    ask(client)
    client.post(link(run_queue))
    assert "Ссылка не подходит" in text(Client().get(reset))


def test_no_letter_row_or_task_holds_the_link(client, run_queue):
    ask(client)
    token = link(run_queue).split("/")[-2]
    assert token not in str(list(Delivery.objects.values()))
    assert NEW not in str(list(SecurityEvent.objects.values()))


# Of somebody else


def test_mailbox_named_by_an_administrator_confirms_without_a_login(anna, run_queue):
    root = AgentFactory(is_superuser=True)
    identity.request_email_change(user=anna, email=NEW, origin=Origin(root))
    browser = Client()
    assert browser.post(link(run_queue)).url == reverse("login")
    anna.refresh_from_db()
    assert anna.email == NEW


# Password, phone, link


def test_new_password_is_told_recorded_and_ends_other_sessions(client, anna, run_queue):
    other = sign_in(anna)
    new = "Zelenyj-Chaj-2026"
    data = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    client.post(reverse("password_change"), data)
    assert (is_in(client), is_in(other)) == (True, False)
    assert Session.objects.filter(user=anna).count() == 1
    assert letters(run_queue) == [(anna.email, "Пароль изменён")]
    assert kinds(anna) == [Kind.PASSWORD_CHANGED]


def test_password_set_by_a_link_ends_all_sessions(client, anna, run_queue):
    stranger = Client()
    stranger.post(reverse("password_reset"), {"email": anna.email})
    run_queue()
    path = re.search(r"http://127.0.0.1:8000(\S+)", mail.outbox[-1].body)[1]
    new = "Zelenyj-Chaj-2026"
    stranger.post(stranger.get(path).url, {"new_password1": new, "new_password2": new})
    assert not is_in(client)
    assert kinds(anna) == [Kind.RESET_ASKED, Kind.RESET_MAILED, Kind.PASSWORD_RESET]
    assert letters(run_queue) == [(anna.email, "Пароль изменён")]


@pytest.mark.parametrize(
    ("page", "kind", "subject"),
    [
        ("bot_unlink", Kind.UNLINKED, "Telegram отвязан от вашего аккаунта"),
        ("bot_withdraw", Kind.CONSENT_WITHDRAWN, "Согласие отозвано"),
        ("bot_phone", Kind.PHONE_CHANGED, "Номер телефона изменён"),
    ],
)
def test_end_of_a_link_is_told_recorded_and_ends_other_sessions(
    client, linked, run_queue, page, kind, subject
):
    other = sign_in(linked)
    data = {"phone": "+79031112233", "consent": "on", "password": PASSWORD}
    client.post(reverse(page), data)
    assert (is_in(client), is_in(other)) == (True, False)
    assert kinds(linked) == [kind]
    assert letters(run_queue) == [(linked.email, subject)]


@pytest.mark.parametrize("password", ["", "wrong"])
def test_another_phone_needs_the_password(client, linked, password):
    data = {"phone": "+79031112233", "consent": "on", "password": password}
    assert "<title>Ошибка: " in text(client.post(reverse("bot_phone"), data))
    client.post(reverse("bot_withdraw"))  # no way around
    assert "<title>Ошибка: " in text(client.post(reverse("bot_registration"), data))
    assert not linked.registrations.filter(phone="+79031112233").exists()


def test_same_phone_after_a_withdrawal_needs_no_password(client, linked):
    client.post(reverse("bot_withdraw"))
    client.post(reverse("bot_registration"), {"phone": "+79161234567", "consent": "on"})
    assert linked.registrations.filter(withdrawn_at=None).exists()


# Where one is signed in


def test_sessions_are_listed_and_the_current_one_is_marked(client, anna, boris):
    other = Client(REMOTE_ADDR="198.51.100.7", HTTP_USER_AGENT="… Chrome/120 Windows …")
    other.post("/login/", {"username": "anna", "password": PASSWORD})
    Client(REMOTE_ADDR="198.51.100.8").post("/login/", {"username": "boris", "password": PASSWORD})
    page = text(client.get(reverse("profile")))
    assert "Chrome, Windows" in page
    assert "198.51.100.7" in page
    assert "198.51.100.8" not in page
    assert page.count("это устройство") == 1
    assert other.session.session_key not in page
    assert client.session.session_key not in page


def test_session_of_this_browser_stands_first(client, anna):
    for number in range(3):
        Client(REMOTE_ADDR=f"198.51.100.{number}").post(
            "/login/", {"username": "anna", "password": PASSWORD}
        )
    page = text(client.get(reverse("profile")))
    assert page.index("это устройство") < page.index("198.51.100.")


def test_exit_on_all_devices(client, anna, boris):
    other, foreign = sign_in(anna), sign_in(boris)
    assert "Вы вышли на всех устройствах" in text(
        client.post(reverse("end_all_sessions"), follow=True)
    )
    assert [is_in(browser) for browser in (client, other, foreign)] == [False, False, True]
    assert kinds(anna) == [Kind.SESSIONS_ENDED]


@pytest.mark.parametrize("page", ["end_all_sessions", "email_cancel", "email_resend"])
def test_changes_need_post(client, anna, page):
    """After a login the browser asks for the address of the form that was lost."""
    ask(client)
    before = kinds(anna)
    assert client.get(reverse(page)).url == reverse("profile")
    assert kinds(anna) == before


@pytest.mark.parametrize("rows", [1, 3])
def test_profile_queries(client, anna, rows, django_assert_num_queries):
    for _row in range(rows):
        sign_in(anna)
    ask(client)
    with django_assert_num_queries(7):
        client.get(reverse("profile"))


def test_letters_about_an_account_do_not_loop_and_escape_in_html_only(run_queue):
    user = UserFactory(first_name="<b>Икс</b>")
    identity.note_new_password(user=user, origin=Origin())
    run_queue()
    [letter] = mail.outbox
    assert letter.extra_headers["Auto-Submitted"] == "auto-generated"
    assert "<b>Икс</b>" in letter.body
    assert "&lt;b&gt;Икс&lt;/b&gt;" in letter.alternatives[0][0]


def test_page_leads_to_ones_own_data(client):
    assert f'href="{reverse("personal_data")}"' in client.get(reverse("profile")).text
