"""Imports go one way. Dotted names in strings are not imports: they are how a face is found."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("accounts", "tickets", "telegram_bot", "config", "operations", "sandbox")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


@cache
def modules_of(path: Path) -> set[str]:
    return imported_modules(path.read_text())


def imported_modules(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where they go"
            found.add(node.module)
    return found


def importers(package: str) -> set[str]:
    """Our files that import a package, by their path."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if any(module == package or module.startswith(f"{package}.") for module in modules_of(path))
    }


def within(paths: set[str], package: str) -> set[str]:
    return {path for path in paths if path.startswith(f"{package}/")}


def test_sources_are_found():
    assert {ROOT / "accounts/services.py", ROOT / "tickets/status.py"} <= set(SOURCES)
    assert "tickets/services.py" in importers("accounts")


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("import telegram.ext", "telegram.ext"),
        ("def f():\n    from telegram_bot import tasks", "telegram_bot"),
        ("if True:\n    import tickets.models as m", "tickets.models"),
    ],
)
def test_imported_modules_are_seen_wherever_they_hide(source, module):
    assert imported_modules(source) == {module}


def test_dotted_name_in_a_string_is_no_import():
    assert imported_modules('enqueue("telegram_bot.tasks.tell", 1)') == set()


@pytest.mark.parametrize("package", ["tickets", "telegram_bot"])
def test_accounts_imports_neither_of_the_others(package):
    assert within(importers(package), "accounts") == set()


def test_tickets_never_imports_telegram_bot():
    assert within(importers("telegram_bot"), "tickets") == set()


def test_the_ground_imports_no_app():
    apps = importers("accounts") | importers("tickets") | importers("telegram_bot")
    assert within(apps | importers("operations"), "config") == set()


def test_only_telegram_bot_imports_the_telegram_library():
    paths = importers("telegram")
    assert paths - within(paths, "telegram_bot") == set()


def test_only_the_queue_imports_django_q():
    assert importers("django_q") == {"config/queue.py"}


def test_status_imports_nothing_of_ours():
    paths = set().union(*(importers(package) for package in PACKAGES))
    assert "tickets/status.py" not in paths


def test_the_sandbox_knows_nothing_of_the_product():
    for package in ("accounts", "tickets", "config", "telegram_bot", "operations"):
        assert within(importers(package), "sandbox") == set()
