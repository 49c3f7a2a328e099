"""The suite's own database in trouble."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def read_only() -> Iterator[None]:
    """What a standby after a failover does, or a file system that was mounted read-only."""
    on_sqlite = connection.vendor == "sqlite"
    setting = "PRAGMA query_only =" if on_sqlite else "SET default_transaction_read_only ="
    with connection.cursor() as cursor:
        cursor.execute(f"{setting} on")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"{setting} off")


@contextmanager
def gone() -> Iterator[None]:
    """Nobody listens where the database was."""

    def refuse(_self: BaseDatabaseWrapper) -> None:
        raise OperationalError("connection refused")

    connection.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseWrapper, "connect", refuse)
        yield
