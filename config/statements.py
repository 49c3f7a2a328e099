"""Rows of hot tables, written by a statement that is put together once in a process.

`save`, `bulk_create` and `delete` turn each row into SQL anew. These know no parents, no signals,
no cascades and no keys that the database gives. Names of fields that are none raise KeyError.
"""

from __future__ import annotations  # Field[Any, Any] is generic for the type checker only

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Field, Model


def insert_new(rows: Sequence[Model]) -> int:
    """Store rows of one model in one statement, but those whose unique values are taken already.

    Returns how many were stored.
    """
    fields, sql = _insert(type(rows[0]), len(rows))
    values = [value for row in rows for value in _values(row, fields, add=True)]
    return _execute(f"{sql} ON CONFLICT DO NOTHING", values)


def upsert(row: Model, *, unique: tuple[str, ...], changed: tuple[str, ...]) -> None:
    """Store a row, or write what `changed` names to the one that has its `unique` values."""
    fields, sql = _upsert(type(row), unique, changed)
    _execute(sql, _values(row, fields, add=True))


def write_columns(row: Model, *names: str) -> None:
    """UPDATE a row that is known to be there; without names all of its columns."""
    fields, sql = _update(type(row), names)
    _execute(sql, [*_values(row, fields, add=False), row.pk])


def delete_where(model: type[Model], **values: Any) -> None:
    """DELETE rows by the values of all these fields."""
    where = " AND ".join(f"{column} = %s" for column in _columns(model, values))
    sql = f"DELETE FROM {_quoted(model._meta.db_table)} WHERE {where}"  # noqa: S608
    _execute(sql, list(values.values()))


@cache
def _upsert(
    model: type[Model], unique: tuple[str, ...], changed: tuple[str, ...]
) -> tuple[list[Field[Any, Any]], str]:
    key = ", ".join(_columns(model, unique))
    new = ", ".join(f"{column} = excluded.{column}" for column in _columns(model, changed))
    fields, sql = _insert(model, 1)
    return fields, f"{sql} ON CONFLICT ({key}) DO UPDATE SET {new}"


def _insert(model: type[Model], count: int) -> tuple[list[Field[Any, Any]], str]:
    fields = list(_fields(model).values())
    places = f"({', '.join(['%s'] * len(fields))})"
    table, columns = _quoted(model._meta.db_table), ", ".join(_columns(model, _fields(model)))
    sql = f"INSERT INTO {table} ({columns}) VALUES {', '.join([places] * count)}"  # noqa: S608
    return fields, sql


def _columns(model: type[Model], names: Iterable[str]) -> list[str]:
    return [_quoted(_fields(model)[name].column) for name in names]


@cache
def _update(model: type[Model], names: tuple[str, ...]) -> tuple[list[Field[Any, Any]], str]:
    fields = [_fields(model)[name] for name in names or _fields(model)]
    columns = ", ".join(f"{_quoted(field.column)} = %s" for field in fields)
    table, key = _quoted(model._meta.db_table), _quoted(model._meta.pk.column)
    return fields, f"UPDATE {table} SET {columns} WHERE {key} = %s"  # noqa: S608


@cache
def _fields(model: type[Model]) -> dict[str, Field[Any, Any]]:
    return {field.name: field for field in model._meta.concrete_fields if not field.primary_key}


def _values(row: Model, fields: Iterable[Field[Any, Any]], *, add: bool) -> list[Any]:
    own = connections[DEFAULT_DB_ALIAS]  # looked up once, not by each value
    return [field.get_db_prep_save(field.pre_save(row, add), own) for field in fields]


def _execute(sql: str, values: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.rowcount


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(name or "")
