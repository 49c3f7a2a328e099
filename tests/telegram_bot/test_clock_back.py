"""The clock goes back: the bot counts, answers and paces as before."""

from datetime import timedelta

import pytest
from django.utils import timezone

from telegram_bot import files
from telegram_bot.channel import TelegramChannel
from telegram_bot.direct_replies import claim_due_replies, record_replies
from telegram_bot.inbox import forgotten_updates
from telegram_bot.models import BotHeartbeat, Dialog, IncomingUpdate, TelegramFile
from telegram_bot.processing import UPDATES_A_MINUTE
from tests.factories import TicketFactory
from tests.telegram_bot.bot import Bot, Chat
from tickets.models import Attachment, Delivery

pytestmark = [pytest.mark.django_db, pytest.mark.each_case]


def update(number: int = 1, **fields: object) -> IncomingUpdate:
    return IncomingUpdate.objects.create(
        bot_id=7, update_id=number, telegram_id=number, chat_id=1, payload="{}", **fields
    )


def test_flood_of_before_is_forgotten(linked, chat: Chat, bot: Bot) -> None:
    chat.start()
    Dialog.objects.update(minute_count=UPDATES_A_MINUTE + 1, minute_at=timezone.now())
    assert "Слишком много" in chat.say("привет").text
    bot.clock.advance(hours=-1)
    assert "Слишком много" not in chat.say("/help").text


def test_reply_that_waits_is_due(clock) -> None:
    row = update(replies="[]", reply_due_at=timezone.now() + timedelta(seconds=30))
    assert claim_due_replies(7) == []
    clock.advance(hours=-1)
    assert claim_due_replies(7) == [row]
    assert claim_due_replies(7) == []


def test_reply_waits_for_a_quarter_of_an_hour_at_most(clock) -> None:
    row = update()
    record_replies(row, [], [{"method": "x"}], timedelta(hours=5))
    assert claim_due_replies(7) == []
    clock.advance(minutes=15)
    assert claim_due_replies(7) == [row]


def test_stored_update_is_swept_up(clock) -> None:
    update(due_at=timezone.now() + timedelta(minutes=5))
    assert forgotten_updates(7, everything=False) == []
    clock.advance(hours=-1)
    assert forgotten_updates(7, everything=False) == [(1, "{}")]


def test_file_that_waits_is_due(clock) -> None:
    attachment = Attachment.objects.create(
        ticket=TicketFactory(), name="a", state=Attachment.State.PENDING, source="telegram:x"
    )
    row = TelegramFile.objects.create(
        attachment=attachment, due_at=timezone.now() + timedelta(minutes=5)
    )
    assert files._next_due() is None
    clock.advance(hours=-1)
    assert files._next_due() == row


@pytest.mark.parametrize(("address", "sent"), [("510000001", 1), ("-100200", 20)])
def test_pace_counts_nothing_sent_in_the_future(clock, address, sent) -> None:
    for number in range(sent):
        Delivery.objects.create(
            channel="telegram", kind="x", key=str(number), address=address,
            state=Delivery.State.SENT, sent_at=timezone.now(),
        )  # fmt: skip
    assert TelegramChannel().held_back([address]) == {address}
    clock.advance(hours=-1)
    assert TelegramChannel().held_back([address]) == set()


def test_bot_seen_in_the_future_is_not_known_to_live(clock) -> None:
    beat = BotHeartbeat.objects.create(bot_id=7, username="bot", seen_at=timezone.now())
    assert beat.is_alive
    clock.advance(hours=-1)
    assert not beat.is_alive
    assert "bot not running" in TelegramChannel().problems()
