from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.conftest import Clock
from tests.factories import open_ticket
from tests.local_telegram import Sandbox, running_sandbox
from tests.telegram_bot.bot import Bot, Chat
from tickets import delivery


@pytest.fixture(scope="session")
def _telegram() -> Iterator[Sandbox]:
    with running_sandbox() as telegram:
        yield telegram


@pytest.fixture
def telegram(_telegram: Sandbox, settings) -> Iterator[Sandbox]:
    """The local Telegram, empty; the settings point to it."""
    _telegram.reset()
    settings.TELEGRAM_API_URL = _telegram.url
    settings.TELEGRAM_BOT_TOKEN = _telegram.token
    yield _telegram
    assert _telegram.refused() == []


@pytest.fixture
def bot(db, telegram: Sandbox, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Bot:
    """The bot on our side; its drains sleep on the clock, not in earnest."""
    still = SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep)
    monkeypatch.setattr(delivery, "time", still)
    monkeypatch.setattr(delivery, "SHORT_WAIT", 1.0)
    # it would close the connection whose transaction the test lives in
    monkeypatch.setattr("telegram_bot.database.close_old_connections", lambda: None)
    return Bot(telegram, clock)


@pytest.fixture
def chat(bot: Bot) -> Chat:
    """Anna's chat; with `linked` among a test's arguments she is a customer of the portal."""
    return Chat(bot, "anna")


@pytest.fixture
def boris_chat(bot: Bot) -> Chat:
    return Chat(bot, "boris")


@pytest.fixture
def viktor_chat(bot: Bot) -> Chat:
    """A guest's: no account has his phone."""
    return Chat(bot, "viktor")


@pytest.fixture
def ticket(linked, product):
    """Anna's, opened on the portal."""
    return open_ticket(linked, product=product)


@pytest.fixture
def foreign(boris, product):
    """Boris's, which nobody else may see."""
    return open_ticket(boris, product=product, title="Тайна Бориса")
