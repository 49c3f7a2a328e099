"""What the round on another database runs, of tests as pytest collects them."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.rounds import for_another_database


def item(nodeid: str, *fixtures: str, marks: tuple[str, ...] = ()) -> Any:
    return SimpleNamespace(
        nodeid=f"tests/{nodeid}",
        fixturenames=fixtures,
        cls=None,
        get_closest_marker=lambda name: name in marks or None,
    )


def kept(*items: Any) -> list[str]:
    return [one.nodeid.removeprefix("tests/") for one in for_another_database(list(items))]


def test_what_asks_no_database_or_looks_at_pages_is_left_out():
    asking = item("tickets/test_a.py::test_rows", "db")
    case = item("tickets/test_a.py::test_locks", marks=("django_db",))
    process = item("journeys/test_a.py::test_kill", marks=("journey",))
    page = item("journeys/test_b.py::test_page", "db", marks=("browser",))
    same = item("journeys/test_c.py::test_port", marks=("journey", "one_database"))
    assert kept(asking, item("tickets/test_a.py::test_words"), case, process, page, same) == [
        "tickets/test_a.py::test_rows", "tickets/test_a.py::test_locks",
        "journeys/test_a.py::test_kill",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("part", "marks", "cases"),
    [
        ("desk", (), 1), ("portal", (), 1), ("api", (), 1), ("mail", (), 1),
        ("desk", ("each_case",), 2),
        ("tickets", (), 2), ("accounts", (), 2), ("webhooks", (), 2), ("operations", (), 2),
    ],
)  # fmt: skip
def test_cases_of_a_face_are_one_unless_they_ask_differently(part, marks, cases):
    first, second = (
        item(f"{part}/test_a.py::test_it[{name}]", "db", marks=marks) for name in ("a::b", "c")
    )
    other = item(f"{part}/test_a.py::test_other", "db")
    assert kept(first, second, other) == [
        one.nodeid.removeprefix("tests/") for one in [first, second][:cases] + [other]
    ]


def test_dialogs_of_a_file_are_one_unless_they_ask_differently():
    marked = ("each_case",)
    assert kept(
        item("telegram_bot/test_a.py::test_one", "db", "bot", "chat"),
        item("telegram_bot/test_a.py::test_two", "db", "bot", "chat"),
        item("telegram_bot/test_a.py::test_rows", "db"),
        item("telegram_bot/test_a.py::test_search[1]", "db", "bot", "chat", marks=marked),
        item("telegram_bot/test_a.py::test_search[2]", "db", "bot", "chat", marks=marked),
        item("telegram_bot/test_b.py::test_three", "db", "bot"),
    ) == [
        "telegram_bot/test_a.py::test_one", "telegram_bot/test_a.py::test_rows",
        "telegram_bot/test_a.py::test_search[1]", "telegram_bot/test_a.py::test_search[2]",
        "telegram_bot/test_b.py::test_three",
    ]  # fmt: skip
