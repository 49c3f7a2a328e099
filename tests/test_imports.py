"""The floors of the house: every file is held against the table of `layers.py`.

Imports inside functions count, and so do dotted names in strings, by which Django and the queue
find code, too.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.layers import TABLE

ROOT = Path(__file__).resolve().parent.parent
OURS = (
    "config", "accounts", "tickets", "mail", "telegram_bot", "webhooks", "portal", "desk",
    "operations", "sandbox", "api",
)  # fmt: skip
GUARDED = (
    "telegram", "django_q", "rest_framework", "drf_spectacular", "aiohttp", "aiosmtpd",
    "httpcore",
)  # fmt: skip  # libraries

# Dotted names that point where an import may not, each with its reason
ERROR_PAGES = "Django finds the pages of errors where the root of all addresses is"
OWN_ROOT = "the bot has a root of its own, of the addresses it leads to"
QUEUED = "the queue finds a task by its name; importing it would close a circle"
ROOT_URLS = "the root of all addresses includes those of the faces"
UPGRADE = "for one release: what was queued before an upgrade goes to where the work is now"
NAMES_THAT_POINT_UP = {
    ("config/urls.py", "operations.urls"): ROOT_URLS,
    ("config/urls.py", "api.urls"): ROOT_URLS,
    ("config/urls.py", "portal.urls"): ROOT_URLS,
    ("config/urls.py", "portal.views.errors.bad_request"): ERROR_PAGES,
    ("config/urls.py", "portal.views.errors.server_error"): ERROR_PAGES,
    ("telegram_bot/management/commands/runbot.py", "telegram_bot.addresses"): OWN_ROOT,
    ("tickets/delivery.py", "tickets.tasks.drain"): QUEUED,
    ("tickets/handover.py", "tickets.tasks.hand_over"): QUEUED,
    ("tickets/erasures.py", "tickets.tasks.work_on_personal_data"): QUEUED,
    ("tickets/exports.py", "tickets.tasks.work_on_personal_data"): QUEUED,
    ("tickets/incidents.py", "tickets.tasks.answer_incident"): QUEUED,
    ("telegram_bot/files.py", "telegram_bot.tasks.fetch_files"): QUEUED,
    ("tickets/tasks.py", "operations.tasks.every_minute"): UPGRADE,
    ("telegram_bot/tasks.py", "operations.tasks.every_minute"): UPGRADE,
}


def sources() -> list[str]:
    """Every file of the application; migrations and settings may name anything."""
    return sorted(
        path.relative_to(ROOT).as_posix()
        for package in OURS
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts and path.name != "settings.py"
    )


def row_of(path: str) -> list[str] | None:
    fitting = [row for row in TABLE if path == row or path.startswith(f"{row}/")]
    return TABLE[max(fitting, key=len)] if fitting else None


def imported(tree: ast.AST) -> Iterator[str]:
    """What a file imports, each name with its module before it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{name.name}" for name in node.names)


def named(tree: ast.AST) -> Iterator[str]:
    """Dotted names of our modules in strings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            parts = node.value.split(".")
            is_dotted = len(parts) > 1 and all(part.isidentifier() for part in parts)
            if is_dotted and parts[0] in OURS and is_module(*parts[:2]):
                yield node.value


def is_module(package: str, name: str) -> bool:
    return (ROOT / package / name).is_dir() or (ROOT / package / f"{name}.py").exists()


def is_within(name: str, allowed: list[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in allowed)


def breaches(path: str, source: str) -> list[str]:
    """What a file imports or names and may not."""
    allowed = row_of(path)
    if allowed is None:
        return [f"{path} has no row in the table"]
    tree = ast.parse(source)
    judged = [
        name
        for name in imported(tree)
        if name.startswith(".") or is_within(name, [*OURS, *GUARDED])
    ]
    judged += [name for name in named(tree) if (path, name) not in NAMES_THAT_POINT_UP]
    itself = path.removesuffix(".py").replace("/", ".")
    return [f"{path}: {name}" for name in judged if not is_within(name, [*allowed, itself])]


@pytest.mark.parametrize("path", sources())
def test_file_keeps_to_its_row(path):
    assert breaches(path, (ROOT / path).read_text()) == []


def test_every_row_is_about_something():
    paths = sources()
    idle = [row for row in TABLE if not any(row_of(path) is TABLE[row] for path in paths)]
    assert idle == []


def test_every_name_that_points_up_is_used():
    for path, name in NAMES_THAT_POINT_UP:
        assert name in list(named(ast.parse((ROOT / path).read_text()))), (path, name)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("tickets/notices.py", "import tickets.views"),
        ("tickets/notices.py", "from portal.views import tickets"),
        ("tickets/status.py", "from tickets import models"),
        ("tickets/comments.py", "from tickets.services import open_ticket"),
        ("tickets/delivery.py", "import telegram"),
        ("telegram_bot/keyboards.py", "from telegram_bot.application import build_application"),
        ("telegram_bot/channel.py", "from telegram_bot.flows import menu"),
        ("telegram_bot/channel.py", "from telegram_bot.inbox import in_database"),
        ("portal/views/tickets.py", "from desk.tickets import TicketAdmin"),
        ("desk/tickets.py", "def later():\n    from portal.views.tickets import ticket_list"),
        ("portal/context.py", "from telegram_bot.channel import TelegramChannel"),
        ("accounts/services.py", 'enqueue("telegram_bot.tasks.tell_of_pin_mail", 1)'),
        ("accounts/services.py", "if True:\n    import tickets.models as rows"),
        ("config/logs.py", "from accounts.models import User"),
        ("mail/channel.py", "from telegram_bot.models import Group"),
        ("sandbox/state.py", "from tickets.models import Ticket"),
        ("webhooks/courier.py", "from webhooks.models import Endpoint"),
        ("portal/views/webhooks.py", "from webhooks.courier import Courier"),
        ("desk/lists.py", "import rest_framework"),
        ("accounts/tasks.py", "from django_q.tasks import async_task"),
        ("portal/urls.py", "from . import views"),
        ("newcomer/views.py", ""),
    ],
)
def test_breach_is_seen(path, source):
    assert len(breaches(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("tickets/services.py", "from tickets import recording"),
        ("portal/views/bot.py", "from telegram_bot.models import TELEGRAM"),
        ("accounts/services.py", 'enqueue("accounts.tasks.mail_link_pin", 1)'),
        ("desk/tickets.py", 'user.has_perm("tickets.add_comment")'),
        ("config/queue.py", "from django_q.tasks import async_task"),
    ],
)
def test_what_is_allowed_is_no_breach(path, source):
    assert breaches(path, source) == []
