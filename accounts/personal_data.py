"""What the product keeps of a person: a list of sections, each told by the app that keeps it.

The setting PERSONAL_DATA names them in order. An export asks each for its entries, an erasure lets
each end what must end at once and then take out the rest by batches.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.models import Erasure, User

ERASED_TEXT = "[удалено]"


@dataclass(frozen=True)
class Entry:
    """One file of an archive: plain data, written as JSON, or a content to copy."""

    name: str
    data: Any = None
    content: Callable[[], IO[bytes]] | None = None


@dataclass(frozen=True)
class Page:
    """Some entries, and the key of the row after which the next page begins; None = no more."""

    entries: list[Entry]
    after: int | None = None


@dataclass(frozen=True)
class Batch:
    """How many rows were cleared, and the key after which the next batch begins; None = done."""

    handled: int
    after: int | None = None


class Section:
    """One kind of personal data. A batch or a page is bounded, so that it takes about a second."""

    def export(self, user: User, after: int) -> Page:
        return Page([])

    def leave(self, erasure: Erasure) -> None:
        """End at once what acts for the person, in the transaction that ends the access."""

    def erase(self, erasure: Erasure, after: int) -> Batch:
        """Take out some rows, in one transaction; a batch may come again after a crash."""
        return Batch(0)


def sections() -> list[Section]:
    found: list[Section] = [import_string(name)() for name in settings.PERSONAL_DATA]
    return found
