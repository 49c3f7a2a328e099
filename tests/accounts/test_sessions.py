"""Where people are signed in: whose session it is, how long it lasts, how it ends."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session as OldSession
from django.test import Client
from django.utils import timezone

from accounts.models import Session
from accounts.sessions import SessionStore, end_sessions, sessions_of
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


def log_in(username: str, **extra) -> Client:
    client = Client(**extra)
    client.post("/login/", {"username": username, "password": PASSWORD})
    return client


def is_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def test_session_knows_whose_it_is_and_from_where(anna):
    log_in("anna", REMOTE_ADDR="203.0.113.5", HTTP_USER_AGENT=FIREFOX)
    [row] = sessions_of(anna)
    assert (row.user, row.address, row.browser) == (anna, "203.0.113.5", FIREFOX)


def test_reading_pages_writes_no_session(anna, django_assert_max_num_queries):
    client = log_in("anna")
    before = Session.objects.get().seen_at
    for path in ("/", "/profile/", "/groups/"):
        client.get(path)
    assert Session.objects.get().seen_at == before


@pytest.mark.parametrize(("person", "hours"), [("anna", 12), ("agent", 1)])
def test_idle_time_counts_from_the_last_page(person, hours, request, clock):
    client = log_in(request.getfixturevalue(person).username)
    for _page in range(3):
        clock.advance(hours=hours, minutes=-2)
        assert is_in(client)
    clock.advance(hours=hours, minutes=1)
    assert not is_in(client)


def test_who_becomes_a_customer_again_stays_for_twelve_hours(agent, clock):
    client = log_in(agent.username)
    assert is_in(client)
    agent.is_staff = False
    agent.save()
    assert is_in(client)
    clock.advance(hours=2)
    assert is_in(client)


def test_cookie_goes_on_with_the_session(anna, clock):
    client = log_in("anna")
    assert "sessionid" not in client.get("/profile/").cookies
    clock.advance(minutes=2)
    assert client.get("/profile/").cookies["sessionid"]["max-age"] == 12 * 3600


def test_end_of_sessions_spares_the_one_to_keep_and_other_people(anna, boris):
    first, second, other = log_in("anna"), log_in("anna"), log_in("boris")
    end_sessions(anna, keep=second.session.session_key)
    assert [is_in(client) for client in (first, second, other)] == [False, True, True]


def test_request_under_way_does_not_bring_an_ended_session_back(anna, clock, monkeypatch):
    client = log_in("anna")
    clock.advance(minutes=2)  # so that the page saves the session
    ended = monkeypatch.setattr
    ended(
        "portal.views.profile.sessions_of",
        lambda user, **given: end_sessions(user) or sessions_of(user, **given),
    )
    assert client.get("/profile/").status_code == 400
    monkeypatch.undo()
    assert not Session.objects.filter(user=anna).exists()


def test_deactivated_person_is_out_at_once(anna):
    client = log_in("anna")
    type(anna).objects.update(is_active=False)
    assert not is_in(client)


def test_upgrade_signs_nobody_out(anna):
    client = log_in("anna")
    strange = SessionStore()
    strange["draft"] = 1
    strange.create()
    migration = import_module("accounts.migrations.0008_sessions")
    migration.give_sessions_back(apps, None)
    OldSession.objects.create(
        session_key="unreadable", session_data="?", expire_date=timezone.now() + timedelta(hours=1)
    )
    assert not Session.objects.exists()
    migration.take_sessions_over(apps, None)
    assert not OldSession.objects.exists()
    assert is_in(client)
    assert sorted(Session.objects.values_list("user", flat=True), key=str) == [anna.pk, None, None]
