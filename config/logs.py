"""Log output: JSON or text, with tokens, reset links, phones and e-mails taken out in either."""

import json
import logging
import re
from datetime import UTC, datetime

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http.multipartparser import MultiPartParserError

REDACTIONS = (
    (re.compile(r"(password/reset/)[\w=-]+/[\w-]+"), r"\1<link>"),
    (re.compile(r"(signup/)(?!sent)[\w:-]+"), r"\1<link>"),
    (re.compile(r"(invitation/)[\w:-]+"), r"\1<link>"),
    (re.compile(r"(?<!\d)\d{1,19}:[A-Za-z0-9_-]{30,}"), "<token>"),
    (re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"), "<email>"),
    (
        re.compile(r"(?<![\w.])\+?[78][\s(-]*\d{3}[\s)-]*\d{3}[\s-]*\d{2}[\s-]*\d{2}(?!\d)"),
        "<phone>",
    ),
)
OF_STRANGERS = (BadRequest, SuspiciousOperation, MultiPartParserError)


def redact(text: str) -> str:
    for pattern, replacement in REDACTIONS:
        text = pattern.sub(replacement, text)
    return text


def without_needless_traceback(record: logging.LogRecord) -> bool:
    """Logging filter: a Bot API that is unreachable or refuses is one line, not a page.

    So is a request nobody can read: anybody sends as many as they like.
    """
    error = record.exc_info[0] if record.exc_info else None
    if error and (error.__module__ == "telegram.error" or issubclass(error, OF_STRANGERS)):
        record.exc_info = record.exc_text = None
    return True


class TextFormatter(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = record.message.replace("\r", "\\r").replace("\n", "\\n")  # one line each
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if record.exc_info:
            entry["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)
