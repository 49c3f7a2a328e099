"""How long things took: the median and what nine of ten do not exceed, found by the database.

Between two values the line between them counts. SQLite is lent `quantile` for what PostgreSQL
has, so that both give the same figures.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import FloatField, Func, QuerySet
from django.db.models.sql.compiler import SQLCompiler

MEDIAN, NINE_OF_TEN = 0.5, 0.9
ALL = "all"
QUANTILES = {
    "postgresql": ", ".join(
        f"percentile_cont({share}) WITHIN GROUP (ORDER BY seconds)"
        for share in (MEDIAN, NINE_OF_TEN)
    ),
    "sqlite": "median(seconds), nine_of_ten(seconds)",
}
# Of a time on SQLite, which would round it to thousandths: its seconds, and what is after them
WHOLE = "CAST(strftime('%%s', substr({0}, 1, 19)) AS INTEGER)"
FRACTION = "CAST('0' || substr({0}, 20) AS REAL)"


@dataclass(frozen=True)
class Spans:
    """How long something took, in seconds, and how often it was in time."""

    number: int = 0
    in_time: int = 0
    median: float | None = None
    nine_of_ten: float | None = None

    @property
    def share_in_time(self) -> float | None:
        return self.in_time / self.number if self.number else None


class SecondsBetween(Func):
    """From the first column to the second, to the microsecond."""

    arity = 2
    output_field = FloatField()

    def as_postgresql(self, compiler: SQLCompiler, connection: Any, **context: Any) -> Any:
        begin, end = self._columns(compiler)
        return f"date_part('epoch', {end} - {begin})", []

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **context: Any) -> Any:
        parts = [
            f"({part.format(end)} - {part.format(begin)})"
            for begin, end in [self._columns(compiler)]
            for part in (WHOLE, FRACTION)
        ]
        return f"({' + '.join(parts)})", []

    def _columns(self, compiler: SQLCompiler) -> list[str]:
        return [compiler.compile(column)[0] for column in self.get_source_expressions()]


class Values(list[float]):
    step = list.append


class Median(Values):
    def finalize(self) -> float | None:
        return quantile(self, MEDIAN)


class NineOfTen(Values):
    def finalize(self) -> float | None:
        return quantile(self, NINE_OF_TEN)


def quantile(values: Iterable[float], share: float) -> float | None:
    """What this share of the values does not exceed; between two of them, on the line."""
    ordered = sorted(values)
    if not ordered:
        return None
    whole, rest = divmod((len(ordered) - 1) * share, 1)
    lower, upper = ordered[int(whole)], ordered[min(int(whole) + 1, len(ordered) - 1)]
    return lower + (upper - lower) * rest


def spans_by(rows: QuerySet[Any, Any], *names: str) -> dict[str, dict[int | None, Spans]]:
    """Spans under ALL and None, and by each of the ids that `names` are the names of.

    `rows` are read once: these ids, seconds, and whether it was in time.
    """
    inner, parameters = rows.query.sql_with_params()
    columns = ", ".join([*names, "seconds", "in_time"])
    figures = f"count(*), count(*) FILTER (WHERE in_time), {QUANTILES[connection.vendor]} FROM span"
    groups = [f"SELECT '{ALL}', NULL, {figures}"]
    groups += [f"SELECT '{name}', {name}, {figures} GROUP BY {name}" for name in names]
    found: dict[str, dict[int | None, Spans]] = defaultdict(dict)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            connection.connection.create_aggregate("median", 1, Median)
            connection.connection.create_aggregate("nine_of_ten", 1, NineOfTen)
        statement = f"WITH span ({columns}) AS ({inner}) {' UNION ALL '.join(groups)}"
        cursor.execute(statement, parameters)
        for name, of, *spans in cursor.fetchall():
            found[name][of] = Spans(*spans)
    return found
