"""What others' webhooks are known to have gone wrong with, each tried on ours.

Where the trouble is of a kind that another file holds (redirects, names that change, retries under
another id, order), it is not repeated here.
"""

import json
import logging

import pytest
from django.core import mail
from django_q.models import OrmQ

from tests.factories import open_ticket
from tests.webhooks.receiver import code, flood, reset
from tickets import comments, delivery
from tickets.models import Delivery, Face
from tickets.recording import customer
from webhooks import channel
from webhooks.courier import ANSWER_LIMIT
from webhooks.models import Attempt, Endpoint

pytestmark = pytest.mark.django_db


def rows():
    return Delivery.objects.filter(channel="webhook").order_by("pk")


@pytest.mark.parametrize("answer", [b"x" * 200_000, b"\x00" * 100, b"\xff\xfe\x80", "ы".encode()])
def test_answer_of_any_kind_is_kept_and_the_event_sent_once(hook, receiver, anna, drain, answer):
    """go-gitea/gitea#3561: an answer too large for its column made the event go out for ever."""
    receiver.plan = [code(200, answer)]
    open_ticket(anna)
    drain()
    drain()
    assert len(receiver.received) == 1
    assert rows().get().state == Delivery.State.SENT
    assert len(Attempt.objects.get().answer) <= ANSWER_LIMIT


def test_endless_packed_answer_is_cut(hook, receiver, anna, drain):
    receiver.plan = [flood]
    open_ticket(anna)
    drain()
    assert rows().get().state == Delivery.State.SENT


def test_note_tells_nothing_not_even_the_words_before_it(hook, receiver, anna, by_agent, drain):
    """chatwoot/chatwoot#11208: a private note sent the last public message once more."""
    ticket = open_ticket(anna)
    comments.add_comment(ticket=ticket, actor=by_agent, body="Открытый ответ")
    drain()
    before = len(receiver.received)
    comments.add_comment(ticket=ticket, actor=by_agent, body="Между нами", internal=True)
    drain()
    assert len(receiver.received) == before
    assert all(b"\xd0\x9c\xd0\xb5\xd0\xb6" not in one.body for one in receiver.received)


def test_no_key_of_an_address_is_kept_beside_an_error(hook, receiver, anna, drain, caplog):
    """jestasecurity/thumper#33: a failure kept the whole URL, token included, for all to see."""
    caplog.set_level(logging.DEBUG)
    Endpoint.objects.update(url=f"{receiver.url}/key-in-path?token=key-in-query")
    receiver.plan = [code(500), reset, code(410)]
    for _number in range(3):
        open_ticket(anna)
    drain()
    delivery.drain("email")
    kept = [
        *rows().values_list("error", flat=True),
        *Attempt.objects.values_list("error", flat=True),
    ]
    letters = [letter.body for letter in mail.outbox]
    told = json.dumps(list(Delivery.objects.values_list("data", flat=True)))
    assert len(receiver.received) == 3
    assert "key-in-" not in "".join([*kept, *letters, told, caplog.text])


def test_no_header_holds_the_secret(hook, receiver, anna, drain):
    """GitHub, January 2026: deliveries carried the secret, encoded, in a header of their own."""
    open_ticket(anna)
    drain()
    sent = receiver.received[0].headers
    assert set(sent) == {
        "host", "content-type", "user-agent", "accept-encoding", "connection", "content-length",
        "webhook-id", "webhook-timestamp", "webhook-signature",
    }  # fmt: skip
    assert hook.secret.removeprefix("whsec_") not in json.dumps(sent)


def test_owner_is_told_once_however_much_fails(hook, receiver, anna, drain, clock):
    """freelawproject/courtlistener#2375: a letter for each failing event."""
    receiver.plan = [code(500)] * 50
    open_ticket(anna)
    drain()
    clock.advance(days=5, hours=1)
    for _number in range(6):
        open_ticket(anna)
    drain()
    assert Delivery.objects.filter(kind="webhook_off").count() == 1
    assert not rows().filter(state=Delivery.State.QUEUED).exists()


def test_event_that_cannot_be_told_holds_up_no_other(hook, receiver, anna, drain, monkeypatch):
    tickets = [open_ticket(anna) for _number in range(3)]
    make = channel.body_of

    def fail_for_the_first(kind, event, *readable):
        if event.ticket == tickets[0]:
            raise ValueError("cannot be told")
        return make(kind, event, *readable)

    monkeypatch.setattr(channel, "body_of", fail_for_the_first)
    drain()
    states = [row.state for row in rows()]
    assert states == [Delivery.State.FAILED, Delivery.State.SENT, Delivery.State.SENT]
    assert len(receiver.received) == 2


def test_words_of_a_chat_are_told_when_they_are_whole(hook, receiver, anna, drain, clock):
    """Parts that come within a minute join one comment."""
    ticket = open_ticket(anna)
    drain()
    comments.add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Первая часть")
    drain()
    assert len(receiver.received) == 1
    ticket.comments.update(body="Первая часть\nВторая часть")
    clock.advance(seconds=61)
    drain()
    said = json.loads(receiver.received[-1].body)["data"]["event"]["comment"]["body"]
    assert said == "Первая часть\nВторая часть"


def test_worker_that_starts_late_finds_what_waits(hook, receiver, anna, run_queue):
    """gitea_old#171: what was queued while nobody worked went out after a restart only."""
    ticket = open_ticket(anna)
    OrmQ.objects.all().delete()  # the wake-up is lost with its process
    delivery.drain_all()
    run_queue()
    assert json.loads(receiver.received[0].body)["data"]["ticket"]["number"] == ticket.number
