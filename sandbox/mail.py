"""The mailbox: an SMTP server that keeps every letter in memory."""

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.state import Json, State

MAX_LETTERS = 2000


class Mailbox:
    """aiosmtpd's handler."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        fault = self._state.faults.take_mail()
        kind = fault.kind if fault else ""
        if kind == "smtp_down":
            return "451 4.3.0 The sandbox is told to refuse mail"
        if kind == "smtp_too_large":
            return "552 5.3.4 The sandbox is told to find the letter too large"
        if fault and kind == "smtp_slow":
            await asyncio.sleep(fault.seconds)
        letter: Any = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        entry = describe_letter(letter, [str(address) for address in envelope.rcpt_tos])
        self._state.mail.insert(0, {"id": self._state.number(), "at": self._state.clock(), **entry})
        del self._state.mail[MAX_LETTERS:]
        self._state.changed("mail")
        if fault and kind == "smtp_lost_answer":
            await asyncio.sleep(fault.seconds)
            return "421 4.4.2 The sandbox is told to lose the answer"
        return "250 2.0.0 OK"


def describe_letter(letter: EmailMessage, recipients: list[str]) -> Json:
    return {
        "from": str(letter.get("From", "")),
        "to": recipients,
        "subject": str(
            letter.get("Subject", "")
        ).strip(),  # a long word begins on a line of its own
        "text": _body(letter, "plain"),
        "html": _body(letter, "html"),
        "headers": {name: str(value) for name, value in letter.items()},
        "attachments": [
            {"name": part.get_filename() or "", "size": len(part.get_payload(decode=True) or b"")}
            for part in letter.iter_attachments()
        ],
    }


def _body(letter: EmailMessage, kind: str) -> str:
    part = letter.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part else ""


async def start_smtp(state: State, host: str, port: int) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    handler = Mailbox(state)
    return await loop.create_server(
        lambda: SMTP(handler, hostname="localhost", enable_SMTPUTF8=True, loop=loop), host, port
    )
