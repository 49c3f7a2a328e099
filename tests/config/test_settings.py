import os
import runpy
import shutil
from pathlib import Path

import pytest

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


def test_key_that_is_not_given_is_one_that_no_server_starts_with(load):
    settings = load()
    assert settings["SECRET_KEY"] == settings["DEVELOPMENT_KEY"]


def test_given_key_is_used(load):
    assert load(**PUBLIC)["SECRET_KEY"] == PUBLIC["SECRET_KEY"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("", "-c jit=off"), ("?options=-c%20work_mem=8MB", "-c work_mem=8MB")],
)
def test_postgresql_compiles_no_statement_unless_the_address_says_what_else(load, asked, expected):
    database = load(DATABASE_URL=f"postgres://support@db/support{asked}")["DATABASES"]["default"]
    assert database["OPTIONS"] == {"options": expected}


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
