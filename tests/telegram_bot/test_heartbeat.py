"""The bot is ready while it hears Telegram, not while it only lives."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from telegram_bot.channel import TelegramChannel
from telegram_bot.management.commands.runbot import RunningBot
from tests.telegram_bot.bot import Bot

NOT_RUNNING = "bot not running"
ADDRESS = "http://127.0.0.1:9/telegram"


class Monotonic:
    """The monotonic clock, moved together with Django's."""

    def __init__(self, bot: Bot) -> None:
        self._clock = bot.clock

    def __call__(self) -> float:
        return 1000 + self._clock.moved / timedelta(seconds=1)


@pytest.fixture
def run(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Start a bot, let two minutes pass, do something: what is wrong with the channel then."""
    monotonic = Monotonic(bot)
    monkeypatch.setattr("telegram_bot.intake.monotonic", monotonic)
    monkeypatch.setattr("telegram_bot.management.commands.runbot.monotonic", monotonic)

    def run(action: Callable[[RunningBot], Any], *, exclusive: bool = True) -> list[str]:
        running = RunningBot(exclusive=exclusive)

        async def live() -> None:
            async with running.application as application:
                await running._start(application)
                bot.clock.advance(minutes=2)
                await action(running)
                await running._beat()
                await running._stop(application)

        async_to_sync(live)()
        return TelegramChannel().problems()

    return run


async def poll(running: RunningBot) -> None:
    await running.application.bot.get_updates(timeout=0)


async def look(running: RunningBot) -> None:
    await running._check_telegram()


async def set_webhook(running: RunningBot) -> None:
    await running.application.bot.set_webhook(ADDRESS, secret_token="s" * 32)
    await look(running)
    await running.application.bot.delete_webhook()


def test_polls_keep_the_bot_ready(run) -> None:
    assert run(poll) == []


def test_bot_whose_polls_fail_is_not_ready(run, telegram) -> None:
    async def fail(running: RunningBot) -> None:
        telegram.fault("500", method="getUpdates")
        with pytest.raises(Exception, match="Internal Server Error"):
            await poll(running)

    assert run(fail) == [NOT_RUNNING]


def test_poller_is_not_ready_because_telegram_knows_its_token(run) -> None:
    assert run(look) == [NOT_RUNNING]


@pytest.mark.parametrize(
    ("minutes", "action", "fails"), [(1, look, False), (4, look, True), (4, poll, False)]
)
def test_bot_whose_polling_has_ended_does_not_stay(run, bot, minutes, action, fails) -> None:
    """The two minutes of `run` have passed before."""
    said: list[str] = []

    async def wait_and_look(running: RunningBot) -> None:
        running.application.stop_running = lambda: said.append(running.failure)
        bot.clock.advance(minutes=minutes)
        await action(running)
        await look(running)

    run(wait_and_look)
    assert [bool(text) for text in said] == [True] * (2 if fails else 0)


def test_webhook_that_telegram_knows_keeps_the_bot_ready(run, settings) -> None:
    settings.TELEGRAM_WEBHOOK_URL = ADDRESS
    assert run(set_webhook, exclusive=False) == []


def test_webhook_that_somebody_took_away_does_not(run, settings) -> None:
    settings.TELEGRAM_WEBHOOK_URL = ADDRESS
    assert run(look, exclusive=False) == [NOT_RUNNING]
