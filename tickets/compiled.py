"""Queries of every page: Django turns them into SQL once in a process, not at each request."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import QuerySet

# What stands in the query for the values of a request. No row holds these.
NOBODY = -9_000_000_000_000_000_001  # an id
NEVER = datetime(9999, 12, 31, 23, 58, 57, tzinfo=UTC)


class Compiled:
    """A query of an id and a moment. Its shape may depend on nothing else."""

    def __init__(self, build: Callable[[int, datetime], QuerySet[Any, Any]]) -> None:
        self.build = build

    @cached_property
    def _sql(self) -> tuple[str, list[Any]]:
        sql, parameters = self.build(NOBODY, NEVER).query.sql_with_params()
        return sql, list(parameters)

    def first(self, pk: int, now: datetime) -> tuple[Any, ...]:
        """The one row there is."""
        sql, parameters = self._sql
        adapt = connection.ops.adapt_datetimefield_value
        given = {NOBODY: pk, adapt(NEVER): adapt(now)}
        with connection.cursor() as cursor:
            cursor.execute(sql, [given.get(value, value) for value in parameters])
            row: tuple[Any, ...] = cursor.fetchone()
            return row
