"""What a channel is: a way to people or programs, named in the setting NOTICE_CHANNELS."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from django.db.models import Exists, OuterRef, QuerySet, TextChoices
from django.utils import timezone

from accounts.models import User
from config.backoff import CLOCK_SKEW, backoff
from tickets.models import Delivery
from tickets.notices import Notice, NoticeKind

OUR_WORDS = re.compile("[а-яё]", re.IGNORECASE)  # how an error of ours begins
LAG = timedelta(seconds=60)  # a row that is due for longer is late


class PermanentError(Exception):
    """Trying again is of no use; the text is for staff."""


class Cancelled(Exception):
    """The recipient may not be told any more: unlinked, withdrawn, deactivated."""


class RetryLater(Exception):
    """The other side names the wait."""

    def __init__(self, wait: timedelta) -> None:
        self.wait = wait


@dataclass(frozen=True)
class Recipient:
    """Whom to tell; `data` goes into each delivery: what the channel must know when it sends."""

    address: str
    user: User | None = None
    data: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How the sending of a delivery ended; no error means it was accepted."""

    delivery: Delivery
    error: Exception | None = None


@dataclass(frozen=True)
class ChannelState:
    """Whether a channel works, for people; its `name` and `url` where one can write to it."""

    is_working: bool
    name: str = ""
    url: str = ""


class Channel:
    """A way to people or programs: a subclass, and its dotted name in NOTICE_CHANNELS.

    Of one conversation (the rows that agree in `conversation`) the oldest row leaves first, and
    only when it has ended the next; other conversations go on meanwhile. A row in which one of
    these fields is empty is a conversation of its own.
    """

    name: ClassVar[str]
    label: ClassVar[Any]  # for staff, translated when shown
    icon: ClassVar[str] = ""  # an emoji beside the address
    lease: ClassVar[str]
    batch: ClassVar[int] = 25  # deliveries sent side by side
    kinds: ClassVar[tuple[type[TextChoices], ...]] = (NoticeKind,)  # what it can be asked to say
    conversation: ClassVar[tuple[str, ...]] = ("address",)  # fields of Delivery
    retries_for: ClassVar[timedelta] = timedelta(hours=24)  # from the first try
    longest_pause: ClassVar[timedelta] = timedelta(minutes=15)  # whatever the other side asks for
    takes_emails: ClassVar[bool] = False  # its addresses are e-mails, so it carries letters
    hears_everything: ClassVar[bool] = False  # every public event, also the requester's own
    may_repeat: ClassVar[bool] = False  # what was sent may be sent again, when somebody asks
    # What errors of the other side mean, for agents: patterns and words, the first that fits
    reasons: ClassVar[Sequence[tuple[str, Any]]] = ()

    def recipients(self, notice: Notice) -> Iterable[Recipient]:
        """The addresses a notice goes to through this channel."""
        raise PermanentError(f"{self.name} has no recipients")

    def desk(self) -> Iterable[Recipient]:
        """Where all agents together hear of tickets that nobody has."""
        return []

    def parts(self, notice: Notice) -> Iterable[tuple[str, dict[str, int]]]:
        """The messages that a notice becomes in this channel: the kind and the data of each."""
        return [(notice.kind, {})]

    def held_back(self, addresses: Sequence[str]) -> set[str]:
        """Those of the addresses that must not be written to at this moment."""
        return set()

    def send(self, deliveries: Sequence[Delivery]) -> Iterable[Outcome]:
        """Send due deliveries, at most one of a conversation, and say how each ended."""
        raise PermanentError(f"{self.name} cannot send")

    @property
    def is_busy(self) -> bool:
        """Whether `send` has left something under way, to tell of it when it is called again."""
        return False

    @property
    def is_held_up(self) -> bool:
        """Whether some of that takes long: a drain then goes on with the others meanwhile."""
        return False

    def finish(self) -> Iterable[Outcome]:
        """At the end of a drain: how what is still under way ended."""
        return ()

    def pause(self, attempts: int) -> timedelta:
        """The wait after so many failed attempts."""
        return backoff(attempts)

    # For people

    def addressee(self, delivery: Delivery) -> str:
        """Whom a delivery goes to, in words."""
        return delivery.address

    def why_undelivered(self, delivery: Delivery) -> str:
        """Why it did not arrive, in words for agents; `delivery.error` has the other side's."""
        error = delivery.error
        if not error or OUR_WORDS.match(error):
            return error
        fitting = (words for pattern, words in self.reasons if re.search(pattern, error, re.I))
        return str(next(fitting, error))

    def why_not_again(self, delivery: Delivery) -> str:
        """Why a failed delivery should not be sent again now; empty when it may be."""
        return ""

    def unset(self) -> str:
        """The setting it cannot work without, in words for administrators; empty when all are."""
        return ""

    def lacks(self) -> str:
        """What is left to do until it works for the first time; empty once it has worked."""
        return self.unset()

    def state(self) -> ChannelState:
        return ChannelState(is_working=not self.problems())

    def problems(self) -> list[str]:
        """What keeps the product from working, for /readyz."""
        return [f"{self.name} deliveries overdue"] if self._stands_still() else []

    def _stands_still(self) -> bool:
        """Whether something is overdue and nothing leaves: a long line that moves is no problem."""
        late = timezone.now() - LAG
        sent = Delivery.objects.filter(
            channel=self.name, sent_at__gt=late, sent_at__lte=timezone.now()
        )
        return self.next_rows().filter(due_at__lt=late).exists() and not sent.exists()

    def next_rows(self) -> QuerySet[Delivery]:
        """Queued rows that are the oldest of their conversation."""
        queued = Delivery.objects.filter(channel=self.name, state=Delivery.State.QUEUED)
        same = {field: OuterRef(field) for field in self.conversation}
        return queued.filter(~Exists(queued.filter(**same, pk__lt=OuterRef("pk"))))

    def due_rows(self, *, within: timedelta = timedelta()) -> QuerySet[Delivery]:
        """Of those the ones whose time has come, or comes `within` a moment."""
        return self.next_rows().filter(due_at__lte=timezone.now() + within)

    def rows_too_far_ahead(self) -> QuerySet[Delivery]:
        """Queued rows due later than any wait could have put them: the clock went back."""
        ahead = timezone.now() + self.longest_pause + CLOCK_SKEW
        queued = Delivery.objects.filter(channel=self.name, state=Delivery.State.QUEUED)
        return queued.filter(due_at__gt=ahead)

    def kind_label(self, kind: str) -> str:
        """The name of a kind for staff; a kind that no longer exists is shown as it is stored."""
        labels = {choice.value: choice.label for kinds in self.kinds for choice in kinds}
        return str(labels.get(kind, kind))
