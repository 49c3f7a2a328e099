"""The door out: everything the product says unasked leaves through `Delivery` rows.

`notify` writes an event's rows in the event's own transaction. `drain` sends what is due through
one channel, one drain at a time, oldest row of each conversation first.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.module_loading import import_string

from accounts.linking import PinNews
from accounts.models import LinkPin, User
from accounts.news import AccountNews
from config.logs import redact
from config.queue import are_all_workers_wanted, enqueue, has_waiting_tasks, is_ending
from tickets.channels import (
    Cancelled,
    Channel,
    Outcome,
    PermanentError,
    Recipient,
    RetryLater,
)
from tickets.leases import SLOW, held_lease, renew_lease
from tickets.models import Delivery, TicketEvent
from tickets.notices import Audience, Notice, NoticeKind, notices_of

logger = logging.getLogger(__name__)

SLICE = 5.0  # seconds a drain works before it hands over to the next task
OVERTIME = 10.0  # more, while requests hold it up that end anyway, or nobody waits for its worker
CLAIM = timedelta(seconds=15)  # after which a row whose drain was killed is due again
RETENTION = timedelta(days=90)
WORDLESS = {NoticeKind.OFFERS_END}  # only takes something back
SHORT_WAIT = 0.25  # seconds between two looks at rows that are due within the slice


@cache
def channels() -> dict[str, Channel]:
    found: list[Channel] = [import_string(name)() for name in settings.NOTICE_CHANNELS]
    return {channel.name: channel for channel in found}


def channel_of(delivery: Delivery) -> Channel:
    """The channel of a delivery; a stand-in that sends nothing when it is no longer configured."""
    return channels().get(delivery.channel) or _Gone(delivery.channel)


class _Gone(Channel):
    icon = "📨"

    def __init__(self, name: str) -> None:
        self.name = self.label = name  # type: ignore[misc]


def notify(
    event: TicketEvent, concerned: Sequence[User] = (), *, programs_only: bool = False
) -> None:
    """Write the deliveries of an event and wake their channels, in the caller's transaction.

    `programs_only`: what people read in the next event of the same change.
    """
    notices = notices_of(event, concerned)
    if programs_only:
        notices = [notice for notice in notices if notice.audience == Audience.SYSTEMS]
    now = timezone.now()
    rows = [
        Delivery(
            channel=channel.name,
            kind=kind,
            event_id=event.pk,
            ticket_id=event.ticket_id,
            recipient=recipient.user,
            address=recipient.address,
            key=f"event:{event.pk}:{channel.name}:{notice.key}:{place}:{part}",  # no address
            data={**notice.marks, **recipient.data, **about},
            due_at=now + notice.delay,
        )
        for notice, channel, place, recipient in _told_once(notices)
        for part, (kind, about) in enumerate(channel.parts(notice))
    ]
    Delivery.objects.bulk_create(rows)
    for name in {row.channel for row in rows}:
        wake(name)


def _told_once(notices: Iterable[Notice]) -> Iterator[tuple[Notice, Channel, int, Recipient]]:
    """Whom to tell what by which channel; no address hears of one event in two ways."""
    told: set[tuple[str, str]] = set()
    for notice in notices:
        for channel in _hearing(notice):
            for place, recipient in enumerate(channel.recipients(notice)):
                where = (channel.name, recipient.address.casefold())
                if notice.kind in WORDLESS or where not in told:
                    told.add(where)
                    yield notice, channel, place, recipient


def _hearing(notice: Notice) -> list[Channel]:
    """The channels a notice is for. Those for programs go only where everything is asked for."""
    found = channels().values()
    return [row for row in found if row.hears_everything or notice.audience != Audience.SYSTEMS]


def tell(
    *,
    channel: str,
    kind: str,
    address: str,
    key: str,
    recipient: User | None = None,
    ticket_id: int | None = None,
    data: dict[str, int | str | bool] | None = None,
    event: TicketEvent | None = None,
) -> bool:
    """Queue a message beside an event's own; False when that key was told before."""
    with transaction.atomic():
        _row, created = Delivery.objects.get_or_create(
            key=key,
            defaults={
                "channel": channel,
                "kind": kind,
                "address": address,
                "recipient": recipient,
                "event": event,
                "ticket_id": event.ticket_id if event else ticket_id,
                "data": data or {},
            },
        )
        if created:
            wake(channel)
    return created


def tell_desk(*, kind: str, key: str, data: Mapping[str, Any]) -> None:
    """Queue a message to all agents by every channel; nobody gets one of this key again."""
    rows = {
        f"{key}:{channel.name}:{recipient.user.pk if recipient.user else 0}": (channel, recipient)
        for channel in channels().values()
        for recipient in channel.desk()
    }
    for known in Delivery.objects.filter(key__in=rows).values_list("key", flat=True):
        del rows[known]
    Delivery.objects.bulk_create(
        [
            Delivery(
                channel=channel.name,
                kind=kind,
                address=recipient.address,
                recipient=recipient.user,
                key=own_key,
                data={**recipient.data, **data},
            )
            for own_key, (channel, recipient) in rows.items()
        ],
        ignore_conflicts=True,
    )
    for name in {channel.name for channel, _recipient in rows.values()}:
        wake(name)


def tell_of_pin(pin: LinkPin, news: PinNews, address_refused: bool = False) -> None:
    """News of a PIN go to where it was asked for."""
    key = f"{news.value}:{pin.pk}"
    data: dict[str, int | str | bool] = {"pin": pin.pk}
    if address_refused:
        data["address_refused"] = True
    tell(channel=pin.channel, kind=news.value, address=pin.address, key=key, data=data)


def tell_of_account(
    news: AccountNews, user: User | None, address: str, data: dict[str, Any]
) -> None:
    """News that may come more than once: each time is a letter of its own."""
    key = f"{news.value}:{uuid4().hex}"
    tell_by_letter(email=address, kind=news.value, key=key, recipient=user, data=data)


def tell_by_letter(
    *,
    email: str,
    kind: str,
    key: str,
    recipient: User | None = None,
    data: dict[str, int | str | bool] | None = None,
) -> None:
    """News of an account go to an e-mail, through whatever channel carries letters."""
    for channel in channels().values():
        if channel.takes_emails:
            tell(
                channel=channel.name, kind=kind, address=email, key=key, recipient=recipient,
                data=data,
            )  # fmt: skip


def wake(channel_name: str) -> None:
    """Queue a drain of a channel, in the caller's transaction."""
    enqueue("tickets.tasks.drain", channel_name, merge=True)


def drain(channel_name: str) -> None:
    """Send what is due through a channel for one slice, unless another drain is at it."""
    channel = channels()[channel_name]
    with held_lease(channel.lease) as held:
        if not held:
            return
        channel.rows_too_far_ahead().update(due_at=timezone.now())
        try:
            _work_for_a_slice(channel, time.monotonic() + SLICE)
        finally:
            for outcome in channel.finish():
                _record(channel, outcome)
    _wake_if_due(channel_name)


def drain_all() -> None:
    """The safety net behind the wake-ups: queue a drain for every channel that has due rows."""
    for name in channels():
        _wake_if_due(name)


def wake_slow(lease: str) -> None:
    """Queue a drain for what waited for a lane."""
    for name, channel in channels().items():
        if channel.lease == lease:
            wake(name)


def drain_forgotten() -> None:
    """`drain_all` for every few seconds: nothing while tasks wait, so that none pile up."""
    if not has_waiting_tasks():
        drain_all()


def _wake_if_due(channel_name: str) -> None:
    channel = channels()[channel_name]
    if channel.due_rows().exists() or channel.rows_too_far_ahead().exists():
        wake(channel_name)


def _work_for_a_slice(channel: Channel, end: float) -> None:
    while _goes_on(channel, end) and not is_ending():
        batch = _next_batch(channel)
        for outcome in _send(channel, batch):
            _record(channel, outcome)
        renew_lease(channel.lease)
        if not batch and not channel.is_busy:
            left = timedelta(seconds=max(0.0, end - time.monotonic()))
            if not channel.due_rows(within=left).exists():
                return
            time.sleep(SHORT_WAIT)


def _goes_on(channel: Channel, end: float) -> bool:
    late = time.monotonic() - end
    if 0 <= late < OVERTIME:
        return channel.is_held_up or not (channel.lease in SLOW or are_all_workers_wanted())
    return late < 0


def _send(channel: Channel, batch: list[Delivery]) -> Iterator[Outcome]:
    """How each row of a batch ended; what a broken channel leaves has failed for now."""
    left = {row.pk: row for row in batch}
    try:
        for outcome in channel.send(batch) if batch or channel.is_busy else ():
            left.pop(outcome.delivery.pk, None)
            yield outcome
    except Exception as error:
        logger.exception("Channel %s broke", channel.name)
        yield from (Outcome(row, error) for row in left.values())


def _next_batch(channel: Channel) -> list[Delivery]:
    rows = list(
        channel.due_rows()
        .select_related(
            "recipient", "event__ticket__requester", "event__ticket__product",
            "event__ticket__organization", "event__ticket__assignee", "event__actor",
            "event__comment__author",
        )
        .order_by("due_at", "pk")[: channel.batch * 4]
    )  # fmt: skip
    held_back = channel.held_back([row.address for row in rows])
    batch = [row for row in rows if row.address not in held_back][: channel.batch]
    now = timezone.now()
    Delivery.objects.filter(pk__in=[row.pk for row in batch]).update(
        due_at=now + CLAIM,
        attempts=F("attempts") + 1,
        first_tried_at=Coalesce("first_tried_at", Value(now)),
    )
    for row in batch:
        row.attempts += 1
        row.first_tried_at = row.first_tried_at or now
    return batch


def _record(channel: Channel, outcome: Outcome) -> None:
    """The only writer of a delivery's state after it was queued."""
    row, error = outcome.delivery, outcome.error
    now = timezone.now()
    row.error = ""
    if error is None:
        row.state, row.sent_at = Delivery.State.SENT, now
    elif isinstance(error, Cancelled):
        row.state, row.error = Delivery.State.CANCELLED, str(error)[:300]
    elif isinstance(error, PermanentError):
        row.state, row.error = Delivery.State.FAILED, redact(str(error))[:300]
    elif now - (row.first_tried_at or now) > channel.retries_for:
        row.state, row.error = Delivery.State.FAILED, _brief(error)
    else:
        wait = error.wait if isinstance(error, RetryLater) else channel.pause(row.attempts)
        row.due_at, row.error = now + min(wait, channel.longest_pause), _brief(error)
    if row.error and not isinstance(error, Cancelled):
        logger.warning("Delivery %s: %s", row.pk, row.error)
    fields = ("address", "attempts", "error", "state", "sent_at", "due_at")
    Delivery.objects.filter(pk=row.pk).update(**{name: getattr(row, name) for name in fields})
    if row.kind == NoticeKind.RESOLVED and row.state in (row.State.FAILED, row.State.CANCELLED):
        _promise(row)


def _promise(row: Delivery) -> None:
    """«Выполнена» reaches its requester in any case: by letter, where a chat alone was to tell."""
    event = row.event
    if event is None or row.recipient is None or row.recipient_id != event.ticket.requester_id:
        return
    letters = [channel.name for channel in channels().values() if channel.takes_emails]
    told = Delivery.objects.filter(event=event, recipient=row.recipient, channel__in=letters)
    if row.channel in letters or told.exists():
        return
    for name in letters:
        tell(
            channel=name, kind=row.kind, address=row.recipient.email, recipient=row.recipient,
            key=f"event:{event.pk}:{name}:{row.kind}:promised", event=event,
        )  # fmt: skip


def _brief(error: BaseException) -> str:
    if isinstance(error, RetryLater) and error.__cause__:
        error = error.__cause__  # what the wait is for
    return redact(f"{type(error).__name__}: {error}")[:300]


def move_deliveries(*, channel: str, old: str, new: str) -> None:
    """What waits for one address goes to another: the same chat under a new id."""
    Delivery.objects.filter(channel=channel, address=old, state=Delivery.State.QUEUED).update(
        address=new
    )


def cancel_waiting(recipient: User) -> None:
    """Nothing that still waits is said to a person any more."""
    waiting = Delivery.objects.filter(recipient=recipient, state=Delivery.State.QUEUED)
    waiting.update(state=Delivery.State.CANCELLED)


def cancel_address(*, channel: str, address: str, why: str) -> None:
    """Nothing that still waits is said to an address any more."""
    Delivery.objects.filter(
        channel=channel, address=address, state=Delivery.State.QUEUED
    ).update(state=Delivery.State.CANCELLED, error=why)  # fmt: skip


def may_go_again(delivery: Delivery) -> bool:
    return delivery.state in _ended(delivery)


def _ended(delivery: Delivery) -> list[str]:
    """The states from which a delivery of its channel may be queued again."""
    sent = [Delivery.State.SENT] if channel_of(delivery).may_repeat else []
    return [Delivery.State.FAILED, Delivery.State.CANCELLED, *sent]


def resend(delivery: Delivery) -> None:
    """Queue a delivery that has ended again; its time for retries starts anew."""
    now = timezone.now()
    with transaction.atomic():
        again = Delivery.objects.filter(pk=delivery.pk, state__in=_ended(delivery)).update(
            state=Delivery.State.QUEUED, due_at=now, created_at=now, first_tried_at=None,
            attempts=0, error="",
        )  # fmt: skip
        if again:
            wake(delivery.channel)


def delete_old_deliveries() -> None:
    old = Delivery.objects.filter(created_at__lt=timezone.now() - RETENTION)
    ended = old.exclude(state=Delivery.State.QUEUED).order_by("pk")
    ended.filter(pk__in=list(ended.values_list("pk", flat=True)[:1000])).delete()
