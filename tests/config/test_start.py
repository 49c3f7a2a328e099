"""The list of what does not start where others can reach the portal."""

import pytest
from django.conf import settings as django_settings
from django.core.management.base import CommandError

from config.start import is_loopback, open_places, start_safely

pytestmark = pytest.mark.django_db

SAFE = {
    "PORTAL_URL": "https://support.example.com",
    "ALLOWED_HOSTS": ["support.example.com", "127.0.0.1"],
    "SECRET_KEY": "Zq3xW8vN1mB5tR7yU2iO9pL4kJ6hG0fDsAeCwQzXvBnMlKjHgTy",
    "TRUSTED_PROXIES": ["10.0.0.1", "2001:db8::1"],
    "DEBUG": False,
    "WEBHOOK_ALLOW_PRIVATE": False,
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "EMAIL_HOST": "smtp.example.com",
    "DEFAULT_FROM_EMAIL": "Поддержка <support@example.com>",
    "TELEGRAM_WEBHOOK_URL": "https://bot.example.com/telegram",
    "TELEGRAM_WEBHOOK_SECRET": "s" * 31 + "-",
}
LOCAL = {"PORTAL_URL": "http://127.0.0.1:8000", "ALLOWED_HOSTS": ["127.0.0.1", "localhost"]}
SENDER = "DEFAULT_FROM_EMAIL"
SECRET = "TELEGRAM_WEBHOOK_SECRET"
PROXIES = "TRUSTED_PROXIES"


@pytest.fixture
def start(settings, tmp_path):
    """Start with the settings of a sound server but for those given; what it is refused with."""
    settings.BASE_DIR = tmp_path  # files of ours stay as they are

    def start(*served: str, **given: object) -> str:
        for name, value in {**SAFE, **given}.items():
            setattr(settings, name, value)
        try:
            start_safely(*served)
        except CommandError as refusal:
            return str(refusal)
        return ""

    return start


def test_a_sound_server_starts(start) -> None:
    assert start() == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "k"),
        ("SECRET_KEY", SAFE["SECRET_KEY"][:49]),
        ("SECRET_KEY", "abcd" * 20),
        ("SECRET_KEY", "django-insecure-" + str(SAFE["SECRET_KEY"])),
        ("SECRET_KEY", django_settings.DEVELOPMENT_KEY),
        ("DEBUG", True),
        ("WEBHOOK_ALLOW_PRIVATE", True),
        ("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend"),
        ("EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend"),
        ("EMAIL_HOST", ""),
        (SENDER, "Облако, поддержка <support@example.com>"),
        (SENDER, "support@example.com, other@example.com"),
        (SENDER, "Поддержка"),
        (SENDER, ""),
        (SENDER, "support@"),
        (SENDER, "поддержка@example.com"),
        (SENDER, "Поддержка <support@example.com>\nBcc: all@example.com"),
        (SENDER, "Поддержка <support@localhost>"),
        (SENDER, "support@LocalHost."),
        (SENDER, "support@desk.localhost"),
        (SENDER, "root@localhost.localdomain"),
        (SENDER, "support@[127.0.0.1]"),
        (SENDER, "noreply@cloud.invalid"),
        (SECRET, "s"),
        (SECRET, "s" * 31),
        (SECRET, "s" * 31 + "!"),
        (SECRET, ""),
        ("ALLOWED_HOSTS", ["support.example.com", "*"]),
        ("ALLOWED_HOSTS", ["support.example.com", ".example.com"]),
        (PROXIES, ["10.0.0.1", "10.0.0.0/8"]),
        (PROXIES, ["proxy"]),
        (PROXIES, ["10.0.0.1:8080"]),
        (PROXIES, ["2001:DB8::1"]),
        (PROXIES, ["::ffff:10.0.0.1"]),
    ],
)
def test_a_server_is_refused_in_one_line_that_names_the_setting(start, name, value) -> None:
    refusal = start(**{name: value})

    named = "EMAIL_URL" if name.startswith("EMAIL_") else name
    assert named in refusal
    assert "support.example.com" in refusal
    assert "\n" not in refusal
    assert refusal.count(";") == 0  # and nothing else is wrong


def test_every_reason_is_told_at_once(start) -> None:
    refusal = start(SECRET_KEY="k", DEBUG=True, EMAIL_HOST="", DEFAULT_FROM_EMAIL="a, b")

    for name in ("SECRET_KEY", "DEBUG", "EMAIL_URL", SENDER):
        assert name in refusal


def test_default_sender_is_for_ones_own_machine(start) -> None:
    """Whoever sets up a server has to name a sender."""
    assert SENDER in start(DEFAULT_FROM_EMAIL=django_settings.DEFAULT_FROM_EMAIL)


@pytest.mark.parametrize(
    "sender",
    ["support@example.com", "Облако — поддержка <a@mail.example.com>", "support@mailhost"],
)
def test_sender_that_letters_can_have_is_taken(start, sender) -> None:
    assert start(DEFAULT_FROM_EMAIL=sender) == ""


def test_no_webhook_needs_no_secret(start) -> None:
    assert start(TELEGRAM_WEBHOOK_URL="", TELEGRAM_WEBHOOK_SECRET="") == ""


def test_ones_own_machine_may_be_careless(start) -> None:
    assert start("127.0.0.1", SECRET_KEY="k", DEBUG=True, EMAIL_HOST="", **LOCAL) == ""


@pytest.mark.parametrize(
    ("served", "given"),
    [
        ((), {"PORTAL_URL": "https://support.example.com"}),
        ((), {"PORTAL_URL": "http://192.168.0.5:8000"}),
        ((), {"PORTAL_URL": "https://127.example.com"}),
        ((), {"PORTAL_URL": "https://127.0.0.1.example.com"}),
        ((), {"PORTAL_URL": "https://localhost.example.com"}),
        ((), {"PORTAL_URL": "https://127.0.0.1@example.com"}),
        ((), {"PORTAL_URL": "example.com"}),
        ((), {"ALLOWED_HOSTS": ["127.0.0.1", "support.example.com"]}),
        ((), {"ALLOWED_HOSTS": ["*"]}),
        ((), {"ALLOWED_HOSTS": [".example.com"]}),
        (("0.0.0.0",), {}),  # noqa: S104
        (("0",), {}),
        (("::",), {}),
        (("10.0.0.1",), {}),
    ],
)
def test_whatever_lets_others_in_counts(start, served, given) -> None:
    assert "SECRET_KEY" in start(*served, SECRET_KEY="k", **{**LOCAL, **given})


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000",
        "http://127.0.0.1/",
        "http://[::1]:8000",
        "http://127.8.8.8",
        "http://desk.localhost:8000",
    ],
)
def test_loopback_is_ones_own_machine(settings, url) -> None:
    settings.PORTAL_URL, settings.ALLOWED_HOSTS = url, ["[::1]"]

    assert open_places("", "127.0.0.1") == []


def test_names_that_only_look_like_loopback_are_none() -> None:
    for host in ("127.1", "127.0.0.1.nip.io", "localhost.example.com", "0x7f000001", ""):
        assert not is_loopback(host)
