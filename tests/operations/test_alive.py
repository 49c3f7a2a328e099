"""What the health checks of containers ask."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from telegram_bot.models import BotHeartbeat
from tickets.readiness import stamp_worker

pytestmark = pytest.mark.django_db


def beat() -> None:
    BotHeartbeat.objects.update_or_create(
        bot_id=1, defaults={"username": "bot", "seen_at": timezone.now()}
    )


@pytest.mark.parametrize(("process", "show"), [("bot", beat), ("worker", stamp_worker)])
def test_process_that_fell_silent_is_told(process, show, clock) -> None:
    show()
    call_command("alive", process)

    clock.advance(minutes=3)

    with pytest.raises(CommandError, match=process):
        call_command("alive", process)

    show()
    call_command("alive", process)


def test_bot_that_never_was_is_not_alive() -> None:
    with pytest.raises(CommandError, match="bot"):
        call_command("alive", "bot")


def test_worker_of_a_new_installation_gets_its_time(clock) -> None:
    call_command("alive", "worker")
    clock.advance(minutes=1)
    call_command("alive", "worker")
    clock.advance(minutes=2)

    with pytest.raises(CommandError, match="worker"):
        call_command("alive", "worker")
