"""Logging in by password and code: no way leads past the second step, and no code goes twice."""

import re
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import RecoveryCode, SecurityEvent, Session, User
from accounts.second_factor import CODES, renew_codes
from accounts.security import UNKNOWN
from tests.factories import PASSWORD, AgentFactory
from tests.second_factor import add_second_factor, code_of
from tests.threads import in_parallel

pytestmark = pytest.mark.django_db
LOGIN, DESK, CODE = "/login/", "/admin/login/", reverse("second_step")
Kind = SecurityEvent.Kind


@pytest.fixture
def guarded(specialist):
    """An agent with an app."""
    add_second_factor(specialist)
    return specialist


@pytest.fixture
def specialist(agent):
    agent.groups.add(Group.objects.get(name="Специалист поддержки"))
    return agent


def give_password(client, person, door=LOGIN, **extra):
    return client.post(door, {"username": person.username, "password": PASSWORD} | extra)


def give_code(client, code, query=""):
    return client.post(CODE + query, {"otp": code})


def signed_in(client) -> str | None:
    return client.session.get("_auth_user_id")


def kinds(user):
    return list(user.security_events.order_by("pk").values_list("kind", flat=True))


@pytest.mark.parametrize("door", [LOGIN, DESK])
def test_password_alone_lets_nobody_in(client, guarded, door):
    answer = give_password(client, guarded, door)
    assert (answer.status_code, answer.url) == (302, CODE)
    assert signed_in(client) is None
    for path in ("/", "/admin/tickets/ticket/", "/admin/", "/profile/", "/profile/second-step/"):
        away = client.get(path, follow=True)
        assert away.redirect_chain[-1][0].startswith(("/login/?", "/admin/login/?")), path
    assert not Session.objects.filter(user=guarded).exists()


@pytest.mark.parametrize("door", [LOGIN, DESK])
def test_code_lets_in_where_one_wanted_to(client, guarded, door):
    give_password(client, guarded, door, next="/admin/accounts/user/?q=anna")
    answer = give_code(client, code_of(guarded))
    assert (answer.status_code, answer.url) == (302, "/admin/accounts/user/?q=anna")
    assert signed_in(client) == str(guarded.pk)
    assert client.get("/admin/tickets/ticket/").status_code == 200
    assert kinds(guarded) == [Kind.LOGIN]


@pytest.mark.parametrize(("door", "home"), [(LOGIN, "/"), (DESK, "/admin/")])
@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", ""])
def test_foreign_next_is_not_kept(client, guarded, door, home, target):
    give_password(client, guarded, door, next=target)
    assert give_code(client, code_of(guarded)).url == home


def test_session_has_another_key_after_each_step(client, guarded):
    client.get(LOGIN)
    client.session.save()
    planted = client.session
    planted["x"] = 1
    planted.save()
    keys = [client.session.session_key]
    give_password(client, guarded)
    keys.append(client.session.session_key)
    give_code(client, code_of(guarded))
    keys.append(client.session.session_key)
    assert len(set(keys)) == 3
    assert not Session.objects.filter(session_key__in=keys[:2]).exists()


@pytest.mark.parametrize("written", ["{}", " {} ", "{0[0]}{0[1]}{0[2]} {0[3]}{0[4]}{0[5]}"])
def test_code_is_taken_as_apps_show_it(client, guarded, written):
    give_password(client, guarded)
    assert give_code(client, written.format(code_of(guarded))).status_code == 302


@pytest.mark.parametrize("code", ["", "12345", "1234567", "ABCDEF", "١٢٣٤٥٦", "a" * 60, "1" * 61])
def test_what_is_no_code_is_refused(client, guarded, code):
    give_password(client, guarded)
    answer = give_code(client, code)
    assert answer.status_code == 200
    assert "otp" in answer.context["form"].errors
    assert signed_in(client) is None


@pytest.mark.parametrize(("steps", "is_good"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_clock_of_a_phone_may_be_half_a_minute_off(client, guarded, at, steps, is_good):
    give_password(client, guarded)
    give_code(client, code_of(guarded, at + steps * 30))
    assert (signed_in(client) is not None) == is_good


@pytest.fixture
def at(monkeypatch):
    """The time of codes stands still in the middle of a step."""
    monkeypatch.setattr("time.time", lambda: 1_800_000_015.0)
    return 1_800_000_015


def test_late_codes_do_not_let_the_window_drift(client, guarded, at, monkeypatch):
    give_password(client, guarded)
    give_code(client, code_of(guarded, at - 30))
    client.post("/logout/")
    give_password(client, guarded)
    monkeypatch.setattr("time.time", lambda: at + 120.0)
    give_code(client, code_of(guarded, at + 120 - 60))
    assert signed_in(client) is None


def test_code_works_once(client, guarded, at):
    """Nor does one from before it, which an onlooker may have seen, too."""
    code, older = code_of(guarded, at), code_of(guarded, at - 30)
    give_password(client, guarded)
    give_code(client, code)
    for used in (code, older):
        other = Client()
        give_password(other, guarded)
        assert "не подошёл" in give_code(other, used).content.decode()
        assert signed_in(other) is None


@pytest.mark.django_db(transaction=True)
def test_code_used_twice_at_once_lets_one_in(agent):
    add_second_factor(agent)
    clients = [Client(), Client()]  # a third makes six tries, one more than the limiter allows
    for client in clients:
        give_password(client, agent)
    code = code_of(agent)
    in_parallel(*(partial(give_code, client, code) for client in clients))
    assert sum(signed_in(client) is not None for client in clients) == 1


def test_code_without_the_password_is_nothing(client, guarded):
    answer = give_code(client, code_of(guarded))
    assert (answer.status_code, answer.url) == (302, LOGIN)
    assert signed_in(client) is None


def test_code_of_another_person_is_refused(client, guarded):
    other = AgentFactory()
    add_second_factor(other)
    give_password(client, guarded)
    give_code(client, code_of(other))
    assert signed_in(client) is None


def test_second_tab_as_another_person_takes_the_place_of_the_first(client, guarded):
    other = AgentFactory()
    add_second_factor(other)
    give_password(client, guarded)
    give_password(client, other)
    give_code(client, code_of(guarded))
    assert signed_in(client) is None
    give_code(client, code_of(other))
    assert signed_in(client) == str(other.pk)


def test_second_tab_finds_the_person_signed_in(client, guarded):
    give_password(client, guarded)
    give_code(client, code_of(guarded))
    assert client.get(CODE).url == "/"
    assert give_code(client, "000000").url == "/"


# What ends the wait between the steps


def test_wait_ends_after_ten_minutes(client, guarded, clock):
    give_password(client, guarded, next="/telegram/")
    clock.advance(minutes=10)
    answer = give_code(client, code_of(guarded))
    assert answer.url == "/login/?next=/telegram/"
    assert "Время на второй шаг вышло" in client.get(answer.url).content.decode()


def test_wait_ends_when_the_clock_goes_back(client, guarded, clock):
    give_password(client, guarded)
    clock.advance(hours=-1)
    give_code(client, code_of(guarded))
    assert signed_in(client) is None


def deactivate(person):
    User.objects.filter(pk=person.pk).update(is_active=False)


def change_password(person):
    person.set_password("Zelenyj-Chaj-2026")
    person.save()


@pytest.mark.parametrize("change", [deactivate, change_password])
def test_wait_ends_with_what_it_rested_on(client, guarded, change):
    give_password(client, guarded)
    change(guarded)
    give_code(client, code_of(guarded))
    assert signed_in(client) is None


def test_new_password_by_mail_does_not_spare_the_code(client, guarded, run_queue):
    client.post(reverse("password_reset"), {"email": guarded.email})
    run_queue()
    path = re.search(r"http://[^/\s]+(/\S+/)", mail.outbox[-1].body)[1]
    form = client.get(path, follow=True)
    new = "Zelenyj-Chaj-2026"
    client.post(form.redirect_chain[-1][0], {"new_password1": new, "new_password2": new})
    assert signed_in(client) is None
    client.post(LOGIN, {"username": guarded.username, "password": new})
    assert signed_in(client) is None
    give_code(client, code_of(guarded))
    assert signed_in(client) == str(guarded.pk)


# Guessing


def test_wrong_codes_and_passwords_count_together(client, guarded):
    for _time in range(2):
        client.post(LOGIN, {"username": guarded.username, "password": "wrong"})
    give_password(client, guarded)
    answers = [give_code(client, "000000").status_code for _time in range(3)]
    assert answers == [200, 429, 429]
    assert give_code(client, code_of(guarded)).status_code == 429
    assert signed_in(client) is None
    assert kinds(guarded)[2:] == [Kind.WRONG_CODE, Kind.WRONG_CODE, Kind.LOCKED]


def test_password_given_again_wins_no_tries(client, guarded):
    answers = []
    for _time in range(4):
        give_password(client, guarded)
        answers.append(give_code(client, "000000").status_code)
    assert 429 in answers
    assert give_password(Client(), guarded).status_code == 429


def test_pause_ends_by_itself(client, guarded, clock):
    for _time in range(6):
        give_password(client, guarded)
        give_code(client, "000000")
    clock.advance(minutes=16)
    give_password(client, guarded)
    assert give_code(client, code_of(guarded)).status_code == 302


def test_codes_do_not_reach_log_or_events(client, guarded, caplog):
    caplog.set_level(0)
    give_password(client, guarded)
    give_code(client, "987654")
    code = code_of(guarded)
    give_code(client, code)
    device = TOTPDevice.objects.get()
    said = caplog.text + str(list(SecurityEvent.objects.values()))
    assert not [word for word in ("987654", code, device.key) if word in said]


# Codes on paper


@pytest.fixture
def paper(guarded):
    return renew_codes(user=guarded, origin=UNKNOWN)


@pytest.mark.parametrize("written", [str.upper, lambda code: code.replace(" ", "-"), str.strip])
def test_code_on_paper_works_once(client, guarded, paper, run_queue, written):
    for number, expected in enumerate((str(guarded.pk), None)):
        other = Client()
        give_password(other, guarded)
        give_code(other, written(paper[3]), "?paper=1")
        assert signed_in(other) == expected, number
    assert RecoveryCode.objects.count() == CODES - 1
    assert Kind.RECOVERY_CODE_USED in kinds(guarded)
    mail.outbox.clear()
    run_queue()
    [letter] = [one for one in mail.outbox if one.subject == "Вход по одноразовому коду"]
    assert letter.to == [guarded.email]
    assert "Осталось кодов: 9" in letter.body


def test_codes_on_paper_are_kept_as_digests(paper):
    assert len(set(paper)) == CODES
    rows = str(list(RecoveryCode.objects.values()))
    assert not [code for code in paper if code in rows or code.replace(" ", "") in rows]


def test_code_on_paper_of_another_person_is_refused(client, guarded, paper):
    other = AgentFactory()
    add_second_factor(other)
    give_password(client, other)
    give_code(client, paper[0])
    assert signed_in(client) is None


# Who is asked


def test_customers_and_agents_without_an_app_are_not_asked(client, anna, agent):
    for person in (anna, agent):
        assert give_password(Client(), person).url == "/"


def test_customers_are_never_asked(client, anna, settings):
    settings.STAFF_2FA = True
    add_second_factor(anna)  # who was an agent once
    assert give_password(client, anna).url == "/"
    assert client.get("/").status_code == 200


@pytest.fixture
def demanded(settings):
    settings.STAFF_2FA = True


@pytest.mark.usefixtures("demanded")
class TestDemanded:
    def test_agent_without_an_app_sets_it_up_before_anything_else(self, client, specialist):
        give_password(client, specialist, DESK, next="/admin/accounts/user/")
        for path in ("/", "/admin/tickets/ticket/"):
            assert client.get(path).status_code == 302
        page = client.get(CODE)
        secret = client.session["second_factor_key"]
        assert page.context["secret"].replace(" ", "") in page.content.decode().replace(" ", "")
        [shown] = parse_qs(urlsplit(page.context["url"]).query)["secret"]
        assert shown == page.context["secret"].replace(" ", "")
        assert not TOTPDevice.objects.exists()
        answer = give_code(client, code_of(TOTPDevice(user=specialist, key=secret)))
        assert answer.status_code == 200
        assert len(answer.context["codes"]) == CODES
        assert 'href="/admin/accounts/user/"' in answer.content.decode()
        assert client.get("/admin/accounts/user/").status_code == 200
        assert kinds(specialist) == [Kind.SECOND_FACTOR_ON, Kind.LOGIN]
        assert "second_factor_key" not in client.session

    def test_wrong_code_sets_up_nothing(self, client, specialist):
        give_password(client, specialist)
        answer = give_code(client, "000000")
        assert "otp" in answer.context["form"].errors
        assert (signed_in(client), TOTPDevice.objects.count()) == (None, 0)
        assert not RecoveryCode.objects.exists()

    def test_reading_the_page_keeps_the_secret(self, client, specialist):
        give_password(client, specialist)
        assert client.get(CODE).context["url"] == client.get(CODE).context["url"]

    def test_two_browsers_have_two_secrets(self, client, specialist):
        """Whoever saw one before its owner put another in force knows nothing."""
        shown = set()
        for browser in (client, Client()):
            give_password(browser, specialist)
            shown.add(browser.get(CODE).context["url"])
        assert len(shown) == 2

    def test_session_from_before_is_nobodys(self, client, specialist, settings):
        settings.STAFF_2FA = False
        give_password(client, specialist)
        assert client.get("/admin/tickets/ticket/").status_code == 200
        settings.STAFF_2FA = True
        assert client.get("/admin/tickets/ticket/").url.startswith("/login/")
        assert signed_in(client) is None

    def test_customer_who_became_staff_logs_in_anew(self, client, anna):
        give_password(client, anna)
        assert client.get("/profile/").status_code == 200
        User.objects.filter(pk=anna.pk).update(is_staff=True)
        assert client.get("/profile/").url.startswith("/login/")

    def test_after_a_reset_between_the_steps_the_password_is_asked_again(self, client, specialist):
        add_second_factor(specialist)
        give_password(client, specialist)
        TOTPDevice.objects.all().delete()
        assert client.get(CODE).url.startswith("/login/")
