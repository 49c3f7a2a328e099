from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from accounts.models import LinkPin
from accounts.services import new_pin_code, queue_due_pin_mails, request_link_pin
from operations.tasks import every_minute
from telegram_bot.models import BotHeartbeat, TelegramFile
from tests.database import read_only
from tests.factories import TicketFactory
from tickets.models import Attachment, Delivery

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def bot(db):
    return BotHeartbeat.objects.create(bot_id=1, username="bot", seen_at=timezone.now())


def problems(client) -> list[str]:
    response = client.get("/readyz")
    found = response.json()["problems"]
    assert response.status_code == (503 if found else 200)
    assert response.json()["ready"] is not bool(found)
    return found


def deliver(key: str, *, due: float = 0, sent: float | None = None, address: str = "1") -> None:
    """A row of the Telegram channel, due and sent so many seconds ago."""
    now = timezone.now()
    Delivery.objects.create(
        channel="telegram",
        kind="test",
        address=address,
        key=key,
        due_at=now - timedelta(seconds=due),
        state=Delivery.State.QUEUED if sent is None else Delivery.State.SENT,
        sent_at=None if sent is None else now - timedelta(seconds=sent),
    )


def file_of(ticket, *, due: timedelta) -> TelegramFile:
    attachment = Attachment.objects.create(
        ticket=ticket, name="a.pdf", state="pending", source="telegram:f"
    )
    return TelegramFile.objects.create(attachment=attachment, due_at=timezone.now() - due)


def test_healthz_answers_without_the_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").status_code == 200


def test_all_is_well(client):
    assert problems(client) == []


def test_bot_unseen_for_a_minute(client, bot):
    BotHeartbeat.objects.update(seen_at=timezone.now() - timedelta(seconds=61))
    assert problems(client) == ["bot not running"]


def test_database_that_does_not_answer(client, monkeypatch):
    def fail():
        raise DatabaseError("no route to 10.0.0.5")

    monkeypatch.setattr("operations.health._problems", fail)
    assert problems(client) == ["database"]


def test_delivery_nobody_sends(client):
    deliver("new", due=59)
    assert problems(client) == []
    deliver("old", due=61, address="2")
    assert problems(client) == ["telegram deliveries overdue"]


def test_long_line_that_moves_is_no_problem(client):
    for number in range(80):
        deliver(f"waits {number}", due=70)
    deliver("sent", due=70, sent=1)
    assert problems(client) == []


def test_line_that_moved_a_minute_ago_stands_still(client):
    deliver("sent", due=130, sent=61)
    deliver("waits", due=70)
    assert problems(client) == ["telegram deliveries overdue"]


def test_another_channel_that_moves_is_no_excuse(client):
    deliver("waits", due=70)
    deliver("sent", sent=1)
    Delivery.objects.filter(key="sent").update(channel="email")
    assert problems(client) == ["telegram deliveries overdue"]


def test_delivery_that_waits_for_its_retry_is_no_problem(client):
    deliver("failed before", due=-300)
    deliver("behind it", due=70)
    assert problems(client) == []


def test_pin_mail_nobody_makes(client, registration, clock):
    """The bot's sweep goes on: it queues the letter again and moves its due time."""
    request_link_pin(registration=registration, address="1")
    for _time in range(3):
        assert problems(client) == []
        clock.advance(seconds=20)
        BotHeartbeat.objects.update(seen_at=clock.now())
    clock.advance(seconds=1)
    queue_due_pin_mails()
    assert LinkPin.objects.get().mail_due_at > clock.now()
    assert problems(client) == ["PIN mails overdue"]


@pytest.mark.parametrize("end", ["tried", "closed", "deactivated"])
def test_pin_mail_nobody_waits_for_is_no_problem(client, registration, anna, clock, end):
    pin = request_link_pin(registration=registration, address="1")
    if end == "tried":  # the worker lives; the mail server is another story
        new_pin_code(pin, 0)
    elif end == "closed":
        LinkPin.objects.update(closed_at=timezone.now())
    else:
        anna.is_active = False
        anna.save()
    clock.advance(seconds=61)
    BotHeartbeat.objects.update(seen_at=clock.now())
    assert problems(client) == []


def test_file_nobody_fetches(client):
    row = file_of(TicketFactory(), due=timedelta(minutes=9))
    assert problems(client) == []
    TelegramFile.objects.update(due_at=timezone.now() - timedelta(minutes=11))
    assert problems(client) == ["files overdue"]
    row.fetched_at = timezone.now()
    row.save(update_fields=["fetched_at"])
    assert problems(client) == []


@pytest.mark.parametrize("rows", [1, 3])
def test_query_count(client, rows, django_assert_num_queries):
    for number in range(rows):
        deliver(f"waits {number}", due=70, address=str(number))
        file_of(TicketFactory(), due=timedelta(hours=1))
    problems(client)
    every_minute()
    with django_assert_num_queries(
        9
    ):  # a write, overdue (3 channels), sent, PINs, files, bot, worker
        problems(client)


@pytest.mark.django_db(transaction=True)
def test_database_that_can_only_be_read(client):
    assert problems(client) == []
    with read_only():
        assert problems(client) == ["database"]
    assert problems(client) == []


def test_stopped_worker_is_seen_though_nothing_is_due(client, clock):
    every_minute()
    clock.advance(seconds=118)
    BotHeartbeat.objects.update(seen_at=clock.now())
    assert problems(client) == []
    clock.advance(seconds=3)
    assert problems(client) == ["worker not running"]
    every_minute()
    assert problems(client) == []


def test_new_installation_has_two_minutes_from_the_first_look(client, clock):
    clock.advance(hours=1)
    BotHeartbeat.objects.update(seen_at=clock.now())
    assert problems(client) == []
    clock.advance(seconds=121)
    BotHeartbeat.objects.update(seen_at=clock.now())
    assert problems(client) == ["worker not running"]
    every_minute()
    assert problems(client) == []
