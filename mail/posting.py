"""How a letter with files gets past the size limits of mail servers: the words always arrive."""

import logging
import smtplib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from config.letters import describe_refusal, is_answer_lost, is_too_large
from tickets.models import Attachment

logger = logging.getLogger(__name__)

MAILED_FILES = 10 * 1024**2  # bytes of attachments in one letter; the rest is on the card
PART_HEADERS = 2048  # bytes, with an encoded name of 120 letters
HANG_UPS = 3  # tries after which a server that breaks off during a letter gets it without files

Files = Mapping[Attachment, bytes]
Writer = Callable[[Files], EmailMultiAlternatives]


class AnswerLost(ConnectionError):
    """A server that was ready for a letter has not said what became of it."""


def post(write: Writer, files: Sequence[Attachment], *, attempt: int) -> None:
    """Send the letter that `write` makes of the files that fit; if need be at once without files.

    `attempt` counts from 1. Raises what the server or the network answers to the last form.
    """
    with get_connection() as server:
        attached = _contents_that_fit(files, _room_for_files(server, write({})) if files else None)
        try:
            _send(write(attached), server)
        except OSError as error:
            if not attached or not (is_too_large(error) or _hangs_up(error, attempt)):
                raise
            logger.warning("A letter goes without files: %s", type(error).__name__)
        else:
            return
    with get_connection() as server:
        _send(write({}), server)


def encoded_size(size: int) -> int:
    """What a file of so many bytes takes in a letter: lines of 76 characters for 57 bytes."""
    return -(-size // 57) * 78 + PART_HEADERS


def announced_size(server: BaseEmailBackend) -> int | None:
    """The largest letter a server says it takes; None when it names no limit."""
    smtp = getattr(server, "connection", None)
    if smtp is None:  # letters that go to a file, the console or a test
        return None
    smtp.ehlo_or_helo_if_needed()
    size = smtp.esmtp_features.get("size", "").strip()
    return int(size) or None if size.isascii() and size.isdecimal() else None


def _room_for_files(server: BaseEmailBackend, letter: EmailMultiAlternatives) -> int | None:
    limit = announced_size(server)
    if limit is None:
        return None
    words = letter.message().as_bytes()
    return limit - PART_HEADERS - len(words) - words.count(b"\n")  # a line ends in two bytes


def _contents_that_fit(files: Iterable[Attachment], room: int | None) -> dict[Attachment, bytes]:
    found: dict[Attachment, bytes] = {}
    left = MAILED_FILES
    for file in files:
        size = encoded_size(file.size)
        if file.size > left or (room is not None and size > room):
            continue
        with suppress(OSError), file.file.open("rb") as content:  # one that cannot be read
            found[file] = content.read()
            left -= file.size
            room = None if room is None else room - size
    return found


def _send(letter: EmailMultiAlternatives, server: BaseEmailBackend) -> None:
    letter.connection = server
    try:
        letter.send()
    except OSError as error:
        if is_answer_lost(error):
            raise AnswerLost(describe_refusal(error)) from error
        raise


def _hangs_up(error: OSError, attempt: int) -> bool:
    """Some servers break off during a letter that is too large, instead of refusing it."""
    lost = (smtplib.SMTPServerDisconnected, ConnectionError, TimeoutError)
    return attempt >= HANG_UPS and isinstance(error, lost)
