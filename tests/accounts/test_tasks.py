import logging
import re
import smtplib

import pytest
from django.apps import apps
from django.core import mail
from django_q.models import OrmQ

from accounts import services
from accounts.models import LinkPin
from accounts.tasks import mail_link_pin
from tests.accounts.steps import CHANNEL, other_than
from tests.queue import Task, queued
from tickets.models import Delivery

pytestmark = pytest.mark.django_db

ADDRESS = 510_000_001


@pytest.fixture
def pin(registration):
    return services.request_link_pin(registration=registration, address=ADDRESS)


@pytest.fixture
def smtp(monkeypatch):
    """A mail server to switch off: `smtp["error"] = OSError()`; `meanwhile` runs while it works."""
    switch = {"error": None, "meanwhile": lambda: None}
    deliver = mail.EmailMultiAlternatives.send

    def send(letter, fail_silently=False):
        meanwhile, switch["meanwhile"] = switch["meanwhile"], lambda: None
        meanwhile()
        if switch["error"]:
            raise switch["error"]
        return deliver(letter, fail_silently)

    monkeypatch.setattr(mail.EmailMultiAlternatives, "send", send)
    return switch


def mail_task(pin, attempt):
    return Task("accounts.tasks.mail_link_pin", (pin.pk, attempt))


def code_in(letter):
    [code] = set(re.findall(r"(?<!\d)\d{6}(?!\d)", letter.body))
    return code


def told(pin):
    """What was handed over about a PIN, in its order."""
    about = Delivery.objects.filter(channel=pin.channel, address=pin.address, data={"pin": pin.pk})
    return list(about.order_by("pk").values_list("kind", flat=True))


def forget_queue():
    OrmQ.objects.all().delete()


def test_mailed_code_links(pin, run_queue, anna):
    run_queue()
    [letter] = mail.outbox
    assert letter.to == [anna.email]
    assert (
        services.confirm_link_pin(channel=CHANNEL, address=ADDRESS, code=code_in(letter)).user
        == anna
    )


def test_letter_says_the_code_in_text_and_html_but_not_in_the_subject(pin, run_queue):
    run_queue()
    [letter] = mail.outbox
    [(html, mimetype)] = letter.alternatives
    code = code_in(letter)
    assert mimetype == "text/html"
    assert code in html
    assert not re.search(r"\d", letter.subject)
    assert letter.extra_headers["Auto-Submitted"] == "auto-generated"
    assert letter.extra_headers["X-Auto-Response-Suppress"] == "All"


def test_code_is_nowhere_but_in_the_letter(pin, run_queue, caplog, monkeypatch):
    monkeypatch.setattr("secrets.randbelow", lambda _limit: 731942)
    caplog.set_level(logging.DEBUG)
    tasks = run_queue()
    assert code_in(mail.outbox[0]) == "731942"
    rows = [
        (model._meta.label, row)
        for model in apps.get_models(include_auto_created=True)
        for row in model._base_manager.values()
    ]
    assert ("accounts.LinkPin", LinkPin.objects.values().get()) in rows
    assert [row for row in rows if "731942" in str(row)] == []
    assert "731942" not in str(tasks) + str(queued()) + caplog.text


def test_sent_late_is_valid_ten_minutes_from_then(pin, clock, anna):
    clock.advance(hours=1)
    mail_link_pin(pin.pk)
    clock.advance(minutes=9)
    code = code_in(mail.outbox[0])
    assert services.confirm_link_pin(channel=CHANNEL, address=ADDRESS, code=code).user == anna


def test_task_run_twice_mails_once(pin):
    mail_link_pin(pin.pk)
    mail_link_pin(pin.pk)
    assert len(mail.outbox) == 1


def test_second_task_of_an_attempt_sends_nothing_while_the_letter_is_on_its_way(pin, smtp, anna):
    smtp["meanwhile"] = lambda: mail_link_pin(pin.pk)
    mail_link_pin(pin.pk)
    [letter] = mail.outbox
    assert (
        services.confirm_link_pin(channel=CHANNEL, address=ADDRESS, code=code_in(letter)).user
        == anna
    )


def test_failed_attempt_is_not_repeated_before_it_is_due(pin, smtp):
    smtp["error"] = OSError()
    mail_link_pin(pin.pk)
    mail_link_pin(pin.pk)
    pin.refresh_from_db()
    assert pin.mail_attempts == 1


def test_worker_back_after_an_hour_mails_once(pin, clock, run_queue):
    """Meanwhile the safety net queued the task again and again."""
    for _ in range(60):
        clock.advance(seconds=61)
        services.queue_due_pin_mails()
    assert set(queued()) == {mail_task(pin, 0)}
    run_queue()
    assert len(mail.outbox) == 1


def test_failure_of_a_pin_closed_meanwhile_is_told_to_nobody(pin, smtp, anna):
    forget_queue()
    smtp["error"] = OSError()
    smtp["meanwhile"] = lambda: services.unlink_messenger(user=anna, channel=CHANNEL)
    mail_link_pin(pin.pk)
    assert queued() == []
    pin.refresh_from_db()
    assert pin.closed_at is not None


def test_pin_that_is_gone_is_passed_over_quietly(pin, run_queue):
    pin.delete()
    assert len(run_queue()) == 1
    assert mail.outbox == []


def test_closed_pin_is_not_mailed(pin, anna):
    services.unlink_messenger(user=anna, channel=CHANNEL)
    mail_link_pin(pin.pk)
    assert mail.outbox == []


def test_pin_of_a_deactivated_account_is_not_mailed(pin, anna):
    anna.is_active = False
    anna.save()
    mail_link_pin(pin.pk)
    assert mail.outbox == []


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        smtplib.SMTPServerDisconnected("gone"),
        smtplib.SMTPAuthenticationError(535, b"no"),
        smtplib.SMTPRecipientsRefused({"anna@alpha.example": (451, b"later")}),
    ],
)
def test_dead_mail_server_plans_the_next_attempt(pin, smtp, error, clock, caplog):
    forget_queue()
    smtp["error"] = error
    before = clock.now()
    mail_link_pin(pin.pk)
    pin.refresh_from_db()
    assert 1.9 < (pin.mail_due_at - before).total_seconds() < 20
    assert pin.mail_attempts == 1
    assert pin.sent_at is None
    assert told(pin) == ["pin_delayed"]
    assert "anna@" not in caplog.text


@pytest.mark.parametrize("error", [ConnectionRefusedError(), smtplib.SMTPDataError(451, b"later")])
def test_code_of_a_letter_that_was_refused_is_not_waited_for(pin, smtp, error):
    smtp["error"] = error
    mail_link_pin(pin.pk)
    with pytest.raises(services.PinNotSent):
        services.confirm_link_pin(channel=CHANNEL, address=ADDRESS, code="123456")


def test_attempts_back_off_up_to_a_minute_and_are_told_of_once(pin, smtp, clock):
    smtp["error"] = OSError()
    waits = []
    for attempt in range(services.MAIL_ATTEMPTS - 1):
        mail_link_pin(pin.pk, attempt)
        pin.refresh_from_db()
        waits.append(round((pin.mail_due_at - clock.now()).total_seconds()))
        clock.advance(seconds=waits[-1])
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]
    assert told(pin) == ["pin_delayed"]


def test_last_attempt_closes_the_pin_and_tells_the_person(pin, smtp):
    smtp["error"] = OSError()
    for attempt in range(services.MAIL_ATTEMPTS):
        mail_link_pin(pin.pk, attempt)
        pin.refresh_from_db()
    assert pin.closed_at is not None
    assert told(pin)[-1] == "pin_failed"
    smtp["error"] = None
    mail_link_pin(pin.pk, services.MAIL_ATTEMPTS)
    assert mail.outbox == []


def test_mail_back_again_sends_a_fresh_code(pin, smtp, clock, anna):
    smtp["error"] = OSError()
    mail_link_pin(pin.pk)
    forget_queue()
    smtp["error"] = None
    clock.advance(seconds=3)
    services.queue_due_pin_mails()
    assert queued() == [mail_task(pin, 1)]
    mail_link_pin(pin.pk, 1)
    code = code_in(mail.outbox[0])
    assert services.confirm_link_pin(channel=CHANNEL, address=ADDRESS, code=code).user == anna


def test_due_mails_are_queued_once(pin, smtp, clock):
    smtp["error"] = OSError()
    mail_link_pin(pin.pk)
    forget_queue()
    services.queue_due_pin_mails()
    assert queued() == []  # not due yet
    clock.advance(seconds=3)
    services.queue_due_pin_mails()
    services.queue_due_pin_mails()
    assert len(queued()) == 1


def test_mail_of_a_killed_worker_is_sent_by_another(pin, clock, run_queue):
    services.new_pin_code(pin, 0)  # claimed, then killed before sending
    forget_queue()
    services.queue_due_pin_mails()
    assert queued() == []
    clock.advance(seconds=61)
    services.queue_due_pin_mails()
    assert [task.args for task in run_queue()] == [(pin.pk, 1)]
    assert len(mail.outbox) == 1
    assert services.confirm_link_pin(channel=CHANNEL, address=ADDRESS, code=code_in(mail.outbox[0]))


ANSWER_LOST = [
    smtplib.SMTPServerDisconnected("Connection unexpectedly closed"),
    smtplib.SMTPDataError(421, b"4.4.2 closing"),
]


@pytest.fixture
def arrived(monkeypatch, pin):
    """`arrived(error, attempt)`: the code of a letter that arrives, though sending it fails."""

    def mail_it(error, attempt=0):
        def send(letter, fail_silently=False):
            mail.outbox.append(letter)
            raise error

        with monkeypatch.context() as context:
            context.setattr(mail.EmailMultiAlternatives, "send", send)
            mail_link_pin(pin.pk, attempt)
        return code_in(mail.outbox[-1])

    return mail_it


@pytest.mark.parametrize("error", ANSWER_LOST)
def test_code_counts_though_the_answer_to_its_letter_was_lost(arrived, anna, error, run_queue):
    code = arrived(error)
    assert services.confirm_link_pin(channel=CHANNEL, address=ADDRESS, code=code).user == anna
    run_queue()
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("error", ANSWER_LOST)
def test_guesses_of_a_code_that_may_have_arrived_are_counted(arrived, error):
    code = arrived(error)
    for left in (4, 3, 2, 1):
        with pytest.raises(services.PinWrong) as refusal:
            services.confirm_link_pin(channel=CHANNEL, address=ADDRESS, code=other_than(code))
        assert refusal.value.tries_left == left
    with pytest.raises(services.PinLocked):
        services.confirm_link_pin(channel=CHANNEL, address=ADDRESS, code=other_than(code))


def test_code_counts_though_its_worker_was_killed(pin, anna, clock):
    code = services.new_pin_code(pin, 0)  # mailed, then killed
    clock.advance(seconds=40)
    assert services.confirm_link_pin(channel=CHANNEL, address=ADDRESS, code=code).user == anna


def test_code_of_a_lost_answer_ends_ten_minutes_after_it_was_made(arrived, clock):
    code = arrived(ANSWER_LOST[0])
    clock.advance(minutes=10, seconds=1)
    with pytest.raises(services.PinExpired):
        services.confirm_link_pin(channel=CHANNEL, address=ADDRESS, code=code)


def test_letter_sent_again_ends_the_code_before(arrived, pin, monkeypatch):
    codes = iter([111111, 222222])
    monkeypatch.setattr("secrets.randbelow", lambda _limit: next(codes))
    old = arrived(ANSWER_LOST[0])
    mail_link_pin(pin.pk, 1)
    with pytest.raises(services.PinWrong):
        services.confirm_link_pin(channel=CHANNEL, address=ADDRESS, code=old)
    new = code_in(mail.outbox[-1])
    assert services.confirm_link_pin(channel=CHANNEL, address=ADDRESS, code=new)


@pytest.mark.parametrize("error", [None, OSError()])
def test_worker_that_was_overtaken_changes_nothing(pin, smtp, error):
    """It hung in its letter until another had the next attempt."""
    smtp["error"] = error
    smtp["meanwhile"] = lambda: services.new_pin_code(LinkPin.objects.get(), 1)
    mail_link_pin(pin.pk)
    pin = LinkPin.objects.get()
    assert (pin.mail_attempts, pin.sent_at) == (2, None)
    assert pin.mail_due_at is not None
    assert pin.expires_at is not None
    assert told(pin) == []


def test_pin_whose_last_mailer_was_killed_ends_and_the_person_is_told(pin, clock, run_queue):
    LinkPin.objects.update(mail_attempts=services.MAIL_ATTEMPTS - 1)
    services.new_pin_code(pin, services.MAIL_ATTEMPTS - 1)  # claimed, then killed
    forget_queue()
    clock.advance(seconds=61)
    services.queue_due_pin_mails()
    services.queue_due_pin_mails()
    assert told(pin) == ["pin_failed"]
    pin.refresh_from_db()
    assert pin.closed_at is not None


def test_sent_and_closed_pins_are_never_queued_again(pin, clock):
    mail_link_pin(pin.pk)
    forget_queue()
    clock.advance(minutes=5)
    services.queue_due_pin_mails()
    assert queued() == []
