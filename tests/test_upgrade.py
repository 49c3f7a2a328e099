"""A database of the release before, rows and all, becomes one of today without losing a row.

tests/data holds what that release left, on either database: people with links, PINs in every state,
files under way, deliveries, groups, drafts, a queue with tasks.
"""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.utils.crypto import salted_hmac
from django.utils.module_loading import import_string

pytestmark = pytest.mark.database

DUMPS = settings.BASE_DIR / "tests" / "data"
DEVELOPMENT_KEY = "development-key-for-a-portal-on-loopback-only-0000000000"
IMPORT = "from django.core.management import call_command"
GROWING = {"django_migrations", "auth_permission", "django_content_type"}
RENAMED = {"accounts_telegramaccount": "accounts_messengeraccount"}
QUEUED = (
    "tickets.tasks.drain", "accounts.tasks.mail_link_pin", "telegram_bot.tasks.fetch_files",
    "telegram_bot.tasks.tell_of_pin_mail", "telegram_bot.tasks.send_test_message",
    "tickets.tasks.every_minute", "telegram_bot.tasks.every_minute",
)  # fmt: skip

Row = tuple[Any, ...]


class Old:
    """The old database: rows by plain SQL, and `migrate` as an installation runs it."""

    def __init__(self, link: Any, url: str) -> None:
        self.link, self.url = link, url

    def rows(self, sql: str) -> list[Row]:
        return [tuple(row) for row in self.link.execute(sql).fetchall()]

    def migrate(self) -> None:
        self._run("manage.py", "migrate", "--no-input", "--verbosity=0")

    def migrate_back(self, *targets: tuple[str, str]) -> None:
        """One process for all of them: to start one takes as long as its work."""
        commands = "".join(
            f"call_command('migrate', {app!r}, {name!r}, interactive=False, verbosity=0)\n"
            for app, name in targets
        )
        self._run("manage.py", "shell", "--no-imports", "-c", f"{IMPORT}\n{commands}")

    def _run(self, *argv: str) -> None:
        env = {**os.environ, "DATABASE_URL": self.url}
        subprocess.run(
            [sys.executable, *argv], cwd=settings.BASE_DIR, env=env, check=True, timeout=120
        )

    def counts(self) -> dict[str, int]:
        on_sqlite = (
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        )
        tables = on_sqlite if isinstance(self.link, sqlite3.Connection) else (
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )  # fmt: skip
        names = {name for (name,) in self.rows(tables)} - GROWING
        return {name: self.rows(f'SELECT count(*) FROM "{name}"')[0][0] for name in names}  # noqa: S608


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Old]:
    dump = (DUMPS / f"before_the_house.{connection.vendor}.sql").read_text()
    if connection.vendor == "sqlite":
        path = tmp_path_factory.mktemp("upgrade") / "old.sqlite3"
        file = sqlite3.connect(path, isolation_level=None)
        file.executescript(dump)
        yield Old(file, f"sqlite:///{path}")
        file.close()
        return
    place = {key.lower(): str(connection.settings_dict[key]) for key in ("HOST", "PORT", "USER")}
    password = str(connection.settings_dict["PASSWORD"])
    database = f"upgrade_of_{connection.settings_dict['NAME']}"  # others may run their own
    server = psycopg.connect(**place, password=password, dbname="postgres", autocommit=True)
    server.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
    server.execute(f'CREATE DATABASE "{database}"')
    with psycopg.connect(**place, password=password, dbname=database, autocommit=True) as link:
        link.execute(dump)
        url = "postgres://{user}:{password}@{host}:{port}/{name}"
        yield Old(link, url.format(**place, password=password, name=database))
    server.execute(f'DROP DATABASE "{database}" WITH (FORCE)')
    server.close()


@pytest.fixture(scope="module")
def before(old: Old) -> dict[str, int]:
    return old.counts()


@pytest.fixture(scope="module")
def links(old: Old) -> list[Row]:
    """The old links, as today's columns should hold them."""
    columns = "id, user_id, telegram_id, username, linked_at, unreachable_at"
    found = old.rows(f"SELECT {columns} FROM accounts_telegramaccount ORDER BY id")  # noqa: S608
    return [(pk, user, "telegram", str(chat), *rest) for pk, user, chat, *rest in found]


@pytest.fixture(scope="module")
def new(old: Old, before: dict[str, int], links: list[Row]) -> Old:
    old.migrate()
    return old


def test_no_row_is_lost(new: Old, before: dict[str, int]) -> None:
    after = new.counts()
    expected = {RENAMED.get(name, name): number for name, number in before.items()}
    expected["django_q_schedule"] = 1  # two every-minute tasks became one
    expected["auth_group"] += 2  # head and administrator, each with all of the role before
    # agents confirm who joins an organization, use ready answers and see announcements
    expected["auth_group_permissions"] += 2 + 5
    expected["auth_group_permissions"] += (22 + 8) + (22 + 8 + 18)
    assert {name: after[name] for name in expected} == expected
    assert sum(expected.values()) > 200


def test_links_stay_who_they_were(new: Old, links: list[Row]) -> None:
    columns = "id, user_id, channel, address, username, linked_at, unreachable_at"
    found = new.rows(f"SELECT {columns} FROM accounts_messengeraccount ORDER BY id")  # noqa: S608
    assert found == links
    assert len(found) == 2


def test_registrations_and_pins_are_telegrams(new: Old) -> None:
    for table in ("accounts_botregistration", "accounts_linkpin"):
        assert new.rows(f"SELECT DISTINCT channel FROM {table}") == [("telegram",)]  # noqa: S608
    open_pins = "SELECT id, address FROM accounts_linkpin WHERE closed_at IS NULL ORDER BY id"
    assert new.rows(open_pins) == [(7, "501000003"), (8, "501000004")]


def test_pin_mailed_before_still_fits(new: Old) -> None:
    [(registration, address, digest)] = new.rows(
        "SELECT registration_id, address, digest FROM accounts_linkpin WHERE id = 7"
    )
    value = f"7:{registration}:{address}:246810"
    assert digest == salted_hmac("accounts.LinkPin", value, secret=DEVELOPMENT_KEY).hexdigest()


def test_files_know_where_they_come_from(new: Old) -> None:
    found = dict(new.rows("SELECT name, source FROM tickets_attachment"))
    assert found["nginx.conf"] == "telegram:old-doc-due"
    assert found["dump.pcap"] == "telegram:old-doc-third-try"
    assert found["web-2.log"] == ""
    attempts = "SELECT attempts FROM telegram_bot_telegramfile ORDER BY id"
    assert new.rows(attempts)[-1] == (3,)


def test_notes_and_their_corrections_are_internal(new: Old) -> None:
    hidden = new.rows("SELECT id, kind FROM tickets_ticketevent WHERE is_internal ORDER BY id")
    assert hidden == [(15, "noted"), (34, "noted"), (35, "edited"), (38, "noted")]


def test_agents_may_see_the_links_they_saw(new: Old) -> None:
    granted = new.rows(
        "SELECT p.codename, p.name FROM auth_permission p"
        " JOIN auth_group_permissions g ON g.permission_id = p.id"
        " JOIN auth_group a ON a.id = g.group_id"
        " WHERE p.codename LIKE '%account' AND a.name = 'Специалист поддержки'"
    )
    assert granted == [("view_messengeraccount", "Can view связь с мессенджером")]


def test_one_schedule_does_what_two_did(new: Old) -> None:
    found = new.rows("SELECT name, func FROM django_q_schedule")
    assert found == [("every minute", "operations.tasks.every_minute")]


@pytest.mark.parametrize("name", QUEUED)
def test_task_queued_before_is_found(name: str) -> None:
    assert callable(import_string(name))


def test_titles_are_found_by_their_index(new: Old) -> None:
    catalogue = "sqlite_master" if connection.vendor == "sqlite" else "pg_class"
    column = "name" if connection.vendor == "sqlite" else "relname"
    query = f"SELECT 1 FROM {catalogue} WHERE {column} = 'ticket_title_start'"  # noqa: S608
    assert new.rows(query)


def test_the_way_back_is_open(new: Old, before: dict[str, int]) -> None:
    """Last: the rows are today's until here."""
    new.migrate_back(
        ("telegram_bot", "0004"), ("operations", "zero"), ("accounts", "0003"), ("tickets", "0004")
    )
    assert {name: new.counts()[name] for name in before} == before
