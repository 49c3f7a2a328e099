"""A database that is not at hand: how that is told from our own faults, and tried once more."""

import logging
import traceback
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, Error, InterfaceError, InternalError, OperationalError
from django.db import connection as default_connection

logger = logging.getLogger(__name__)

# SQLite's primary result codes: PERM, BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN, PROTOCOL.
# Its OperationalError also stands for faults of ours, such as a missing table.
SQLITE_UNAVAILABLE = {3, 5, 6, 8, 10, 13, 14, 15}
# How PostgreSQL's SQLSTATE begins: lost, undone, full, held, stopped, broken, read-only, idle
POSTGRES_UNAVAILABLE = ("08", "40", "53", "55", "57", "58", "25006", "25P03")
POSTGRES_ROLLED_BACK = ("40001", "40P01")  # serialization failure, deadlock: nothing was kept
POSTGRES_GONE = ("08", "57P")  # connection lost, server going down or coming up

P = ParamSpec("P")
T = TypeVar("T")


def is_unavailable(error: BaseException | None) -> bool:
    """Whether an exception says that the database cannot serve now, read-only and full included.

    Looks behind what was raised in its place: Django's sessions hide a failed write.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, Error) and _says_unavailable(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _says_unavailable(error: Error) -> bool:
    cause = error.__cause__
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in SQLITE_UNAVAILABLE
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return str(state).startswith(POSTGRES_UNAVAILABLE)
    # a connection that could not be made, or is found closed, carries no code
    return isinstance(error, OperationalError | InterfaceError)


def retry_once(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that is one transaction or can be repeated, again if the database undid it.

    That is a deadlock, or a connection lost before the commit: what is lost in the commit itself
    may have been kept. Inside a transaction of the caller it is the caller who tries again.
    """
    try:
        return function(*args, **kwargs)
    except (OperationalError, InterfaceError, InternalError) as error:
        if default_connection.in_atomic_block or not _was_undone(error):
            raise
        logger.warning("Tried again: %s", type(error.__cause__ or error).__name__)
        default_connection.close_if_unusable_or_obsolete()
    return function(*args, **kwargs)


def _was_undone(error: DatabaseError | InterfaceError) -> bool:
    cause = error.__cause__
    if getattr(cause, "sqlite_errorcode", None) is not None:
        return False  # it has waited long enough
    state = getattr(cause, "sqlstate", None)
    if state in POSTGRES_ROLLED_BACK:
        return True
    is_gone = state is None or str(state).startswith(POSTGRES_GONE)
    return is_gone and not _was_committing(error)


def _was_committing(error: BaseException) -> bool:
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_code.co_name == "_commit" for frame, _line in frames)
