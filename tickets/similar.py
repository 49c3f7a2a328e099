"""Open tickets of one's own that a new one may repeat."""

import re
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from config.compiled import Compiled
from tickets.models import Ticket

LOOKED_AT = 50  # the newest open ones
SHOWN = 3
LIKE = 0.6  # of the words of the shorter title
STEM = 5  # letters that the forms of a word share, near enough


def similar_tickets(user: User, title: str, *, but: int | None = None) -> list[Ticket]:
    """Those whose titles share most words with this one, the nearest first; never all of them."""
    asked = _stems(title)
    if len(asked) < 2:
        return []
    rows = _NEWEST.rows(user.pk)
    shared = [(_shared(asked, _stems(row.title)), row) for row in rows if row.pk != but]
    shared.sort(key=lambda pair: -pair[0])
    return [Ticket(**row._asdict()) for number, row in shared if number][:SHOWN]


def _newest(user: int) -> QuerySet[Ticket, Any]:
    mine = Ticket.objects.own(User(pk=user)).open().order_by("requester", "-changed_at", "-id")
    return mine.values_list("pk", "title", "status", named=True)[:LOOKED_AT]


_NEWEST = Compiled(_newest, int)


def _stems(title: str) -> set[str]:
    words = re.findall(r"\w+", title.casefold().replace("ё", "е"))
    return {word[:STEM] for word in words if len(word) > 2}


def _shared(one: set[str], other: set[str]) -> int:
    """How many words both have; none where that may be chance."""
    number = len(one & other)
    return number if number > 1 and number >= LIKE * min(len(one), len(other)) else 0
