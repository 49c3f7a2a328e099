"""What the logs hide, and the form of their lines."""

import io
import json
import logging

import pytest
from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http.multipartparser import MultiPartParserError
from django.utils.log import AdminEmailHandler

from config import logs
from config.bodies import TooManyBodies

TOKEN = "7000000001:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
SECRETS = [
    (f"Forbidden: /profile/email/7:{'aB_-4' * 8}xyz/", "aB_-4" * 8),
    pytest.param(f"token {TOKEN} rejected", TOKEN, id="token"),
    pytest.param(f"GET https://api.telegram.org/bot{TOKEN}/getMe", TOKEN, id="token in a URL"),
    pytest.param(f"https://a.example/file/bot{TOKEN}/photos/1.jpg", TOKEN, id="token of a file"),
    pytest.param(
        "Internal Server Error: /password/reset/MQ/d2k8xv-0a1b2c3d4e5f/", "d2k8xv", id="reset link"
    ),
    pytest.param("Gone: /signup/12:kX_9-aZ3qWv/", "kX_9-aZ3", id="link to sign up"),
    pytest.param(
        f"Forbidden (CSRF cookie not set.): /invitation/{'0d' * 16}:kX_9-aZ3qWv/",
        "0d0d",
        id="invitation",
    ),
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


def test_traceback_shows_no_values_of_variables(log):
    logger, output = log
    try:
        code = f"{700_001 + 41}"
        raise ValueError("cannot be mailed" if code else "")
    except ValueError:
        logger.exception("failed")
    assert "cannot be mailed" in output.getvalue()
    assert "700042" not in output.getvalue()


@pytest.mark.parametrize(
    "error", [DisallowedHost, MultiPartParserError, RequestDataTooBig, TooManyBodies]
)
def test_request_nobody_can_read_is_one_line(log, error):
    logger, output = log
    logger.handlers[0].addFilter(settings.LOGGING["filters"]["brief"]["()"]())
    try:
        raise error
    except error:
        logger.exception("refused")
    assert "refused" in output.getvalue()
    assert "Traceback" not in output.getvalue()


def test_errors_are_mailed_to_nobody():
    """Django's letters of errors hold the request with its form, and every variable."""
    known = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    assert [
        log.name for log in known for row in log.handlers if isinstance(row, AdminEmailHandler)
    ] == []


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


@pytest.mark.parametrize(
    "name",
    ["telegram.ext.Application", "telegram.Bot", "httpx", "httpcore.http11", "django.template",
     "django.db.backends"],
)  # fmt: skip
def test_what_prints_words_of_people_is_silent_whatever_is_asked_for(settings, name):
    """At DEBUG these print updates, request addresses, contexts of letters, parameters."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    try:
        assert logging.getLogger("portal").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)
    finally:
        root.setLevel(before)


def test_json_log_is_one_object_a_line():
    record = logging.makeLogRecord({"msg": "две\nстроки «%s»", "args": ("ё",), "name": "portal"})
    line = logs.JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == "две\nстроки «ё»"
