import gc
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client, TransactionTestCase, override_settings
from django.utils import timezone
from hypothesis import settings as hypothesis_settings
from hypothesis.configuration import set_hypothesis_home_dir

from accounts.models import User
from accounts.sessions import SessionStore
from tests import factories, kept_database, queue, rounds
from tickets import recording
from tickets.models import Face
from tickets.recording import customer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.local_telegram import Sandbox

PATIENCE = 30_000  # milliseconds for a page: a slow machine is no fault
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


# The same examples every time, whatever else the machine does: CI must not fail by chance.
hypothesis_settings.register_profile("steady", derandomize=True, deadline=None, database=None)
hypothesis_settings.load_profile("steady")
set_hypothesis_home_dir(Path(__file__).parent.parent / ".pytest_cache" / "hypothesis")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--on-another-database",
        action="store_true",
        help="leave out what asks no other way there (tests/rounds.py): the first one has it",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Browser tests run last: Playwright keeps an event loop running in the main thread."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
    if config.getoption("on_another_database"):
        kept = rounds.for_another_database(items)
        left_out = set(items) - set(kept)
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = kept


def pytest_collection_finish() -> None:
    """What is loaded now stays, so the garbage collector need not go through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20)


# Surroundings


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A file, as in production: SQLite in memory locks whole tables between threads."""
    if connection.vendor == "sqlite":
        place = tmp_path_factory.mktemp("database") / "test.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(place)
        kept_database.take(place)


@pytest.fixture(scope="session")
def django_db_keepdb(request: pytest.FixtureRequest) -> bool:
    """The file is new in any case; on PostgreSQL one may ask with --reuse-db."""
    return connection.vendor == "sqlite" or bool(request.config.getoption("reuse_db"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker) -> None:
    if connection.vendor == "sqlite":
        with django_db_blocker.unblock():
            kept_database.keep()


@pytest.fixture(scope="session", autouse=True)
def _test_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        STATIC_ROOT=tmp_path_factory.mktemp("static"),  # WhiteNoise warns of a missing one
        WHITENOISE_AUTOREFRESH=True,  # else it reads every static file for every test client
        TELEGRAM_BOT_TOKEN="",
        STAFF_EMAIL="",
        MIN_FREE_DISK_MB=0,  # this machine may have less
    ):
        yield


@pytest.fixture(scope="session")
def _places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("files")
    return (place / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _fresh_places(settings, _places: Iterator[Path]) -> None:
    """A name only: a folder for each of thousands of tests would cost more than most of them."""
    cache.clear()
    settings.MEDIA_ROOT = next(_places) / "media"


def _forget_rows(_case: TransactionTestCase) -> None:
    with transaction.atomic():
        for model in apps.get_models(include_auto_created=True):
            if model not in (ContentType, Permission):
                model._base_manager.all()._raw_delete("default")


def _sign_in(client: Client, user: User, backend: str | None = None) -> None:
    session = SessionStore()
    session[SESSION_KEY] = user._meta.pk.value_to_string(user)
    session[BACKEND_SESSION_KEY] = backend or settings.AUTHENTICATION_BACKENDS[1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key


@pytest.fixture(scope="session", autouse=True)
def _cheap_log_in() -> Iterator[None]:
    """A session is all that `force_login` is asked for. Django's also counts and logs the log-in
    as one through the page: a dozen queries for thousands of tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "_login", _sign_in)
        yield


@pytest.fixture(scope="session", autouse=True)
def _cheap_end_of_transactional_tests() -> Iterator[None]:
    """Django's flush truncates forty tables that a test has hardly written to, then makes every
    permission anew: on PostgreSQL half a second a test. Deleting rows leaves the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", _forget_rows)
        yield


class Clock:
    """Django's time, moved by hand."""

    def __init__(self) -> None:
        self.moved = timedelta()

    def now(self) -> datetime:
        return timezone.now()

    def advance(self, **duration: float) -> None:
        self.moved += timedelta(**duration)

    def sleep(self, seconds: float) -> None:
        self.advance(seconds=seconds)

    def monotonic(self) -> float:
        return self.moved.total_seconds()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """`clock.advance(minutes=10)` moves `timezone.now()`, also where it is a field's default."""
    clock = Clock()

    class AnyDatetime(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, datetime)

    class MovedDatetime(datetime, metaclass=AnyDatetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + clock.moved

    monkeypatch.setattr("django.utils.timezone.datetime", MovedDatetime)
    return clock


@pytest.fixture
def run_queue() -> Callable[..., list[queue.Task]]:
    return queue.run_queue


@pytest.fixture
def sandbox(settings) -> "Iterator[Sandbox]":
    """A Telegram of our own on free ports in this process, which the settings point to."""
    from tests.local_telegram import running_sandbox

    with running_sandbox() as sandbox:
        settings.TELEGRAM_API_URL = sandbox.url
        settings.TELEGRAM_BOT_TOKEN = sandbox.token
        yield sandbox


# The cast: Anna owns, Boris must not see, the agent serves


@pytest.fixture
def anna(db):
    return factories.UserFactory(
        username="anna",
        email="anna@alpha.example",
        first_name="Анна",
        last_name="Кузнецова",
        organization=factories.OrganizationFactory(
            name="ООО «Альфа»", email="office@alpha.example"
        ),
    )


@pytest.fixture
def boris(db):
    return factories.UserFactory(
        username="boris", email="boris@beta.example", first_name="Борис", last_name="Соколов"
    )


@pytest.fixture
def vera(anna):
    """Anna's colleague: their organization shares its tickets."""
    type(anna.organization).objects.filter(pk=anna.organization_id).update(shares_tickets=True)
    anna.organization.refresh_from_db()
    return factories.UserFactory(
        username="vera@alpha.example",
        email="vera@alpha.example",
        first_name="Вера",
        last_name="Маркова",
        organization=anna.organization,
    )


@pytest.fixture
def agent(db):
    return factories.SpecialistFactory(
        username="olga", email="olga@support.example", first_name="Ольга", last_name="Орлова"
    )


@pytest.fixture
def head(db):
    head = factories.AgentFactory(username="head")
    head.groups.add(Group.objects.get(name="Руководитель поддержки"))
    return head


@pytest.fixture
def by_anna(anna):
    return customer(anna, Face.BOT)


@pytest.fixture
def by_agent(agent):
    return recording.agent(agent)


@pytest.fixture
def product(db):
    return factories.ProductFactory(name="Облачный сервер")


@pytest.fixture
def registration(anna):
    return factories.BotRegistrationFactory(user=anna, phone="+79161234567")


@pytest.fixture
def linked(registration):
    """Anna, linked to her Telegram."""
    factories.MessengerAccountFactory(
        user=registration.user, address=str(510_000_001), username="anna_k"
    )
    return registration.user


# The browser


def find_chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def browser(django_db_setup) -> "Iterator[Browser]":
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no Chromium: install it or name it in $CHROMIUM")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright's loop counts as running, so Django would refuse queries in this thread
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: "Browser") -> "Iterator[Page]":
    """A fresh page in Russian; its script errors and CSP violations fail the test."""
    context = browser.new_context(
        locale="ru-RU",
        timezone_id="Europe/Moscow",
        reduced_motion="reduce",  # colours are measured, not what they pass through
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    problems: list[str] = []
    context.on("weberror", lambda error: problems.append(str(error.error)))
    context.on(
        "console",
        lambda message: "Content Security Policy" in message.text and problems.append(message.text),
    )
    yield page
    context.close()
    assert problems == []
