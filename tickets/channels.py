"""What a channel is: a way to people, found by the dotted names of NOTICE_CHANNELS."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from accounts.models import User
from tickets.models import Delivery
from tickets.notices import Notice


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
    address: str
    user: User | None = None


@dataclass(frozen=True)
class Outcome:
    """How the sending of a delivery ended; no error means it was accepted."""

    delivery: Delivery
    error: Exception | None = None


class Channel:
    name: ClassVar[str]
    label: ClassVar[Any]  # for staff, translated when shown
    lease: ClassVar[str]
    batch: ClassVar[int] = 25

    def recipients(self, notice: Notice) -> Iterable[Recipient]:
        """The addresses a notice goes to through this channel."""
        raise PermanentError(f"{self.name} has no recipients")

    def parts(self, notice: Notice) -> Iterable[tuple[str, dict[str, int]]]:
        """The messages a notice becomes in this channel: their kinds and what they are about."""
        return [(notice.kind, {})]

    def held_back(self, addresses: Sequence[str]) -> set[str]:
        """Those of the addresses that must not be written to at this moment."""
        return set()

    def send(self, deliveries: Sequence[Delivery]) -> Iterable[Outcome]:
        """Send due deliveries, at most one to an address, and say how each ended."""
        raise PermanentError(f"{self.name} cannot send")
