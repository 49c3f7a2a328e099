"""The second step of others, reset at the desk: recorded, told, and not of whoever has more."""

import pytest
from django.contrib import admin
from django.core import mail
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import RecoveryCode, SecurityEvent
from tests.desk.test_people import change
from tests.factories import PASSWORD, AgentFactory
from tests.second_factor import add_second_factor

pytestmark = pytest.mark.django_db


def page_of(person):
    return reverse("admin:accounts_user_second_step", args=[person.pk])


@pytest.fixture
def guarded(agent):
    add_second_factor(agent)
    RecoveryCode.objects.create(user=agent, digest="x")
    return agent


def test_administrator_resets_it(office, administrator, guarded, run_queue):
    session = Client()
    session.force_login(guarded)
    card = reverse("admin:accounts_user_change", args=[guarded.pk])
    assert page_of(guarded) in office.get(card).content.decode()
    assert "Сбросить второй шаг" in office.get(page_of(guarded)).content.decode()
    assert TOTPDevice.objects.exists()
    assert office.post(page_of(guarded)).url == card
    assert (TOTPDevice.objects.count(), RecoveryCode.objects.count()) == (0, 0)
    assert session.get("/profile/").status_code == 302
    event = SecurityEvent.objects.get(kind=SecurityEvent.Kind.SECOND_FACTOR_RESET)
    assert (event.user, event.actor) == (guarded, administrator)
    run_queue()
    assert [(one.to, one.subject) for one in mail.outbox] == [
        ([guarded.email], "Второй шаг входа сброшен")
    ]
    assert page_of(guarded) not in office.get(card).content.decode()


def test_sent_twice_it_is_reset_and_told_once(office, guarded, run_queue):
    office.post(page_of(guarded))
    answer = office.post(page_of(guarded), follow=True)
    assert "сбрасывать нечего" in answer.content.decode()
    run_queue()
    assert len(mail.outbox) == 1


def test_password_is_enough_after_a_reset(office, guarded):
    office.post(page_of(guarded))
    other = Client()
    other.post("/login/", {"username": guarded.username, "password": PASSWORD})
    assert other.session["_auth_user_id"] == str(guarded.pk)


def test_ones_own_is_reset_by_another(office, administrator):
    add_second_factor(administrator)
    assert office.post(page_of(administrator)).status_code == 403
    assert TOTPDevice.objects.exists()


def test_nobody_resets_it_for_whoever_has_more(office, superuser):
    add_second_factor(superuser)
    assert office.post(page_of(superuser)).status_code == 403
    assert office.get(page_of(superuser)).status_code == 403
    assert TOTPDevice.objects.exists()


@pytest.mark.parametrize("name", ["specialist", "head"])
def test_only_who_manages_staff_resets_it(client, request, name):
    colleague = AgentFactory()
    add_second_factor(colleague)
    client.force_login(request.getfixturevalue(name))
    assert client.post(page_of(colleague)).status_code == 403
    assert TOTPDevice.objects.exists()


def test_secrets_have_no_page_at_the_desk(root_desk):
    registered = {model._meta.label for model in admin.site._registry}
    assert not registered & {"otp_totp.TOTPDevice", "accounts.RecoveryCode", "accounts.Session"}
    assert root_desk.get("/admin/otp_totp/totpdevice/").status_code == 404


def test_who_becomes_staff_logs_in_as_staff_does(office, boris):
    """Where they had an app before, an open session would never have passed the second step."""
    session = Client()
    session.force_login(boris)
    add_second_factor(boris)
    change(office, boris, is_staff="on")
    assert session.get("/profile/").status_code == 302
