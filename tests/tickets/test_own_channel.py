"""A channel is a subclass and one line of settings: this one pages, and nothing else changes."""

from datetime import timedelta

import pytest
from django.db.models import TextChoices
from django.urls import reverse
from django.utils import timezone

from accounts.linking import PinNews
from tests.factories import AgentFactory, open_ticket
from tickets import comments, delivery, services
from tickets.channels import Cancelled, Channel, ChannelState, Outcome, Recipient
from tickets.models import Delivery, Face
from tickets.notices import Audience, NoticeKind
from tickets.recording import customer
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db

State = Delivery.State


class PagingKind(TextChoices):
    VOICE = "paging_voice", "голосом на пейджер"


class PagingChannel(Channel):
    name = "paging"
    label = "Пейджер"
    icon = "📟"
    lease = "paging"
    kinds = (NoticeKind, PinNews, PagingKind)
    conversation = ("address", "event__ticket")
    retries_for = timedelta(hours=2)
    hears_everything = True

    plan: list[Exception] = []
    paged: list[str] = []

    def recipients(self, notice):
        if notice.audience == Audience.SYSTEMS:
            yield Recipient("pager-7", notice.event.ticket.requester)

    def parts(self, notice):
        yield notice.kind, {}
        yield PagingKind.VOICE, {"length": 3}

    def send(self, deliveries):
        for row in deliveries:
            if self.plan:
                yield Outcome(row, self.plan.pop(0))
            else:
                self.paged.append(f"{row.kind} {row.event.kind} {row.event.ticket_id}")
                yield Outcome(row)

    def pause(self, attempts):
        return timedelta(minutes=10 * attempts)

    def addressee(self, row):
        return f"пейджер {row.recipient.short_name}"

    def why_not_again(self, row):
        return "Пейджер выключен." if "off" in row.error else ""

    def state(self):
        return ChannelState(True, "оператор 7", "https://pager.example/7")


@pytest.fixture
def paging(settings, clock):
    settings.NOTICE_CHANNELS = [*settings.NOTICE_CHANNELS, f"{__name__}.PagingChannel"]
    delivery.channels.cache_clear()
    PagingChannel.plan, PagingChannel.paged = [], []
    yield delivery.channels()["paging"]
    delivery.channels.cache_clear()


@pytest.fixture
def ticket(anna, product, paging):
    return open_ticket(anna, product=product)


@pytest.fixture
def desk(client, db):
    client.force_login(AgentFactory(is_superuser=True))
    return client


def pages():
    return Delivery.objects.filter(channel="paging").order_by("pk")


def test_hears_what_the_requester_did_and_no_inner_matter(ticket, anna, by_agent):
    comments.add_comment(ticket=ticket, actor=customer(anna, Face.PORTAL), body="Ещё не работает")
    comments.add_comment(ticket=ticket, actor=by_agent, body="Клиент сердится", internal=True)
    told = pages().filter(kind=NoticeKind.EVENT).values_list("event__kind", flat=True)
    assert list(told) == ["created", "commented"]


def test_every_part_leaves_in_the_order_of_its_ticket(ticket, anna, product, clock):
    second = open_ticket(anna, product=product)
    PagingChannel.plan = [OSError("busy")]  # of the first ticket's first page
    delivery.drain("paging")
    assert PagingChannel.paged == [
        f"event created {second.pk}", f"paging_voice created {second.pk}",
    ]  # fmt: skip
    clock.advance(minutes=11)
    delivery.drain("paging")
    assert PagingChannel.paged[2:] == [
        f"event created {ticket.pk}", f"paging_voice created {ticket.pk}",
    ]  # fmt: skip


def test_is_tried_again_after_its_own_pauses_and_as_long_as_it_says(ticket, clock):
    first = pages().first()
    PagingChannel.plan = [OSError("busy")] * 20
    delivery.drain("paging")
    first.refresh_from_db()
    assert first.state == State.QUEUED
    assert first.due_at > clock.now() + timedelta(minutes=9)
    clock.advance(hours=2, minutes=1)
    delivery.drain("paging")
    first.refresh_from_db()
    assert first.state == State.FAILED


def test_channel_that_breaks_has_failed_for_now(ticket, paging, monkeypatch):
    monkeypatch.setattr(paging, "send", lambda _rows: 1 / 0)
    delivery.drain("paging")
    first = pages().first()
    assert (first.state, first.attempts) == (State.QUEUED, 1)
    assert "ZeroDivisionError" in first.error


def test_what_may_not_be_told_any_more_is_cancelled(ticket):
    PagingChannel.plan = [Cancelled("пейджер сдан")]
    delivery.drain("paging")
    assert pages().first().error == "пейджер сдан"


def test_card_of_the_desk_names_addressee_and_icon(ticket, desk):
    page = desk.get(reverse("admin:tickets_ticket_change", args=[ticket.pk])).content.decode()
    assert "📟" in page
    assert "пейджер Анна К." in page


def test_list_of_the_desk_names_channel_and_kinds(ticket, desk):
    page = desk.get(reverse("admin:tickets_delivery_changelist")).content.decode()
    for words in ("Пейджер", "событие заявки", "голосом на пейджер", "пейджер Анна К."):
        assert words in page
    chosen = desk.get(reverse("admin:tickets_delivery_changelist"), {"channel": "paging"})
    assert chosen.context["cl"].result_count == pages().count()


def test_failed_page_is_sent_again_from_the_desk(ticket, desk):
    first, second = pages()
    pages().update(state=State.FAILED)
    Delivery.objects.filter(pk=second.pk).update(error="off")
    for row in (first, second):
        answer = desk.post(reverse("admin:tickets_delivery_resend", args=[row.pk]), follow=True)
    assert "Пейджер выключен." in answer.content.decode()
    assert [row.state for row in pages()] == [State.QUEUED, State.FAILED]
    delivery.drain("paging")
    assert len(PagingChannel.paged) == 1


def test_readiness_tells_when_pages_stand_still(ticket, client):
    assert "paging deliveries overdue" not in client.get("/readyz").json()["problems"]
    pages().update(due_at=timezone.now() - timedelta(minutes=2))
    assert "paging deliveries overdue" in client.get("/readyz").json()["problems"]


def test_portal_goes_on_as_before(ticket, client, anna):
    client.force_login(anna)
    page = client.get(ticket.get_absolute_url()).content.decode()
    assert ticket.title in page
    assert "ейджер" not in page


def test_deliveries_of_a_channel_taken_out_of_the_settings_stay_readable(ticket, desk, settings):
    settings.NOTICE_CHANNELS = settings.NOTICE_CHANNELS[:-1]
    delivery.channels.cache_clear()
    for page in (
        reverse("admin:tickets_delivery_changelist"),
        reverse("admin:tickets_ticket_change", args=[ticket.pk]),
    ):
        assert "pager-7" in desk.get(page).content.decode()


def test_others_hear_what_they_heard(ticket, by_agent):
    services.change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=by_agent)
    mailed = Delivery.objects.filter(channel="email", event__kind="status")
    assert set(mailed.values_list("kind", flat=True)) == {"status"}
