"""What the logs hide, and the form of their lines."""

import io
import json
import logging

import pytest

from config import logs

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
