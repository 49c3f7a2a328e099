"""A bot is not taken away from whoever it serves: by a start that polls, or by another webhook."""

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.core.management.base import CommandError
from telegram.error import InvalidToken

from config import start
from telegram_bot.management.commands import runbot
from telegram_bot.management.commands.runbot import RunningBot, require_no_webhook
from tests.telegram_bot.bot import Bot
from tickets.leases import take_lease

ADDRESS = "http://127.0.0.1:9/telegram"


def begin(*, exclusive: bool = True, **given: bool) -> None:
    running = RunningBot(exclusive=exclusive, **given)

    async def live() -> None:
        async with running.application as application:
            await running._start(application)
            await running._stop(application)

    async_to_sync(live)()


def ask(running: RunningBot) -> None:
    async def live() -> None:
        async with running.application as application:
            await require_no_webhook(application.bot)

    async_to_sync(live)()


@pytest.fixture
def webhook(bot: Bot):
    """Another process has told Telegram where the bot is."""
    running = RunningBot(exclusive=False)

    def call(method: str, **fields: str):
        async def live():
            async with running.application as application:
                return await getattr(application.bot, method)(**fields)

        return async_to_sync(live)()

    call("set_webhook", url=ADDRESS, secret_token="s" * 32)
    yield lambda: call("get_webhook_info").url
    call("delete_webhook")


def test_poll_is_refused_and_names_the_option(webhook) -> None:
    with pytest.raises(CommandError, match=r"вебхуку \(127\.0\.0\.1:9\).*runbot --take-over"):
        begin()

    assert webhook() == ADDRESS


def test_option_starts_all_the_same(webhook) -> None:
    begin(take_over=True)


def test_bot_without_a_webhook_polls(bot: Bot) -> None:
    begin()


@pytest.mark.parametrize("fault", ["500", "429"])
def test_question_is_asked_until_it_is_answered(bot: Bot, telegram, monkeypatch, fault) -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    telegram.fault(fault, method="getWebhookInfo", times=2)
    running = RunningBot(exclusive=True)
    monkeypatch.setattr(runbot.asyncio, "sleep", note)

    ask(running)

    assert waits == [2.0, 4.0]


def test_token_that_is_no_more_ends_the_question() -> None:
    class Revoked:
        async def get_webhook_info(self):
            raise InvalidToken

    with pytest.raises(InvalidToken):
        async_to_sync(require_no_webhook)(Revoked())


@pytest.mark.parametrize(
    ("own", "named"),
    [
        ("https://bot.example.com/telegram", r"вебхуку \(127\.0\.0\.1:9\)"),
        ("http://127.0.0.1:9/other", r"вебхуку \(127\.0\.0\.1:9/telegram\)"),
    ],
)
def test_webhook_of_others_is_not_replaced_silently(webhook, settings, own, named) -> None:
    settings.TELEGRAM_WEBHOOK_URL = own

    with pytest.raises(CommandError, match=rf"{named}.*runbot --webhook --take-over"):
        begin(exclusive=False)

    assert webhook() == ADDRESS
    begin(exclusive=False, take_over=True)


def test_bots_behind_one_webhook_are_no_strangers(webhook, settings) -> None:
    settings.TELEGRAM_WEBHOOK_URL = ADDRESS

    begin(exclusive=False)


@pytest.fixture
def served_by_webhook(settings, monkeypatch):
    """What `runbot --webhook` needs; the server itself is not started."""
    settings.TELEGRAM_BOT_TOKEN = "1:a"
    settings.TELEGRAM_WEBHOOK_URL = ADDRESS
    settings.TELEGRAM_WEBHOOK_SECRET = "s" * 32
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    monkeypatch.setattr(start, "close_to_others", lambda: None)
    started: list[bool] = []
    monkeypatch.setattr(RunningBot, "run_webhook", lambda bot: started.append(bot.take_over))
    return started


@pytest.mark.django_db
def test_webhook_does_not_end_a_poll_silently(served_by_webhook) -> None:
    take_lease("poller:1", "elsewhere:7", runbot.POLLER_LEASE)

    with pytest.raises(CommandError, match=r"elsewhere:7.*runbot --webhook --take-over"):
        call_command("runbot", "--webhook")
    assert served_by_webhook == []

    call_command("runbot", "--webhook", "--take-over")
    assert served_by_webhook == [True]


@pytest.mark.django_db
def test_webhook_keeps_no_lease_of_the_poll(served_by_webhook) -> None:
    call_command("runbot", "--webhook")

    assert served_by_webhook == [False]
    assert take_lease("poller:1", "elsewhere:7", runbot.POLLER_LEASE)


@pytest.mark.django_db
def test_bot_served_by_webhook_is_judged_by_where_it_is_reached(settings, monkeypatch) -> None:
    settings.TELEGRAM_BOT_TOKEN = "1:a"
    settings.TELEGRAM_WEBHOOK_URL = "https://bot.example.com/telegram"
    settings.TELEGRAM_WEBHOOK_SECRET = "s"
    settings.PORTAL_URL, settings.ALLOWED_HOSTS = "http://127.0.0.1:8000", ["127.0.0.1"]
    monkeypatch.setattr(start, "close_to_others", lambda: None)

    with pytest.raises(CommandError, match=r"bot\.example\.com.*TELEGRAM_WEBHOOK_SECRET"):
        call_command("runbot", webhook=True)
