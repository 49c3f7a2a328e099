"""Words found on PostgreSQL: Russian full text, and parts of names by trigrams.

The table is kept by triggers; see migration 0014. A word stands in a sub-select, so that the
planner cannot guess from it: every search of a kind has the same plan, however frequent its words.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value

from tickets.models import Ticket

FEW = 1_000  # rows that are looked at one by one sooner than an index is
NEWEST = 10_000  # rows looked at where more have the words,
SHOWN = 1_000  # and how many of still more rows are found
SAMPLE = 500  # rows by which a word is judged
ROWS = "SELECT reltuples FROM pg_class WHERE oid = 'tickets_ticketsearch'::regclass"
PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]+")  # ends a word in the index
OPERATOR_OF_LIKE = re.compile(r"[%_\\]")
TRIGRAM = 3  # characters of a name, at least

Sql = tuple[str, list[Any]]


class IsAnyOf(Func):
    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()


@dataclass(frozen=True)
class Wanted:
    """Stems, as PostgreSQL's tsquery, and parts of names: all of them."""

    stems: str
    names: list[str]

    def by_index(self, document: str) -> Sql:
        parts = [f"{document} @@ (SELECT %s::tsquery)"] * bool(self.stems)
        parts += [f"{document}_names LIKE (SELECT %s)"] * len(self.names)
        patterns = ["%" + OPERATOR_OF_LIKE.sub(r"\\\g<0>", name) + "%" for name in self.names]
        return " AND ".join(parts), [self.stems] * bool(self.stems) + patterns

    def by_row(self, document: str, *, whole: bool = True) -> Sql:
        """By functions, which no index serves: each row named is looked at, and no other.

        Names that are not whole may be in pieces: what an index of trigrams takes for them.
        """
        pieces = [piece for name in self.names for piece in PUNCTUATION.split(name)]
        names = self.names if whole else pieces
        parts = [f"ts_match_vq({document}, %s::tsquery)"] * bool(self.stems)
        parts += [f"strpos({document}_names, %s) > 0"] * len(names)
        return " AND ".join(parts), [self.stems] * bool(self.stems) + names


def with_words(rows: QuerySet[Ticket], words: list[str], *, internal: bool) -> Q:
    """In as many statements for many rows as for few."""
    wanted = _wanted(rows.db, words)
    size = rows.order_by()[: NEWEST + 1].count()
    if wanted is None or not size:
        return Q(pk__in=[])
    documents = ["public", "internal"] if internal else ["public"]
    statement = _among_newest(rows, wanted, documents, find=NEWEST if size <= NEWEST else SHOWN)
    if size > FEW:
        statement = _everywhere(wanted, documents, otherwise=statement)
    return _these(_column(rows.db, *statement))


def _these(numbers: Collection[int]) -> Q:
    """As one array, which is read at once and, beside other conditions, still found by the key."""
    return Q(IsAnyOf(F("pk"), Value(list(numbers))))


def _wanted(using: str, words: list[str]) -> Wanted | None:
    names = [word for word in words if _is_name(word)]
    plain = [part for word in words if word not in names for part in PUNCTUATION.split(word)]
    stems = _column(using, "SELECT ticket_search_query(%s)::text", [plain])[0] if plain else None
    return Wanted(stems or "", names) if stems or names else None


def _is_name(word: str) -> bool:
    has_latin = any(letter.isascii() and letter.isalnum() for letter in word)
    return has_latin and sum(map(str.isalnum, word)) >= TRIGRAM


def _everywhere(wanted: Wanted, documents: list[str], *, otherwise: Sql) -> Sql:
    """Among all tickets by the index; `otherwise` where it has more than NEWEST of them.

    Whether it has too many to go through at all is judged first by some pages of the table, the
    same ones each time, so that a search that is repeated finds the same. What is not needed of
    the statement is not run.
    """
    where, params = wanted.by_row("public", whole=False)
    frequent = (
        f"SELECT coalesce(count(*) FILTER (WHERE {where})::float / nullif(count(*), 0), 0)"  # noqa: S608
        f" * ({ROWS}) > {2 * NEWEST} FROM tickets_ticketsearch"
        f" TABLESAMPLE SYSTEM ((SELECT 100.0 * {SAMPLE} / greatest(({ROWS}), {SAMPLE})))"
        " REPEATABLE (1)"
    )
    parts = []
    for document in documents:  # apart: for both at once the planner would read the table through
        where, of_document = wanted.by_index(document)
        parts.append(
            f"(SELECT ticket_id FROM tickets_ticketsearch WHERE {document} IS NOT NULL"  # noqa: S608
            f" AND {where} AND NOT (SELECT * FROM frequent) LIMIT {NEWEST + 1})"
        )
        params += of_document
    statement = (
        f"WITH frequent AS MATERIALIZED ({frequent}),"  # noqa: S608
        f" found (number) AS MATERIALIZED ({' UNION ALL '.join(parts)}),"
        " many AS MATERIALIZED (SELECT (SELECT * FROM frequent)"
        f" OR (SELECT count(DISTINCT number) > {NEWEST} FROM found))"
        " SELECT number FROM found WHERE NOT (SELECT * FROM many) UNION ALL"
        f" SELECT * FROM ({otherwise[0]}) AS otherwise WHERE (SELECT * FROM many)"
    )
    return statement, [*params, *otherwise[1]]


def _among_newest(
    rows: QuerySet[Ticket], wanted: Wanted, documents: list[str], *, find: int
) -> Sql:
    # All of them need no order, for which PostgreSQL would start workers
    newest = rows.order_by() if find == NEWEST else rows.order_by("-pk")
    those, of_those = newest.values("pk")[:NEWEST].query.sql_with_params()
    conditions = [wanted.by_row(document) for document in documents]
    where = " OR ".join(f"({condition})" for condition, _params in conditions)
    params = [param for _condition, params in conditions for param in params]
    statement = (
        f"SELECT number FROM ({those}) AS newest (number), LATERAL ("  # noqa: S608
        f"SELECT FROM tickets_ticketsearch WHERE ticket_id = number AND ({where}) OFFSET 0) AS one"
        f" LIMIT {find}"
    )
    return statement, [*of_those, *params]


def _column(using: str, statement: str, params: list[Any]) -> list[Any]:
    with connections[using].cursor() as cursor:
        cursor.execute(statement, params)
        return [value for (value,) in cursor.fetchall()]
