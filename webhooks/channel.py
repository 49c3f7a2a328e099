"""Programs of customers as a channel: signed requests, side by side, each ticket's in order."""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import ClassVar
from uuid import uuid4

from django.db import DatabaseError
from django.db.models import F, QuerySet, TextChoices, Window
from django.db.models.functions import RowNumber
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tickets.channels import (
    LAG,
    Cancelled,
    Channel,
    Outcome,
    PermanentError,
    Recipient,
    RetryLater,
)
from tickets.leases import PROGRAMS
from tickets.models import Delivery
from tickets.notices import Audience, Notice, NoticeKind
from webhooks.bodies import body_of, kinds_of, test_body
from webhooks.courier import TIME_LIMIT, Answer, Courier, Parcel
from webhooks.models import REASON_LIMIT, Attempt, Endpoint, Message
from webhooks.services import (
    CHANNEL,
    GIVEN_UP_AFTER,
    TEST,
    endpoints_hearing,
    may_hear,
    note_failure,
    note_success,
    readable_by,
    switch_off,
)
from webhooks.signing import signed_headers

logger = logging.getLogger(__name__)

AT_ONCE = 4  # requests begun at a time to one endpoint
SLOW = 1.0  # seconds of a request after which no further one to its endpoint is begun
LOOK_EVERY = 0.25  # seconds in which what ended is written down
PATIENCE = TIME_LIMIT + 2  # seconds
LONGEST_REST = timedelta(minutes=5)  # of an endpoint that fails, between two looks at it


@dataclass(frozen=True)
class Going:
    """A request under way."""

    delivery: Delivery
    endpoint: Endpoint
    since: float = field(default_factory=time.monotonic)

    @property
    def is_slow(self) -> bool:
        return time.monotonic() - self.since > SLOW


class WebhookKind(TextChoices):
    TEST_CALL = TEST, gettext_lazy("проба вебхука")


class WebhookChannel(Channel):
    """The address of a delivery is the id of its endpoint."""

    name = CHANNEL
    label = gettext_lazy("Вебхук")
    icon = "🔗"
    kinds = (NoticeKind, WebhookKind)
    lease = PROGRAMS
    conversation = ("address", "ticket")
    hears_everything = True
    may_repeat = True
    # From one try to the next; after the last of them a delivery has failed
    schedule: ClassVar[tuple[timedelta, ...]] = (
        timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2),
        timedelta(hours=5), timedelta(hours=10), timedelta(hours=14), timedelta(hours=20),
        timedelta(hours=24),
    )  # fmt: skip
    retries_for = timedelta(days=7)  # the schedule ends before
    longest_pause = timedelta(hours=24)

    def __init__(self) -> None:
        self._courier: Courier | None = None
        self._going: dict[Future[Answer], Going] = {}

    # Whom to tell

    def recipients(self, notice: Notice) -> Iterable[Recipient]:
        if notice.audience != Audience.SYSTEMS:
            return
        kinds = set(kinds_of(notice.event))
        if not kinds:
            return
        for endpoint in endpoints_hearing(notice.event.ticket):
            if kinds.intersection(endpoint.kinds):
                yield Recipient(str(endpoint.pk), endpoint.user, {"place": endpoint.place})

    # Sending

    def due_rows(self, *, within: timedelta = timedelta()) -> QuerySet[Delivery]:
        """A few of each endpoint, and none of one that is busy: a long line holds up no other."""
        going = self._going.values()
        count = Counter(one.delivery.address for one in going)
        busy = [address for address in count if count[address] >= AT_ONCE]
        busy += [one.delivery.address for one in going if one.is_slow]
        place = Window(RowNumber(), partition_by=F("address"), order_by=("due_at", "pk"))
        rows = super().due_rows(within=within).exclude(address__in=busy)
        return rows.annotate(place=place).filter(place__lte=AT_ONCE)

    @property
    def is_busy(self) -> bool:
        return bool(self._going)

    @property
    def is_held_up(self) -> bool:
        return any(one.is_slow for one in self._going.values())

    def send(self, deliveries: Sequence[Delivery]) -> Iterable[Outcome]:
        """Begin these requests, and say what became of earlier ones that have ended by now."""
        for delivery in deliveries:
            try:
                endpoint, parcel = _parcel_of(delivery)
            except (Cancelled, DatabaseError) as error:
                yield Outcome(delivery, error)
            except Exception as error:  # what cannot be made now will not be made later
                logger.exception("Webhook %s cannot be made", delivery.pk)
                yield Outcome(delivery, PermanentError(type(error).__name__))
            else:
                self._courier = self._courier or Courier()
                self._going[self._courier.carry(parcel)] = Going(delivery, endpoint)
        if self._going:
            done, _rest = wait(self._going, timeout=LOOK_EVERY, return_when=FIRST_COMPLETED)
            yield from self._ended(done)

    def finish(self) -> Iterable[Outcome]:
        """What became of the requests still under way: each ends by itself, in TIME_LIMIT."""
        try:
            while self._going:
                done, _rest = wait(self._going, timeout=PATIENCE, return_when=FIRST_COMPLETED)
                if not done:  # a stuck loop: the claims of their rows run out
                    break
                yield from self._ended(done)
        finally:
            self._going.clear()
            if self._courier:
                self._courier.close()
            self._courier = None

    def _ended(self, done: Iterable[Future[Answer]]) -> Iterator[Outcome]:
        for future in done:
            going = self._going.pop(future)
            try:
                error = self._meaning(going.delivery, going.endpoint, future.result())
            except DatabaseError as failure:
                error = failure
            yield Outcome(going.delivery, error)

    def _meaning(self, delivery: Delivery, endpoint: Endpoint, answer: Answer) -> Exception | None:
        """Write the attempt down; what it means for the delivery, and for its endpoint."""
        error = _why_refused(answer)
        Attempt.objects.create(
            delivery=delivery,
            status=answer.status,
            milliseconds=answer.milliseconds,
            answer=answer.body.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}"),
            error=error[:REASON_LIMIT],
        )
        if answer.is_taken:
            note_success(endpoint)
            if delivery.kind == WebhookKind.TEST_CALL:
                self._rest_no_more(endpoint)
            return None
        if delivery.kind == WebhookKind.TEST_CALL:
            return PermanentError(error)  # somebody waits for it, and sees why
        if answer.status == 410:
            switch_off(endpoint, Endpoint.Reason.GONE)
            return PermanentError(error)
        later = _named_wait(answer)
        failing_for = note_failure(endpoint)
        if failing_for >= GIVEN_UP_AFTER:
            return PermanentError(error)
        self._let_rest(endpoint, max(later, min(failing_for / 2, LONGEST_REST)))
        if delivery.attempts > len(self.schedule):
            return PermanentError(error)
        refusal = RetryLater(max(later, self.pause(delivery.attempts)))
        refusal.__cause__ = Refused(error)
        return refusal

    def pause(self, attempts: int) -> timedelta:
        return self.schedule[min(attempts, len(self.schedule)) - 1]

    def _let_rest(self, endpoint: Endpoint, rest: timedelta) -> None:
        """An endpoint that fails is not asked with all that waits for it; a test goes at once."""
        if not rest:
            return
        until = timezone.now() + rest
        self._waiting(endpoint).filter(due_at__lt=until).update(due_at=until)

    def _rest_no_more(self, endpoint: Endpoint) -> None:
        """Its owner has tried it: nothing waits for hours when the receiver is well again."""
        now = timezone.now()
        self._waiting(endpoint).filter(due_at__gt=now).update(due_at=now)

    def _waiting(self, endpoint: Endpoint) -> QuerySet[Delivery]:
        rows = Delivery.objects.filter(channel=self.name, address=str(endpoint.pk))
        under_way = [one.delivery.pk for one in self._going.values()]
        queued = rows.filter(state=Delivery.State.QUEUED).exclude(pk__in=under_way)
        return queued.exclude(kind=WebhookKind.TEST_CALL)

    # For people

    def addressee(self, delivery: Delivery) -> str:
        return str(delivery.data.get("place", delivery.address))

    def why_undelivered(self, delivery: Delivery) -> str:
        return delivery.error.removeprefix(f"{Refused.__name__}: ")

    def _stands_still(self) -> bool:
        """That a customer's receiver is down is no fault of ours; that nobody asks it is."""
        late = timezone.now() - LAG
        if not self.next_rows().filter(due_at__lt=late).exists():
            return False
        return not Attempt.objects.filter(at__gt=late, at__lte=timezone.now()).exists()


class Refused(Exception):
    """Its text is for people: what the receiver answered."""


def _parcel_of(delivery: Delivery) -> tuple[Endpoint, Parcel]:
    """The request to make now. Raises Cancelled when the endpoint may not hear of it any more."""
    endpoint = Endpoint.objects.select_related("user", "organization").filter(
        pk=delivery.address
    ).first()  # fmt: skip
    if endpoint is None:
        raise Cancelled(_("вебхук удалён"))
    event = delivery.event
    if not endpoint.is_on and event:
        raise Cancelled(_("вебхук отключён"))
    if not may_hear(endpoint, event.ticket if event else None):
        raise Cancelled(_("владельцу вебхука заявка больше не видна"))
    message = Message.objects.filter(delivery=delivery).first() or _compose(delivery, endpoint)
    now = timezone.now()
    body = message.body.encode()
    headers = signed_headers(
        webhook_id=message.webhook_id, at=now, body=body, secrets=endpoint.secrets_in_force(now)
    )
    return endpoint, Parcel(endpoint.url, headers, body)


def _compose(delivery: Delivery, endpoint: Endpoint) -> Message:
    if delivery.event is None:
        body = test_body(delivery.created_at)
    else:
        kinds = [kind for kind in kinds_of(delivery.event) if kind in endpoint.kinds]
        if not kinds:
            raise Cancelled(_("о таких событиях вебхук больше не слышит"))
        body = body_of(kinds[0], delivery.event, readable_by(endpoint))
    return Message.objects.create(delivery=delivery, webhook_id=f"msg_{uuid4().hex}", body=body)


def _why_refused(answer: Answer) -> str:
    if answer.is_taken or answer.error:
        return answer.error
    if answer.status and 300 <= answer.status < 400:
        return _("Ответ %(code)d: перенаправления не выполняются.") % {"code": answer.status}
    return _("Ответ %(code)d.") % {"code": answer.status or 0}


def _named_wait(answer: Answer) -> timedelta:
    """What Retry-After asks for, in seconds or as a time; never more than a day."""
    text = answer.retry_after.strip()
    wait = timedelta()
    if text.isdigit() and text.isascii():
        wait = timedelta(seconds=min(int(text[:9]), 86_400))
    elif text:
        try:
            wait = parsedate_to_datetime(text) - timezone.now()
        except (TypeError, ValueError, OverflowError):  # unreadable, or without a zone
            return timedelta()
    return max(timedelta(), min(wait, WebhookChannel.longest_pause))
