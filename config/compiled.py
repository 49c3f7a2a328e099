"""Queries of every page and step: Django turns them into SQL once in a process, not at each."""

from collections.abc import Callable, Iterator
from copy import copy
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import QuerySet
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError

# What stands in the query for the first values of a request. No row holds these.
NOBODY = -9_000_000_000_000_000_001  # an id
NEVER = datetime(9999, 12, 31, 23, 58, 57, tzinfo=UTC)
NOTHING = "\ue0c1 no text \ue0c1"

Row = TypeVar("Row")


class Compiled(Generic[Row]):
    """A query of ids, texts and moments, of the `kinds` given. Its shape depends on nothing else.

    A list is no such value, and neither is None.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Row]], *kinds: type) -> None:
        self.build = build
        self.samples = [_sample(kind, place) for place, kind in enumerate(kinds)]

    @cached_property
    def _compiled(self) -> tuple[QuerySet[Any, Row], SQLCompiler, str, list[Any]]:
        rows, again = (self.build(*self.samples) for _ in range(2))
        compiler: Any = rows.query.get_compiler(rows.db)
        sql, parameters = compiler.as_sql()
        if again.query.get_compiler(rows.db).as_sql() != (sql, parameters):
            raise ValueError("what changes by itself, as the clock, would stand still in a query")
        selected = compiler.select[: compiler.col_count]
        converters = compiler.get_converters([expression for expression, *_others in selected])
        compiler.get_converters = lambda expressions: converters
        return rows, compiler, sql, list(parameters)

    def rows(self, *values: Any) -> Iterator[Row]:
        """What the query of these values finds, read anew each time."""
        rows, compiler, sql, parameters = self._compiled
        if rows.query.select_for_update and connection.get_autocommit():
            raise TransactionManagementError("rows are locked in a transaction only")
        given = {_adapted(s): _adapted(v) for s, v in zip(self.samples, values, strict=True)}
        ready: Any = copy(compiler)
        ready.connection = connections[DEFAULT_DB_ALIAS]  # of this thread
        ready.as_sql = lambda *args, **kwargs: (sql, tuple(given.get(p, p) for p in parameters))
        found: Any = rows.all()
        found.query.get_compiler = lambda *args, **kwargs: ready
        return iter(found)

    def first(self, *values: Any) -> Row | None:
        return next(self.rows(*values), None)


def _sample(kind: type, place: int) -> Any:
    if kind is int:
        return NOBODY - place
    return NOTHING + str(place) if kind is str else NEVER + timedelta(seconds=place)


def _adapted(value: Any) -> Any:
    is_moment = isinstance(value, datetime)
    return connection.ops.adapt_datetimefield_value(value) if is_moment else value
