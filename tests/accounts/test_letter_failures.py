"""PIN and reset letters that do not leave: told, never stuck; and when those that left were."""

import logging
import smtplib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.core import mail

from accounts import services
from accounts.models import User
from accounts.tasks import mail_link_pin, mail_password_reset
from tests.accounts.steps import ADDRESS, CHANNEL, request_pin
from tickets.models import Delivery

pytestmark = pytest.mark.django_db

NO_SUCH_USER = smtplib.SMTPRecipientsRefused({"anna@alpha.example": (550, b"5.1.1 unknown")})


@pytest.fixture
def pin(registration):
    return request_pin(registration)


@pytest.fixture
def server_says(monkeypatch):
    """`server_says(error)`: every letter from now on ends so."""

    def say(error):
        def send(*_args, **_options):
            raise error

        monkeypatch.setattr(mail.EmailMultiAlternatives, "send", send)

    return say


def told(pin):
    rows = Delivery.objects.filter(channel=pin.channel, address=pin.address, data__pin=pin.pk)
    return [(row.kind, row.data.get("address_refused", False)) for row in rows.order_by("pk")]


@pytest.mark.parametrize("error", [NO_SUCH_USER, smtplib.SMTPDataError(554, b"5.7.1 refused")])
def test_refused_address_ends_the_pin_and_is_told_as_such(pin, server_says, error):
    server_says(error)
    mail_link_pin(pin.pk)
    pin.refresh_from_db()
    assert pin.closed_at is not None
    assert pin.mail_due_at is None
    assert told(pin) == [("pin_failed", True)]


@pytest.mark.parametrize("email", ["", "ж@alpha.example", "anna@" + "я" * 70 + ".рф", "anna@a..b"])
def test_address_no_letter_can_have_is_told_as_refused(pin, anna, email):
    type(anna).objects.filter(pk=anna.pk).update(email=email)
    mail_link_pin(pin.pk)
    assert told(pin) == [("pin_failed", True)]
    assert mail.outbox == []


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPSenderRefused(550, b"not you", "support@localhost"),
        smtplib.SMTPHeloError(550, b"who are you"),
        smtplib.SMTPNotSupportedError("no AUTH"),
        smtplib.SMTPDataError(451, b"later"),
        RuntimeError("a template of ours"),
        ValueError("odd"),
    ],
)
def test_any_other_failure_is_tried_again_and_told(pin, server_says, error):
    server_says(error)
    mail_link_pin(pin.pk)
    pin.refresh_from_db()
    assert pin.closed_at is None
    assert pin.mail_due_at is not None
    assert told(pin) == [("pin_delayed", False)]


def test_letter_that_cannot_be_made_leaves_no_code_behind(pin, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("secrets.randbelow", lambda _limit: 731942)

    def fail(_user, _name, *, code, **_context):
        raise KeyError(code)

    monkeypatch.setattr("accounts.tasks.letter_to", fail)
    mail_link_pin(pin.pk)
    assert told(pin) == [("pin_delayed", False)]
    assert "731942" not in caplog.text
    with pytest.raises(services.PinNotSent):
        services.confirm_link_pin(channel=CHANNEL, address=ADDRESS, code="731942")


@pytest.mark.parametrize("error", [NO_SUCH_USER, RuntimeError("ours"), OSError("down")])
def test_reset_letter_that_fails_may_be_asked_for_again_at_once(anna, server_says, error):
    server_says(error)
    mail_password_reset(anna.pk)
    anna.refresh_from_db()
    assert anna.reset_mailed_at is None


def test_reset_letter_to_an_impossible_address_ends_quietly(anna):
    type(anna).objects.filter(pk=anna.pk).update(email="ж@alpha.example")
    mail_password_reset(anna.pk)
    assert mail.outbox == []


@pytest.mark.parametrize(("zone", "name"), [("Europe/Moscow", "МСК"), ("Asia/Almaty", "UTC+5")])
@pytest.mark.parametrize("letter", ["pin", "reset"])
@pytest.mark.parametrize("whose", ["ours", "own"])
def test_letter_says_when_it_was_sent(registration, anna, settings, zone, name, letter, whose):
    settings.TIME_ZONE = zone if whose == "ours" else "Asia/Tokyo"
    User.objects.filter(pk=anna.pk).update(time_zone=zone if whose == "own" else "")
    registration.refresh_from_db()
    before = datetime.now(UTC).replace(second=0, microsecond=0)
    mail_link_pin(request_pin(registration).pk) if letter == "pin" else mail_password_reset(anna.pk)
    times = {before, datetime.now(UTC).replace(second=0, microsecond=0)}
    lines = {
        f"Отправлено {time.astimezone(ZoneInfo(zone)):%d.%m.%Y %H:%M} ({name})." for time in times
    }
    [sent] = mail.outbox
    [(html, _mimetype)] = sent.alternatives
    assert any(line in sent.body for line in lines)
    assert any(line in html for line in lines)
