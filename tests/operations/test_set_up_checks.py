"""`manage.py check` warns of what the desk's check-list has, and other commands do not."""

import re

import pytest
from django.core.checks import registry
from django.core.management import call_command

from telegram_bot.models import BotHeartbeat
from tests.database import gone
from tests.factories import AgentFactory


def warnings(capsys, *args: str) -> list[str]:
    call_command("check", *args)
    return sorted(set(re.findall(r"set_up\.W\d+", capsys.readouterr().err)))


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch):
    """What the command registers is gone after the test."""
    known = registry.registry.registered_checks
    monkeypatch.setattr(registry.registry, "registered_checks", set(known))


def test_new_installation(db, capsys, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert warnings(capsys) == [f"set_up.W00{number}" for number in range(1, 6)]


def test_what_is_set_is_not_warned_of(db, capsys, settings):
    settings.TELEGRAM_BOT_TOKEN = "1:a"
    settings.STAFF_EMAIL = "desk@support.example"
    assert warnings(capsys) == ["set_up.W001", "set_up.W002", "set_up.W003"]


def test_an_agent_with_an_e_mail_hears_of_new_tickets(db, capsys):
    assert "set_up.W004" in warnings(capsys)
    AgentFactory(is_superuser=True)
    assert "set_up.W004" not in warnings(capsys)


def test_settings_are_judged_without_the_database(db, capsys):
    BotHeartbeat.objects.create(bot_id=1, username="bot", seen_at="2026-11-01T00:00Z")
    assert "set_up.W005" in warnings(capsys)


@pytest.mark.django_db(transaction=True)
def test_absent_database_is_no_error(capsys):
    with gone():
        assert warnings(capsys) == ["set_up.W005"]


def test_channel_that_is_not_there_has_its_own_error(db, settings, monkeypatch):
    from tickets.delivery import channels

    settings.NOTICE_CHANNELS = ["nowhere.Channel"]
    channels.cache_clear()
    try:
        with pytest.raises(Exception, match=r"tickets\.E001"):
            call_command("check")
    finally:
        channels.cache_clear()
