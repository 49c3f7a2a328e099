"""A real SMTP server in this process, to refuse and to break off."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

Answers = list[str]


class MailServer:
    """aiosmtpd's handler. `answers["MAIL"]` are what it says next; DATA may also "hang up"."""

    def __init__(self) -> None:
        self.answers: dict[str, Answers] = {"MAIL": [], "RCPT": [], "DATA": []}
        self.largest = 0  # bytes; a larger letter is refused as DATA would be
        self.too_large = "552 5.3.4 Message too big"
        self.letters: list[EmailMessage] = []
        self.sizes: list[int] = []
        self.tries = 0

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.tries += 1
        answer = self._next("MAIL")
        if answer == "250 OK":
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        answer = self._next("RCPT")
        if answer == "250 OK":
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.sizes.append(len(content))
        too_large = bool(self.largest and len(content) > self.largest)
        answer = self.too_large if too_large else self._next("DATA")
        if answer == "hang up":
            server.transport.abort()
        elif answer == "250 OK":
            self.letters.append(message_from_bytes(content, policy=policy.default))  # type: ignore[arg-type]
        return answer

    def _next(self, step: str) -> str:
        return self.answers[step].pop(0) if self.answers[step] else "250 OK"

    def text(self, place: int = -1) -> str:
        part = self.letters[place].get_body(("plain",))
        assert part is not None
        return part.get_content().replace("\r\n", "\n")

    def files(self, place: int = -1) -> list[str | None]:
        return [part.get_filename() for part in self.letters[place].iter_attachments()]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(server: MailServer, announced: int | None) -> Iterator[int]:
    """Serve until the block ends, on the port yielded; `announced` is the SIZE it names."""
    port = free_port()
    controller = Controller(
        server, hostname="127.0.0.1", port=port, data_size_limit=announced, ready_timeout=5
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
