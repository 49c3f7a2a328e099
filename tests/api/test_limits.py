"""How often programs may call, and how they are told."""

import re

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from api import limits
from tests.api.conftest import Program, program_of, token_of
from tests.threads import in_parallel

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _begin_of_a_minute(clock):
    clock.advance(seconds=60 - timezone.now().timestamp() % 60)


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    monkeypatch.setattr("api.base.USER", limits.Limit("user", 4))
    monkeypatch.setattr("api.base.ANONYMOUS", limits.Limit("anonymous", 3))


def statuses(program, count, path="me/"):
    return [program.get(path).status_code for _time in range(count)]


def test_numbers_are_those_of_the_rules():
    assert (limits.ANONYMOUS.calls, limits.USER.calls, limits.WINDOW) == (20, 120, 60)


def test_program_is_told_how_much_is_left(annas):
    answer = annas.get("me/")
    assert answer["RateLimit-Policy"] == '"user";q=4;w=60'
    left, seconds = re.fullmatch(r'"user";r=(\d+);t=(\d+)', answer["RateLimit"]).groups()
    assert (left, 50 < int(seconds) <= 60) == ("3", True)


def test_too_many_calls_wait_for_the_next_minute(annas, clock):
    assert statuses(annas, 5) == [200] * 4 + [429]
    answer = annas.get("tickets/")
    assert answer.json()["code"] == "too_many_requests"
    assert 0 < int(answer["Retry-After"]) <= 60
    assert answer["RateLimit"].startswith('"user";r=0;t=')
    clock.advance(seconds=int(answer["Retry-After"]))
    assert statuses(annas, 1) == [200]


def test_each_token_is_counted_by_itself(anna, boris):
    statuses(program_of(anna), 5)
    assert statuses(program_of(anna), 1) == [200]
    assert statuses(program_of(boris), 1) == [200]


def test_sessions_of_a_person_are_one(anna):
    for count in (3, 1):
        browser = Client()
        browser.force_login(anna)
        for _time in range(count):
            assert browser.get("/api/v1/me/").status_code == 200
    assert browser.get("/api/v1/me/").status_code == 429


def test_wrong_tokens_and_none_are_strangers(stranger):
    assert [Program(f"vks_{number}").get("me/").status_code for number in range(3)] == [401] * 3
    answer = stranger.get("tickets/")
    assert (answer.status_code, answer["RateLimit-Policy"]) == (429, '"anonymous";q=3;w=60')
    assert "WWW-Authenticate" not in answer


def test_stranger_who_is_stopped_learns_nothing_of_a_token(anna, stranger):
    """The right one among many guesses is let in, as ever: it is counted by itself."""
    statuses(stranger, 4)
    assert Program("vks_wrong").get("me/").status_code == 429
    assert Program(token_of(anna)).get("me/").status_code == 200


def test_address_is_the_one_behind_our_proxy(stranger, settings):
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    for last in range(4):
        answer = stranger.get("me/", **{"X-Forwarded-For": f"2001:db8::{last}"})
    assert answer.status_code == 429  # one customer has the whole network
    other = stranger.get("me/", **{"X-Forwarded-For": "2001:db8:1::1"})
    assert other.status_code == 401


def test_refused_calls_count(annas):
    answers = [annas.get("nowhere/"), annas.post("tickets/", b"{"), annas.get("tickets/?x=1")]
    assert [answer["RateLimit"][:10] for answer in answers] == [f'"user";r={n}' for n in (3, 2, 1)]


def test_clock_that_goes_back_lets_nobody_wait_longer(annas, clock):
    statuses(annas, 5)
    clock.advance(hours=-1)
    assert statuses(annas, 5) == [200] * 4 + [429]
    assert int(annas.get("me/")["Retry-After"]) <= 60


def test_without_the_cache_calls_are_answered(annas, monkeypatch):
    def fail(*_args, **_given):
        raise ConnectionError

    monkeypatch.setattr(cache, "add", fail)
    answer = annas.get("me/")
    assert (answer.status_code, "RateLimit" in answer) == (200, False)


@pytest.mark.django_db(transaction=True)
def test_calls_at_once_are_all_counted(anna):
    """What reads a count and writes it back lets through as many as come at once."""
    token = token_of(anna)
    answers = in_parallel(*[lambda: Program(token).get("me/")] * 12)
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [429] * 8
