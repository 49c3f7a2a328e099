"""«Второй шаг входа» in the profile: switched on, off, renewed, each with the password and told."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import RecoveryCode, SecurityEvent, Session
from accounts.second_factor import CODES
from tests.factories import PASSWORD
from tests.portal.pages import text
from tests.second_factor import add_second_factor, code_of

pytestmark = pytest.mark.django_db
ON, APP = reverse("second_factor_on"), reverse("second_factor_app")
NEW_CODES, OFF = reverse("second_factor_codes"), reverse("second_factor_off")
PROFILE = "/profile/"
Kind = SecurityEvent.Kind


@pytest.fixture
def olga(client, agent):
    client.force_login(agent)
    return client


def kinds(user):
    events = user.security_events.exclude(kind=Kind.LOGIN)
    return list(events.order_by("pk").values_list("kind", flat=True))


def letters(run_queue):
    mail.outbox.clear()
    run_queue()
    return [(letter.to[0], letter.subject) for letter in mail.outbox]


def begin(client, password=PASSWORD):
    return client.post(ON, {"password": password})


def new_code(client, agent):
    return code_of(TOTPDevice(user=agent, key=client.session["second_factor_key"]))


def test_agent_switches_it_on(olga, agent, run_queue):
    elsewhere = Client()
    elsewhere.force_login(agent)
    assert begin(olga).url == APP
    assert not TOTPDevice.objects.exists()
    answer = olga.post(APP, {"otp": new_code(olga, agent)})
    codes = answer.context["codes"]
    assert len(codes) == CODES
    assert all(code in answer.content.decode() for code in codes)
    assert "no-store" in answer["Cache-Control"]
    assert olga.get(PROFILE).status_code == 200
    assert elsewhere.get(PROFILE).status_code == 302
    assert kinds(agent) == [Kind.SECOND_FACTOR_ON]
    assert letters(run_queue) == [(agent.email, "Второй шаг входа включён")]
    page = text(olga.get(PROFILE))
    assert "Осталось одноразовых кодов: 10" in page
    assert not [code for code in codes if code in page]


def test_code_that_switched_it_on_does_not_let_in(olga, agent):
    begin(olga)
    code = new_code(olga, agent)
    olga.post(APP, {"otp": code})
    other = Client()
    other.post("/login/", {"username": agent.username, "password": PASSWORD})
    other.post(reverse("second_step"), {"otp": code})
    assert "_auth_user_id" not in other.session


def test_form_sent_twice_switches_it_on_once(olga, agent):
    begin(olga)
    code, session = new_code(olga, agent), olga.session
    key = session["second_factor_key"]
    olga.post(APP, {"otp": code})
    before = set(RecoveryCode.objects.values_list("digest", flat=True))
    assert olga.post(APP, {"otp": code}).url == PROFILE
    session = olga.session  # as if both came at once
    session["second_factor_key"] = key
    session.save()
    assert "Второй шаг уже включён" in text(olga.post(APP, {"otp": code}, follow=True))
    assert set(RecoveryCode.objects.values_list("digest", flat=True)) == before
    assert kinds(agent) == [Kind.SECOND_FACTOR_ON]


def test_wrong_code_switches_nothing_on(olga, agent):
    begin(olga)
    answer = olga.post(APP, {"otp": "000000"})
    assert "otp" in answer.context["form"].errors
    assert (TOTPDevice.objects.count(), RecoveryCode.objects.count()) == (0, 0)
    assert kinds(agent) == []


@pytest.mark.parametrize("page", [ON, NEW_CODES, OFF])
def test_each_act_asks_for_the_password(olga, agent, page):
    device = add_second_factor(agent)
    for password in ("", "wrong"):
        answer = olga.post(page, {"password": password})
        assert "password" in answer.context["form"].errors
    device.refresh_from_db()
    assert "second_factor_key" not in olga.session
    assert not RecoveryCode.objects.exists()


def test_page_of_the_app_is_reached_by_the_password_only(olga):
    assert olga.get(APP).url == PROFILE
    assert olga.post(APP, {"otp": "000000"}).url == PROFILE


@pytest.mark.parametrize("page", [ON, APP, NEW_CODES, OFF])
def test_customers_have_none_of_its_pages(client, anna, page):
    client.force_login(anna)
    assert client.get(page).status_code == 404
    assert client.post(page, {"password": PASSWORD}).status_code == 404
    assert "Второй шаг" not in text(client.get(PROFILE))


def test_another_phone_takes_the_place_of_the_first(olga, agent):
    old = add_second_factor(agent)
    begin(olga)
    assert TOTPDevice.objects.get() == old
    olga.post(APP, {"otp": new_code(olga, agent)})
    assert TOTPDevice.objects.get().key != old.key


def test_wrong_code_leaves_the_first_phone(olga, agent):
    old = add_second_factor(agent)
    begin(olga)
    olga.post(APP, {"otp": "000000"})
    assert TOTPDevice.objects.get() == old


def test_agent_switches_it_off(olga, agent, run_queue):
    add_second_factor(agent)
    elsewhere = Client()
    elsewhere.force_login(agent)
    olga.post(NEW_CODES, {"password": PASSWORD})
    letters(run_queue)
    assert olga.post(OFF, {"password": PASSWORD}).url == PROFILE
    assert (TOTPDevice.objects.count(), RecoveryCode.objects.count()) == (0, 0)
    assert olga.get(PROFILE).status_code == 200
    assert elsewhere.get(PROFILE).status_code == 302
    assert kinds(agent) == [Kind.CODES_RENEWED, Kind.SECOND_FACTOR_OFF]
    assert letters(run_queue) == [(agent.email, "Второй шаг входа отключён")]
    assert "уже был отключён" in text(olga.post(OFF, {"password": PASSWORD}, follow=True))
    assert kinds(agent) == [Kind.CODES_RENEWED, Kind.SECOND_FACTOR_OFF]


def test_where_all_need_it_it_cannot_be_switched_off(client, agent, settings):
    add_second_factor(agent)
    settings.STAFF_2FA = True
    client.post("/login/", {"username": agent.username, "password": PASSWORD})
    client.post(reverse("second_step"), {"otp": code_of(agent)})
    assert OFF not in client.get(PROFILE).content.decode()
    assert "отключить его нельзя" in text(client.get(OFF))
    assert "отключить его нельзя" in text(client.post(OFF, {"password": PASSWORD}))
    assert TOTPDevice.objects.exists()


def test_new_codes_replace_those_before(olga, agent, run_queue):
    add_second_factor(agent)
    first = olga.post(NEW_CODES, {"password": PASSWORD}).context["codes"]
    second = olga.post(NEW_CODES, {"password": PASSWORD}).context["codes"]
    assert not set(first) & set(second)
    assert RecoveryCode.objects.count() == CODES
    assert letters(run_queue) == [(agent.email, "Созданы новые одноразовые коды")] * 2


def test_codes_form_sent_twice_makes_them_once(olga, agent):
    add_second_factor(agent)
    sent = {"password": PASSWORD, "key": "8c0b7a52-6a3c-4f6d-9b5d-0f3f6f0a1b2c"}
    codes = olga.post(NEW_CODES, sent).context["codes"]
    assert "показываются один раз" in text(olga.post(NEW_CODES, sent, follow=True))
    other = Client()
    other.post("/login/", {"username": agent.username, "password": PASSWORD})
    other.post(reverse("second_step"), {"otp": codes[9]})
    assert other.session["_auth_user_id"] == str(agent.pk)


def test_without_it_there_are_no_codes(olga):
    olga.post(NEW_CODES, {"password": PASSWORD})
    assert not RecoveryCode.objects.exists()
    assert "не включён" in text(olga.get(NEW_CODES))


def test_secret_is_in_no_page_afterwards(olga, agent):
    begin(olga)
    secret = olga.get(APP).context["secret"]
    olga.post(APP, {"otp": new_code(olga, agent)})
    for page in (PROFILE, ON, NEW_CODES, OFF, APP):
        assert secret not in olga.get(page, follow=True).content.decode()
    assert not [row for row in Session.objects.all() if "second_factor_key" in row.get_decoded()]


@pytest.mark.parametrize("codes", [1, 3])
def test_profile_query_count(olga, agent, django_assert_num_queries, codes):
    add_second_factor(agent)
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=agent, digest=str(number)) for number in range(codes)
    )
    olga.get(PROFILE)
    # session, person, e-mail that waits, sessions, its app, codes on paper; of every page 2
    with django_assert_num_queries(8):
        olga.get(PROFILE)
