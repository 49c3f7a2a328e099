"""What the round on another database leaves out, where CI has all of it on the first one.

What differs between databases is SQL: whether they take a statement, what they find, how they lock,
which characters and numbers they hold. So the other one runs what asks for rows, but

- nothing that a browser shows: below it are the pages, which have tests of their own;
- nothing marked `one_database`: real processes in which nothing can differ;
- of a parametrized test of a face the first case only: cases vary what is typed or pressed, and by
  whom, and the statements stay the same;
- of the bot's dialogs the first test of each file: their steps call services and reads whose own
  tests run whole.

A test, or a module, whose cases ask differently (filters, orders, searches), at once, or with odd
characters and numbers is marked `each_case` and runs whole. Rules do so without a mark: accounts,
tickets, webhooks, operations, and what else starts real processes.
"""

import pytest
from django.test import TransactionTestCase

FACES = ("api", "desk", "mail", "portal", "telegram_bot", "test_headers.py")
DIALOGS = ("telegram_bot",)
TALKING = {"bot", "chat", "group"}  # fixtures of a dialog
ASKING = {"db", "transactional_db"}
MARKS = ("django_db", "journey", "database")


def for_another_database(items: list[pytest.Item]) -> list[pytest.Item]:
    """Those of the tests that it is to run, in their order."""
    seen: set[str] = set()
    return [item for item in items if _asks_a_database(item) and _is_new(item, seen)]


def _asks_a_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("browser") or item.get_closest_marker("one_database"):
        return False
    is_case = issubclass(getattr(item, "cls", None) or object, TransactionTestCase)
    is_marked = any(item.get_closest_marker(name) for name in MARKS)
    return is_case or is_marked or not _fixtures(item).isdisjoint(ASKING)


def _is_new(item: pytest.Item, seen: set[str]) -> bool:
    """Whether its statements are not those of a test before; notes that they have come."""
    part = item.nodeid.split("::")[0].split("/")[1]
    if part not in FACES or item.get_closest_marker("each_case"):
        return True
    file, _colons, name = item.nodeid.partition("::")
    is_dialog = part in DIALOGS and not _fixtures(item).isdisjoint(TALKING)
    asked = file if is_dialog else f"{file}::{name.partition('[')[0]}"
    is_new = asked not in seen
    seen.add(asked)
    return is_new


def _fixtures(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))
