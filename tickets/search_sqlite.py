"""Words found on SQLite by their parts, with FTS5's trigrams; it knows no forms of words.

The two tables are kept by triggers; see migration 0014.
"""

import re
from functools import reduce
from operator import and_

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL

from tickets.models import Comment, Ticket

NEWEST = 10_000  # rows looked at for words too short for the index
TRIGRAM = 3  # characters of a word in the index, at least
WITH_WORD = """
    SELECT coalesce(comment.ticket_id, -found.rowid) FROM tickets_ticketsearch_{kind} AS found
    LEFT JOIN tickets_comment AS comment ON comment.id = found.rowid
    WHERE tickets_ticketsearch_{kind} MATCH %s
"""


def with_words(rows: QuerySet[Ticket], words: list[str], *, internal: bool) -> Q:
    kinds = ["public", "internal"] if internal else ["public"]
    found = [_by_index(word, kinds) for word in words if len(word) >= TRIGRAM]
    short = [_by_row(word, internal) for word in words if len(word) < TRIGRAM]
    if short and not found:
        found = [Q(pk__in=rows.order_by("-pk").values("pk")[:NEWEST])]
    return reduce(and_, [*found, *short])


def _by_index(word: str, kinds: list[str]) -> Q:
    phrase = '"{}"'.format(word.replace('"', '""'))  # in quotes nothing is an operator
    statement = " UNION ALL ".join(WITH_WORD.format(kind=kind) for kind in kinds)
    return Q(pk__in=RawSQL(statement, [phrase] * len(kinds)))  # noqa: S611 - no word stands in the SQL


def _by_row(word: str, internal: bool) -> Q:
    """Whole words only."""
    pattern = r"\b" + re.escape(word).replace("е", "[её]") + r"\b"
    comments = Comment.objects.filter(ticket=OuterRef("pk"), body__iregex=pattern)
    said = Exists(comments if internal else comments.public())
    return Q(title__iregex=pattern) | Q(description__iregex=pattern) | Q(said)
