"""When a message may leave: never faster than Telegram takes them, and without needless gaps."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from telegram_bot import sending
from telegram_bot.replies import say
from telegram_bot.sending import MESSAGES_A_SECOND, Sender
from tickets.models import Delivery

TELEGRAM_TAKES = 30  # a second


class Clock:
    """Of this test alone, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sender(clock: Clock, monkeypatch, settings) -> Iterator[Sender]:
    """It waits on the clock, and its calls end when they are waited for."""
    settings.TELEGRAM_BOT_TOKEN = "1:a"

    async def pass_time(calls, seconds):
        clock.now += seconds
        return set(calls)

    async def accept(_bot, _message):
        return None

    monkeypatch.setattr(sending, "time", SimpleNamespace(monotonic=clock.monotonic))
    monkeypatch.setattr(sending, "_first_of", pass_time)
    monkeypatch.setattr(sending, "_result", accept)
    sender = Sender()
    yield sender
    for _result in sender.finish():
        pass


def send(sender: Sender, clock: Clock, count: int) -> list[float]:
    """When each of so many messages began."""
    begun = []
    for number in range(count):
        for _result in sender.next_turn():
            pass
        begun.append(clock.now)
        sender.begin(Delivery(), say(number, "Ответ"))
    return begun


def most_in_a_second(begun: list[float]) -> int:
    return max(sum(start <= one < start + 1 for one in begun) for start in begun)


def test_messages_leave_at_the_pace(sender: Sender, clock: Clock) -> None:
    begun = send(sender, clock, 101)
    assert round(begun[-1] - begun[0], 2) == 100 / MESSAGES_A_SECOND


def test_time_that_making_a_message_takes_is_part_of_its_turn(sender: Sender, clock: Clock) -> None:
    begun = []
    for _number in range(101):
        clock.now += 0.03
        begun += send(sender, clock, 1)
    assert round(begun[-1], 2) == 100 / MESSAGES_A_SECOND


def test_what_was_held_up_is_caught_up_without_asking_too_much(
    sender: Sender, clock: Clock
) -> None:
    begun = send(sender, clock, 50)
    for _time in range(3):
        clock.now += 0.1
        begun += send(sender, clock, 25)
    assert round(begun[-1] - begun[0], 2) == (len(begun) - 1) / MESSAGES_A_SECOND
    clock.now += 600
    begun += send(sender, clock, 50)
    assert most_in_a_second(begun) < TELEGRAM_TAKES


def test_no_more_calls_are_under_way_than_there_are_connections(
    sender: Sender, clock: Clock, monkeypatch
) -> None:
    busiest = 0

    async def hang(calls, seconds):
        nonlocal busiest
        busiest = max(busiest, len(calls))
        clock.now += seconds
        return set(calls) if seconds == sending.PATIENCE else set()

    monkeypatch.setattr(sending, "_first_of", hang)
    send(sender, clock, 3 * sending.POOL_SIZE)
    assert busiest == sending.POOL_SIZE
