from types import SimpleNamespace

import pytest

from tests.factories import TicketFactory
from tests.tickets.pigeons import PigeonChannel
from tickets import delivery


@pytest.fixture
def ticket(anna, product):
    return TicketFactory(requester=anna, product=product)


@pytest.fixture
def no_way_out(monkeypatch):
    """Telling fails, which is the last thing a service does."""

    def fail(*_args: object, **_kwargs: object):
        raise RuntimeError("no way out")

    monkeypatch.setattr("tickets.recording.notify", fail)


@pytest.fixture
def pigeon(settings, clock, monkeypatch):
    """The only channel; its drains sleep on the clock, not in earnest."""
    settings.NOTICE_CHANNELS = [f"{PigeonChannel.__module__}.PigeonChannel"]
    delivery.channels.cache_clear()
    still = SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep)
    monkeypatch.setattr(delivery, "time", still)
    yield delivery.channels()["pigeon"]
    delivery.channels.cache_clear()
