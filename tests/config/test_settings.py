import io
import json
import logging
import os
import runpy
import shutil
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import logs

SETTINGS = Path(__file__).resolve().parents[2] / "config" / "settings.py"
PUBLIC = {"PORTAL_URL": "https://support.example.com", "SECRET_KEY": "k" * 50}


@pytest.fixture
def load(tmp_path, monkeypatch):
    """The settings as a process with exactly this environment, and no `.env`, reads them."""
    place = tmp_path / "project" / "config"
    place.mkdir(parents=True)
    shutil.copy(SETTINGS, place)

    def load_settings(**environment):
        with monkeypatch.context() as patch:
            patch.setattr(os, "environ", dict(environment))
            patch.setattr("environ.Env.ENVIRON", os.environ)
            return runpy.run_path(str(place / "settings.py"))

    return load_settings


def test_empty_environment_boots_on_loopback(load):
    settings = load()
    assert settings["PORTAL_URL"] == "http://127.0.0.1:8000"
    assert settings["DATABASES"]["default"]["ENGINE"] == "django.db.backends.sqlite3"
    assert len(settings["SECRET_KEY"]) >= 50


@pytest.mark.parametrize(
    "url",
    [
        "https://support.example.com",
        "http://192.168.0.5:8000",
        "https://127.example.com",
        "https://127.0.0.1.example.com",
        "https://localhost.example.com",
        "https://127.0.0.1@example.com",
        "example.com",
    ],
)
def test_public_portal_without_a_secret_key_is_refused(load, url):
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        load(PORTAL_URL=url)


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://127.0.0.1/", "http://[::1]:8000"])
def test_development_key_serves_on_loopback(load, url):
    assert load(PORTAL_URL=url)["SECRET_KEY"].startswith("development-key")


def test_given_key_is_used(load):
    assert load(**PUBLIC)["SECRET_KEY"] == PUBLIC["SECRET_KEY"]


@pytest.mark.parametrize(("environment", "expected"), [({}, False), ({"DEBUG": "1"}, True)])
def test_debug_is_off_unless_set(load, environment, expected):
    assert load(**environment)["DEBUG"] is expected


@pytest.mark.parametrize(("scheme", "secure"), [("https", True), ("http", False)])
def test_cookies_and_redirects_follow_the_scheme(load, scheme, secure):
    settings = load(PORTAL_URL=f"{scheme}://support.example.com", SECRET_KEY="k" * 50)
    assert settings["SESSION_COOKIE_SECURE"] is secure
    assert settings["CSRF_COOKIE_SECURE"] is secure
    assert settings["SECURE_SSL_REDIRECT"] is secure
    assert bool(settings["SECURE_HSTS_SECONDS"]) is secure


def test_cookies_are_kept_from_scripts_and_other_sites(load):
    settings = load()
    for name in ("SESSION_COOKIE", "CSRF_COOKIE"):
        assert settings[f"{name}_HTTPONLY"] is True
        assert settings[f"{name}_SAMESITE"] == "Lax"


def test_hosts_and_origins_follow_the_portal_url(load):
    settings = load(**PUBLIC)
    assert "support.example.com" in settings["ALLOWED_HOSTS"]
    assert "*" not in settings["ALLOWED_HOSTS"]
    assert settings["CSRF_TRUSTED_ORIGINS"] == ["https://support.example.com"]


def test_forwarded_scheme_counts_only_behind_our_proxies(load):
    assert "SECURE_PROXY_SSL_HEADER" not in load(**PUBLIC)
    assert "SECURE_PROXY_SSL_HEADER" in load(**PUBLIC, TRUSTED_PROXIES="10.0.0.1")


def test_policy_allows_no_inline_scripts(load):
    directives = load()["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]
    assert directives["default-src"] == ["'self'"]
    assert directives["frame-ancestors"] == ["'none'"]
    assert "unsafe" not in str(directives)


def test_sqlite_is_set_up_for_several_processes(load):
    options = load()["DATABASES"]["default"]["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert options["timeout"] == 20
    assert "journal_mode=WAL" in options["init_command"]


@pytest.mark.parametrize(("environment", "days"), [({}, 7), ({"TICKET_AUTOCLOSE_DAYS": "0"}, 0)])
def test_days_of_silence_can_be_set(load, environment, days):
    assert load(**environment)["TICKET_AUTOCLOSE_DAYS"] == days


# Logs

TOKEN = "7000000001:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
SECRETS = [
    pytest.param(f"token {TOKEN} rejected", TOKEN, id="token"),
    pytest.param(f"GET https://api.telegram.org/bot{TOKEN}/getMe", TOKEN, id="token in a URL"),
    pytest.param(f"https://a.example/file/bot{TOKEN}/photos/1.jpg", TOKEN, id="token of a file"),
    pytest.param("contact +79161234567 shared", "9161234567", id="phone"),
    pytest.param("contact 79161234567", "9161234567", id="phone without plus"),
    pytest.param("звонил 8 (916) 123-45-67.", "123-45-67", id="phone with separators"),
    pytest.param("phone='+7 916 123 45 67'", "123 45 67", id="phone with spaces"),
    pytest.param("mail to anna.k+1@mail.alpha.example failed", "anna.k", id="e-mail"),
    pytest.param("{'anna@alpha.example': (550, b'no')}", "anna@", id="e-mail in a dict"),
]
FORMATTERS = [logs.TextFormatter("%(levelname)s %(message)s"), logs.JsonFormatter()]


@pytest.fixture(params=FORMATTERS, ids=["text", "json"])
def log(request):
    """A logger of its own and what it wrote."""
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    handler.setFormatter(request.param)
    logger = logging.getLogger("tests.redaction")
    logger.propagate = False
    logger.handlers = [handler]
    return logger, output


@pytest.mark.parametrize(("message", "secret"), SECRETS)
def test_log_hides_secrets_in_messages(log, message, secret):
    logger, output = log
    logger.warning("%s", message)
    assert secret not in output.getvalue()
    assert "<" in output.getvalue()


@pytest.mark.parametrize(("message", "secret"), SECRETS)
def test_log_hides_secrets_in_tracebacks(log, message, secret):
    logger, output = log
    try:
        raise ValueError(message)
    except ValueError:
        logger.exception("failed")
    assert "Traceback" in output.getvalue()
    assert secret not in output.getvalue()


@pytest.mark.parametrize(
    "message",
    ["ticket 12 at 2026-11-22 13:02:33,100", "chat 510000001", "Delivery 79161: SMTP 550"],
)
def test_log_keeps_ordinary_numbers(log, message):
    logger, output = log
    logger.warning(message)
    assert message in output.getvalue()


@pytest.mark.parametrize("newline", ["\n", "\r", "\r\n"])
def test_log_line_cannot_be_forged(log, newline):
    logger, output = log
    logger.warning("login %s", f"anna{newline}2026-11-22 INFO root: all is fine")
    assert output.getvalue().count("\n") == 1
    assert "\r" not in output.getvalue()
    assert "all is fine" in output.getvalue()


def test_json_log_is_one_object_a_line():
    record = logging.makeLogRecord({"msg": "две\nстроки «%s»", "args": ("ё",), "name": "portal"})
    line = logs.JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == "две\nстроки «ё»"
