"""The mailbox."""

import smtplib
import time
from email.message import EmailMessage

import pytest

from tests.local_telegram import Sandbox


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "support@localhost", "an@example.test"
    message["Subject"] = "ПИН-код"
    message.set_content("Ваш код: 123456")
    message.add_alternative("<b>123456</b>", subtype="html")
    message.add_attachment(b"text", maintype="text", subtype="plain", filename="лог.txt")
    return message


def deliver_letter(sandbox: Sandbox) -> None:
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=5) as smtp:
        smtp.send_message(letter(), to_addrs=["an@example.test", "copy@example.test"])


def test_mailbox_keeps_letters(sandbox: Sandbox) -> None:
    deliver_letter(sandbox)
    mail = sandbox.wait_for_mail("123456")

    assert (mail["subject"], mail["from"]) == ("ПИН-код", "support@localhost")
    assert mail["to"] == ["an@example.test", "copy@example.test"]
    assert "123456" in mail["text"]
    assert "<b>" in mail["html"]
    assert mail["attachments"] == [{"name": "лог.txt", "size": 4}]
    sandbox.clear_mail()
    assert sandbox.mail() == []


def test_mail_faults(sandbox: Sandbox) -> None:
    sandbox.fault("smtp_down")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        deliver_letter(sandbox)
    sandbox.fault("smtp_slow", seconds=0.05)
    began = time.monotonic()
    deliver_letter(sandbox)

    assert refused.value.smtp_code == 451
    assert time.monotonic() - began >= 0.05
    assert len(sandbox.mail()) == 1


@pytest.mark.parametrize(
    ("kind", "code", "kept"), [("smtp_lost_answer", 421, 1), ("smtp_too_large", 552, 0)]
)
def test_mail_refused_after_the_letter(sandbox: Sandbox, kind: str, code: int, kept: int) -> None:
    sandbox.fault(kind, seconds=0.01)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        deliver_letter(sandbox)

    assert refused.value.smtp_code == code
    assert len(sandbox.mail()) == kept
