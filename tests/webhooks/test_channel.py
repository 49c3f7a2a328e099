"""Deliveries to programs: signed, retried, in order, and one receiver's trouble its own."""

import json
import logging
from datetime import timedelta

import pytest

from accounts.security import Origin
from tests.factories import UserFactory, open_ticket
from tests.webhooks.conftest import ALL
from tests.webhooks.receiver import code, hang, reset, running
from tickets import comments, delivery, recording
from tickets.leases import LANES, LETTERS, held_lease, release_lease, take_lease
from tickets.models import Delivery
from webhooks import courier, services
from webhooks.models import Attempt, Endpoint, Message

pytestmark = pytest.mark.django_db
State = Delivery.State
OTHER_HOST = "elsewhere.example:12"


def rows():
    return Delivery.objects.filter(channel="webhook").order_by("pk")


def say(ticket, agent, *words):
    for text in words:
        comments.add_comment(ticket=ticket, actor=recording.agent(agent), body=text)


def texts(receiver) -> list[str]:
    """Answers as the receiver has them, each once."""
    said = {}
    for one in receiver.received:
        event = json.loads(one.body)["data"]["event"]
        if event["comment"]:
            said[one.id] = event["comment"]["body"]
    return list(said.values())


def test_event_arrives_signed(hook, receiver, anna, drain):
    ticket = open_ticket(anna)
    drain()
    one = receiver.received[0]
    told = one.verified(hook.secret)
    assert (told["type"], told["data"]["ticket"]["number"]) == ("ticket.created", ticket.number)
    assert one.headers["content-type"].startswith("application/json")
    row = rows().get()
    assert (row.state, row.recipient, row.ticket_id) == (State.SENT, anna, ticket.pk)
    attempt = Attempt.objects.get()
    assert (attempt.status, attempt.error) == (204, "")
    assert Message.objects.get().body.encode() == one.body


def test_other_tickets_are_named_only_to_who_may_see_them(hook, receiver, anna, drain):
    own, foreign = open_ticket(anna), open_ticket(UserFactory())
    for parent in (own, foreign):
        ticket = open_ticket(anna)
        type(ticket).objects.filter(pk=ticket.pk).update(parent=parent)
    drain()
    told = [json.loads(one.body)["data"]["ticket"]["parent"] for one in receiver.received]
    assert sorted(told, key=bool) == [None, None, own.pk]


def test_reason_that_is_too_long_is_cut(hook, anna, drain, monkeypatch):
    """A certificate that does not fit is refused with the name, which may have 253 characters."""

    async def refuse(_parcel) -> courier.Answer:
        return courier.Answer(error="Сертификат сервера не подходит. " * 20)

    monkeypatch.setattr(courier, "deliver", refuse)
    open_ticket(anna)
    drain()
    assert len(Attempt.objects.get().error) == 300


def test_old_secret_signs_beside_the_new_one_for_a_day(hook, receiver, anna, drain, clock):
    old = hook.secret
    new = services.change_secret(hook, by=anna, origin=Origin(anna))
    open_ticket(anna)
    drain()
    for secret in (old, new):
        assert receiver.received[0].verified(secret)
    clock.advance(hours=25)
    open_ticket(anna)
    drain()
    counts = [len(one.headers["webhook-signature"].split()) for one in receiver.received]
    assert counts == [2, 1]


def test_every_attempt_says_the_same_under_the_same_id(hook, receiver, anna, drain, clock):
    receiver.plan = [code(500, b"oops"), code(302, Location="http://127.0.0.1:1/"), reset]
    ticket = open_ticket(anna)
    drain()
    type(ticket).objects.filter(pk=ticket.pk).update(title="Иначе")
    for wait in (6, 301, 1801):
        clock.advance(seconds=wait)
        drain()
    first, *later = receiver.received
    assert len(later) == 3
    assert {(one.id, one.body) for one in later} == {(first.id, first.body)}
    assert later[-1].headers["webhook-timestamp"] > first.headers["webhook-timestamp"]
    assert [row.status for row in Attempt.objects.order_by("pk")] == [500, 302, None, 204]
    assert Attempt.objects.order_by("pk")[0].answer == "oops"
    assert rows().get().state == State.SENT


def test_schedule_of_retries(hook, receiver, anna, drain, clock):
    receiver.plan = [code(500)] * 20
    open_ticket(anna)
    waits = []
    for _number in range(12):
        drain()
        row = rows().get()
        if row.state != State.QUEUED:
            break
        wait = row.due_at - clock.now()
        waits.append(round(wait.total_seconds()))
        clock.advance(seconds=wait.total_seconds() + 1)
    hour = 3600
    assert waits == pytest.approx(
        [5, 300, 1800, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour], abs=2
    )
    row.refresh_from_db()
    assert (row.state, row.attempts) == (State.FAILED, 10)
    assert delivery.channel_of(row).why_undelivered(row) == "Ответ 500."


@pytest.mark.parametrize(
    ("named", "least", "most"),
    [("120", 115, 121), ("1", 4, 6), ("9999999999", 86_000, 86_401), ("soon", 4, 6), ("-5", 4, 6)],
)
def test_retry_after_is_honoured_within_bounds(
    hook, receiver, anna, drain, clock, named, least, most
):
    receiver.plan = [code(429, Retry_After=named)]
    open_ticket(anna)
    drain()
    assert least <= (rows().get().due_at - clock.now()).total_seconds() <= most


def test_gone_switches_off_and_tells_the_owner(hook, receiver, anna, agent, drain):
    receiver.plan = [code(410)]
    first = open_ticket(anna)
    say(first, agent, "Ответ")
    drain()
    hook.refresh_from_db()
    assert (hook.is_on, hook.off_because) == (False, Endpoint.Reason.GONE)
    assert {row.state for row in rows()} == {State.FAILED, State.CANCELLED}
    told = Delivery.objects.get(kind="webhook_off")
    assert (told.address, told.data["because"]) == (anna.email, "gone")
    delivery.drain("email")
    told.refresh_from_db()
    assert told.state == State.SENT
    open_ticket(anna)
    assert len(rows().filter(state=State.QUEUED)) == 0


def test_five_days_of_failure_switch_off(hook, receiver, anna, drain, clock):
    receiver.plan = [code(500)] * 3
    open_ticket(anna)
    drain()
    clock.advance(days=4, hours=23)
    drain()
    hook.refresh_from_db()
    assert hook.is_on
    clock.advance(days=1, hours=2)
    drain()
    hook.refresh_from_db()
    assert (hook.is_on, hook.off_because) == (False, Endpoint.Reason.FAILING)
    assert Delivery.objects.filter(kind="webhook_off").exists()


def test_one_success_begins_the_five_days_anew(hook, receiver, anna, drain, clock):
    receiver.plan = [code(500), code(204)]
    open_ticket(anna)
    drain()
    clock.advance(seconds=6)
    drain()
    hook.refresh_from_db()
    assert hook.failing_since is None


def test_words_of_a_ticket_arrive_in_order_though_one_is_refused(
    hook, receiver, anna, agent, drain, clock
):
    ticket, other = open_ticket(anna), open_ticket(anna)
    drain()
    receiver.received.clear()
    receiver.plan = [code(500)]
    say(ticket, agent, "раз", "два", "три")
    drain()
    assert len(receiver.received) == 1
    say(other, agent, "о другом")
    drain()
    assert texts(receiver)[:2] == ["раз", "о другом"]
    clock.advance(seconds=20)
    drain()
    assert texts(receiver) == ["раз", "о другом", "два", "три"]


def test_slow_receiver_delays_nobody(hook, receiver, anna, boris, agent, drain, monkeypatch):
    monkeypatch.setattr(courier, "TIME_LIMIT", 3.0)
    with running() as quick:
        services.add_endpoint(by=boris, url=quick.url, kinds=ALL, origin=Origin(boris))
        receiver.plan = [hang] * 20
        for _number in range(6):
            open_ticket(anna)
        ticket = open_ticket(boris)
        say(ticket, agent, *map(str, range(10)))
        drain()
        assert texts(quick) == list(map(str, range(10)))
        assert quick.received[-1].at - quick.received[0].at < 2.5
        assert len(receiver.received) <= 8  # it is not asked with all that waits


def test_endpoint_that_fails_rests_between_looks(hook, receiver, anna, drain, clock):
    receiver.plan = [code(500)] * 30
    open_ticket(anna)
    drain()
    clock.advance(minutes=20)
    for _number in range(8):
        open_ticket(anna)
    drain()
    asked = len(receiver.received)
    assert asked <= 1 + 4
    rest = [row.due_at - clock.now() for row in rows().filter(attempts=0)]
    assert rest
    assert all(timedelta(minutes=4) < one <= timedelta(minutes=5) for one in rest)


def test_test_goes_at_once_though_its_endpoint_rests(hook, receiver, anna, drain, clock):
    receiver.plan = [code(500)] * 5
    open_ticket(anna)
    drain()
    clock.advance(minutes=20)
    services.send_test(hook, by=anna)
    open_ticket(anna)
    Delivery.objects.filter(kind=services.TEST).update(due_at=clock.now() + timedelta(seconds=2))
    drain()
    test = Delivery.objects.get(kind=services.TEST)
    assert (test.state, test.attempts) == (State.FAILED, 1)
    assert json.loads(receiver.received[-1].body)["type"] == "test"


def test_what_waits_goes_when_a_test_arrives(hook, receiver, anna, drain, clock):
    """Who has mended a receiver that asked for a day has not to wait for it."""
    receiver.plan = [code(503, Retry_After="86400")]
    open_ticket(anna)
    drain()
    open_ticket(anna)
    rows().filter(attempts=0).update(due_at=clock.now() + timedelta(hours=1))
    services.send_test(hook, by=anna)
    drain()
    drain()
    assert {row.state for row in rows()} == {State.SENT}


def test_readiness_minds_no_receiver_that_is_down(hook, receiver, anna, drain, clock):
    channel = delivery.channels()["webhook"]
    receiver.close()
    open_ticket(anna)
    drain()
    assert channel.problems() == []
    clock.advance(minutes=7)
    assert channel.problems() == ["webhook deliveries overdue"]  # nobody asks
    drain()
    open_ticket(anna)
    assert channel.problems() == []


def test_waits_for_a_lane_and_is_woken(hook, receiver, anna, drain, run_queue):
    open_ticket(anna)
    run_queue()
    receiver.received.clear()
    open_ticket(anna)
    for lane in LANES:
        take_lease(lane, OTHER_HOST)
    run_queue()
    assert receiver.received == []
    release_lease(LANES[0], OTHER_HOST)
    with held_lease(LETTERS):
        pass  # who gives up the lane next wakes it
    run_queue()
    assert len(receiver.received) == 1


def test_owner_who_may_not_see_the_ticket_any_more_is_not_told(hook, receiver, anna, drain):
    ticket = open_ticket(anna)
    type(ticket).objects.filter(pk=ticket.pk).update(requester=UserFactory())
    drain()
    assert receiver.received == []
    assert rows().get().state == State.CANCELLED


def test_closed_account_is_told_nothing(hook, receiver, anna, drain):
    ticket = open_ticket(anna)
    type(anna).objects.filter(pk=anna.pk).update(is_active=False)
    drain()
    assert receiver.received == []
    assert services.endpoints_hearing(ticket) == []
    services.switch_off_of_closed_accounts()
    hook.refresh_from_db()
    assert (hook.is_on, hook.off_because) == (False, Endpoint.Reason.CLOSED)


def test_organization_hears_what_its_programs_see(receiver, vera, anna, boris, drain):
    organization = anna.organization
    type(anna).objects.filter(pk=vera.pk).update(organization_role="administrator")
    vera.refresh_from_db()
    services.add_endpoint(
        by=vera, url=receiver.url, kinds=ALL, organization=organization, origin=Origin(vera)
    )
    open_ticket(anna)
    open_ticket(boris)
    drain()
    assert len(receiver.received) == 1
    open_ticket(anna)
    type(organization).objects.filter(pk=organization.pk).update(shares_tickets=False)
    drain()
    open_ticket(type(anna).objects.get(pk=anna.pk))
    drain()
    assert len(receiver.received) == 1


def test_neither_secret_nor_words_reach_the_log(hook, receiver, anna, drain, caplog):
    caplog.set_level(logging.DEBUG)
    receiver.plan = [code(500, b"tell nobody"), reset]
    open_ticket(anna, description="Тайна клиента")
    drain()
    text = caplog.text
    for never in (hook.secret, hook.secret.removeprefix("whsec_"), "Тайна клиента", "tell nobody"):
        assert never not in text
    assert "Ответ 500" in text


def test_what_was_sent_goes_again_under_its_id(hook, receiver, anna, drain):
    open_ticket(anna)
    drain()
    services.send_again(hook, delivery=rows().get(), by=anna)
    drain()
    first, second = receiver.received
    assert (first.id, first.body) == (second.id, second.body)
    assert rows().get().state == State.SENT


def test_old_attempts_are_deleted(hook, receiver, anna, drain, clock):
    open_ticket(anna)
    drain()
    clock.advance(days=29)
    services.delete_old_attempts()
    assert Attempt.objects.count() == 1
    clock.advance(days=2)
    services.delete_old_attempts()
    assert Attempt.objects.count() == 0
