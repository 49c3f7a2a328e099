import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from accounts.models import LinkPin, Organization, User
from telegram_bot.models import BotHeartbeat, IncomingUpdate, TelegramFile
from tests import factories, kept_database
from tests.journeys.launcher import Launcher
from tests.journeys.processes import Processes, Visitor, connect, models_in, wait_until
from tests.local_telegram import PATIENCE, Json, Sandbox
from tickets.models import Attachment, Delivery, Lease, Product, Ticket

AGENTS = "Специалист поддержки"
ADMIN_LOGIN = "/admin/login/"
PHONES = {"anna": "+79161234567", "boris": "+79031112233", "viktor": "+79265550199"}
TELEGRAM_IDS = {"anna": 510_000_001, "boris": 510_000_002, "viktor": 510_000_003}
STAYS = (
    User, Organization, Product, Group, Permission, ContentType, Schedule, BotHeartbeat, Lease,
    User.groups.through, User.user_permissions.through, Group.permissions.through,
)  # fmt: skip
REST_LIMIT = 20.0  # seconds in which the test before may have come to its end by itself
LOG_SHOWN = 6000  # characters of each log under a failed test


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show what the processes wrote under a test that failed."""
    report = yield
    processes = getattr(item, "funcargs", {}).get("all_processes")
    if report.failed and processes:
        for name, text in processes.logs().items():
            report.sections.append((f"log of {name}", text[-LOG_SHOWN:]))
    return report


# A database of their own, filled once


@pytest.fixture(scope="package")
def filled(tmp_path_factory, django_db_blocker) -> Iterator[str]:
    """The name of a database with all tables and people, for others to be copied from."""
    with new_database(tmp_path_factory.mktemp("filled"), "filled", django_db_blocker) as name:
        with django_db_blocker.unblock():
            fill(name)
        yield name


@pytest.fixture(scope="package")
def database(filled, tmp_path_factory, django_db_blocker) -> Iterator[str]:
    """The name of that of the processes, where the suite has its own."""
    folder = tmp_path_factory.mktemp("database")
    with new_database(folder, "journeys", django_db_blocker, like=filled) as name:
        yield name


@contextmanager
def new_database(folder: Path, name: str, blocker, *, like: str = "") -> Iterator[str]:
    """One to be migrated or a copy of one that nobody is connected to."""
    if connection.vendor == "sqlite":
        path = folder / f"{name}.sqlite3"
        if like:
            shutil.copy(like, path)
        else:
            kept_database.take(path)
        yield str(path)
        return
    name = f"{name}_of_{connection.settings_dict['NAME']}"  # others may run their own
    with blocker.unblock():
        tell_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        tell_server(f'CREATE DATABASE "{name}" TEMPLATE "{like or "template1"}"')
    yield name
    with blocker.unblock():
        tell_server(f'DROP DATABASE "{name}" WITH (FORCE)')


def tell_server(statement: str) -> None:
    server = connect("postgres")
    with server.cursor() as cursor:
        cursor.execute(statement)
    server.close()


def database_url(name: str) -> str:
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def fill(name: str) -> None:
    hasher = "django.contrib.auth.hashers.PBKDF2PasswordHasher"
    with models_in(name), override_settings(PASSWORD_HASHERS=[hasher]):
        call_command("migrate", verbosity=0, interactive=False)
        if connection.vendor == "sqlite":
            kept_database.keep()
        password = make_password(factories.PASSWORD)
        alpha = factories.OrganizationFactory(name="Проект Альфа", email="client@alpha.example")
        people = {
            "anna": {"organization": alpha, "first_name": "Анна", "last_name": "Кузнецова"},
            "boris": {"first_name": "Борис", "last_name": "Соколов"},
            "viktor": {"first_name": "Виктор", "last_name": "Гость"},
            "igor": {"is_staff": True, "first_name": "Игорь", "last_name": "Петров"},
        }
        for username, given in people.items():
            factories.UserFactory(username=username, **given)
        User.objects.update(password=password)
        User.objects.get(username="igor").groups.add(Group.objects.get(name=AGENTS))
        for product in ("Базы данных", "Облачные серверы"):
            factories.ProductFactory(name=product)


# The processes


@pytest.fixture(scope="package")
def all_processes(database, tmp_path_factory) -> Iterator[Processes]:
    launcher = Launcher()
    folder = tmp_path_factory.mktemp("processes")
    processes = Processes(folder, database_url(database), launcher)
    yield processes
    processes.end()
    launcher.close()


@pytest.fixture
def processes(all_processes, database, django_db_blocker) -> Iterator[Processes]:
    """Everything runs and nothing is left of the test before; models read its database."""
    with django_db_blocker.unblock(), models_in(database):
        come_to_rest(all_processes)
        before = {name: len(text) for name, text in all_processes.logs().items()}
        yield all_processes
        require_quiet_logs(all_processes, before)


def come_to_rest(processes: Processes) -> None:
    missing = processes.missing()
    if "sandbox" not in missing:
        processes.sandbox.clear_faults()
    if not missing and not is_quiet(REST_LIMIT):
        for name in ("bot", "worker"):
            processes.kill(name)
        missing = ["bot", "worker"]
    forget_everything()
    if "sandbox" in missing:
        processes.start("sandbox")
    processes.sandbox.reset()
    for child in processes.children.values():
        if not child.is_running():
            child.log.write_bytes(b"")
    processes.start(*(name for name in missing if name != "sandbox"))
    forget_everything()


def is_quiet(seconds: float = PATIENCE) -> bool:
    """Whether all that was begun is done in that time."""
    try:
        wait_until(lambda: not has_work(), seconds)
    except AssertionError:
        return False
    return True


def has_work() -> bool:
    """Anything to do now; what waits on purpose for more words is not counted.

    Nor is what a killed worker was at: it stays locked in the queue.
    """
    on_purpose = {"attempts": 0, "due_at__gt": timezone.now()}
    waiting = (
        OrmQ.objects.filter(lock__lte=timezone.now()),
        Delivery.objects.filter(state=Delivery.State.QUEUED).exclude(**on_purpose),
        LinkPin.objects.filter(sent_at=None, closed_at=None),
        Attachment.objects.filter(state=Attachment.State.PENDING),
        TelegramFile.objects.filter(fetched_at=None),
        IncomingUpdate.objects.filter(processed_at=None),
        IncomingUpdate.objects.exclude(reply_due_at=None),
    )
    return any(rows.exists() for rows in waiting)


def forget_everything() -> None:
    """Delete every row but the people, the products and what the processes live by."""
    with transaction.atomic():
        for model in apps.get_models(include_auto_created=True):
            if model not in STAYS:
                model._base_manager.all()._raw_delete("default")


def require_quiet_logs(processes: Processes, before: dict[str, int]) -> None:
    """What may never be written, whatever happens to the processes; `before` is of other tests."""
    for name, whole in processes.logs().items():
        text = whole[before[name] :]
        assert "database is locked" not in text, name
        assert processes.token not in text, f"the token stands in the log of {name}"


# The people


@pytest.fixture
def sandbox(processes) -> Sandbox:
    return processes.sandbox


@pytest.fixture
def visit(processes) -> Iterator[Callable[..., Visitor]]:
    """`visit("anna")` is her on the portal, logged in; `visit()` is somebody who is not."""
    visitors = []

    def visit(username: str = "") -> Visitor:
        visitor = Visitor(processes.url)
        visitors.append(visitor)
        if username:
            visitor.sign_in(person(username))
        return visitor

    yield visit
    for visitor in visitors:
        visitor.close()


def person(username: str) -> User:
    return User.objects.get(username=username)


def link(sandbox: Sandbox, *usernames: str) -> None:
    """Registered, linked, and known to the bot."""
    for username in usernames:
        user = person(username)
        factories.BotRegistrationFactory(user=user, phone=PHONES[username])
        factories.MessengerAccountFactory(user=user, address=str(TELEGRAM_IDS[username]))
        sandbox.start(username)
    for username in usernames:
        sandbox.wait_for(username, "Открытых заявок")


def open_tickets(sandbox: Sandbox, *usernames: str) -> dict[str, Ticket]:
    link(sandbox, *usernames)
    return {name: factories.open_ticket(person(name)) for name in usernames}


def open_cards(sandbox: Sandbox, tickets: dict[str, Ticket]) -> dict[str, Json]:
    """Messages of the bot to reply to: every person looks at the own ticket."""
    for name, ticket in tickets.items():
        sandbox.send(name, str(ticket.number))
    cards = {name: sandbox.wait_for(name, f"№ {tickets[name].number}") for name in tickets}
    assert is_quiet()
    return cards
