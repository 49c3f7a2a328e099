"""Every row of the table «Retention» in docs/operations.md: on both sides of its limit."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from axes.models import AccessAttempt
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import Failure, Task

from accounts.models import (
    DataExport,
    EmailChange,
    Erasure,
    JoinRequest,
    LinkPin,
    SecurityEvent,
    Session,
    SignUp,
    Usage,
)
from accounts.quotas import delete_old_usage
from accounts.retention import (
    delete_expired_logins,
    delete_old_pins,
    delete_old_security_events,
)
from config.queue import delete_old_failures
from operations.tasks import EVERY_MINUTE
from telegram_bot.models import Dialog, IncomingUpdate
from telegram_bot.tasks import delete_old_dialogs, delete_old_updates, forget_ended_links
from tests.factories import BotRegistrationFactory, OrganizationFactory, TicketFactory, UserFactory
from tickets.delivery import delete_old_deliveries
from tickets.erasures import forget_last_letters
from tickets.exports import archive_path, delete_old_exports
from tickets.forms import delete_old_forms
from tickets.models import Delivery, Draft, FormKey, Presence
from tickets.presence import delete_old_presences
from tickets.strays import delete_stray_files
from webhooks.models import Attempt
from webhooks.services import delete_old_attempts

pytestmark = pytest.mark.django_db
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def keep_pin(number: int) -> LinkPin:
    registration = BotRegistrationFactory()
    return LinkPin.objects.create(
        registration=registration, channel="telegram", address=str(number), closed_at=timezone.now()
    )


def keep_presence(number: int) -> Presence:
    return Presence.objects.create(user=UserFactory(), ticket=TicketFactory())


def keep_update(number: int) -> IncomingUpdate:
    return IncomingUpdate.objects.create(
        bot_id=1, update_id=number, telegram_id=1, chat_id=1, processed_at=timezone.now()
    )


def keep_delivery(number: int) -> Delivery:
    return Delivery.objects.create(
        channel="email", kind="status", address="a@b.example", key=str(number),
        state=Delivery.State.SENT,
    )  # fmt: skip


def keep_attempt(number: int) -> Attempt:
    return Attempt.objects.create(delivery=keep_delivery(number))


def keep_draft(number: int) -> Draft:
    return Draft.objects.create(user=UserFactory(), form="comment", body={"body": "слова"})


def keep_held_words(number: int) -> Draft:
    return Draft.objects.create(user=UserFactory(), form="comment", browser="b" * 43)


def keep_form_key(number: int) -> FormKey:
    return FormKey.objects.create(user=UserFactory(), key=uuid4(), purpose="comment")


def keep_session(number: int) -> Session:
    return Session.objects.create(session_key=f"s{number}", expire_date=timezone.now())


def keep_failed_login(number: int) -> AccessAttempt:
    return AccessAttempt.objects.create(username=f"u{number}", failures_since_start=1)


def keep_email_change(number: int) -> EmailChange:
    return EmailChange.objects.create(user=UserFactory(), email=f"{number}@new.example")


def keep_sign_up(number: int) -> SignUp:
    return SignUp.objects.create(email=f"{number}@new.example")


def keep_join_request(number: int) -> JoinRequest:
    return JoinRequest.objects.create(user=UserFactory(), organization=OrganizationFactory())


def keep_security_event(number: int) -> SecurityEvent:
    return SecurityEvent.objects.create(user=UserFactory(), kind=SecurityEvent.Kind.LOGIN)


def keep_usage(number: int) -> Usage:
    return Usage.objects.create(user=UserFactory(), kind="changes", used=1)


def keep_failed_task(number: int) -> Task:
    now = timezone.now()
    return Failure.objects.create(
        id=f"{number:032}", name=str(number), func="f", started=now, stopped=now, success=False
    )


def keep_dialog(number: int) -> Dialog:
    return Dialog.objects.create(telegram_id=number, chat_id=number, draft={"title": "слова"})


def keep_archive(number: int) -> DataExport:
    user = UserFactory()
    export = DataExport.objects.create(user=user, asked_by=user, state="ready")
    path = archive_path(export.pk)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return export


@dataclass(frozen=True)
class Kept:
    """A row of the table: by which field it grows old, for how long it is kept, what deletes it."""

    row: str  # of the table, as it begins
    make: Callable[[int], models.Model]
    field: str
    limit: timedelta
    delete: Callable[[], None]


DAY = timedelta(days=1)
KEPT = (
    Kept("incoming Telegram updates", keep_update, "received_at", 7 * DAY, delete_old_updates),
    Kept("dialogs of the bot", keep_dialog, "updated_at", DAY, delete_old_dialogs),
    Kept("PIN requests", keep_pin, "created_at", DAY, delete_old_pins),
    Kept("notices", keep_delivery, "created_at", 90 * DAY, delete_old_deliveries),
    Kept("requests of webhooks", keep_attempt, "at", 30 * DAY, delete_old_attempts),
    Kept("finished tasks", keep_failed_task, "stopped", 7 * DAY, delete_old_failures),
    Kept("keys of forms", keep_form_key, "created_at", DAY, delete_old_forms),
    Kept("drafts of the portal", keep_draft, "updated_at", 7 * DAY, delete_old_forms),
    Kept(
        "who has a card open", keep_presence, "seen_at", timedelta(minutes=10), delete_old_presences
    ),
    Kept("forms that met", keep_held_words, "updated_at", DAY, delete_old_forms),
    Kept("sessions", keep_session, "expire_date", timedelta(), delete_expired_logins),
    Kept(
        "failed logins", keep_failed_login, "attempt_time", timedelta(minutes=15),
        delete_expired_logins,
    ),
    Kept("links to new e-mails", keep_email_change, "asked_at", DAY, delete_expired_logins),
    Kept("e-mails typed to sign up", keep_sign_up, "asked_at", DAY, delete_expired_logins),
    Kept(
        "requests to join", keep_join_request, "asked_at", 30 * DAY, delete_expired_logins,
    ),
    Kept(
        "the security log", keep_security_event, "created_at", 90 * DAY,
        delete_old_security_events,
    ),
    Kept("counts of changes", keep_usage, "since", DAY, delete_old_usage),
    Kept("archives of personal data", keep_archive, "ended_at", 7 * DAY, delete_old_exports),
)  # fmt: skip
every_kind = pytest.mark.parametrize("kept", KEPT, ids=[kept.row for kept in KEPT])
# Held by tests of their own: files have no row, and an address has no age
ELSEWHERE = {
    "contents of files": delete_stray_files,
    "drafts, kept words": forget_ended_links,
    "the address of an erased": forget_last_letters,
}
FOR_EVER = ("tickets, comments", "the record of an erasure", "the desk's journal")


def make_aged(kept: Kept, number: int, age: timedelta) -> models.Model:
    row = kept.make(number)
    aged = {kept.field: timezone.now() - age}
    type(row)._base_manager.filter(pk=row.pk).update(**aged)
    return row


def left(row: models.Model) -> bool:
    return type(row)._base_manager.filter(pk=row.pk).exists()


@every_kind
def test_row_goes_after_its_time_and_not_before(kept):
    old = make_aged(kept, 1, kept.limit + timedelta(minutes=1))
    young = make_aged(kept, 2, kept.limit - timedelta(minutes=1))
    kept.delete()
    assert (left(old), left(young)) == (False, True)


@every_kind
def test_deletion_is_on_the_schedule(kept):
    assert kept.delete in EVERY_MINUTE


@every_kind
def test_clock_that_was_ahead_deletes_nothing_early(kept):
    row = make_aged(kept, 1, timedelta(hours=-1))  # written before the clock went back
    kept.delete()
    assert left(row)


@every_kind
def test_more_rows_cost_no_more_queries(kept):
    counts = []
    for number in (1, 3):
        for place in range(number):
            make_aged(kept, 10 * number + place, kept.limit + timedelta(minutes=1))
        with CaptureQueriesContext(connection) as captured:
            kept.delete()
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_every_row_of_the_document_is_held_here():
    lines = OPERATIONS.read_text().partition("## Retention")[2].splitlines()
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("| ")][2:]
    known = [*(kept.row for kept in KEPT), *ELSEWHERE, *FOR_EVER]
    assert [row for row in rows if not row.startswith(tuple(known))] == []
    assert [one for one in known if not any(row.startswith(one) for row in rows)] == []
    assert all(step in EVERY_MINUTE for step in ELSEWHERE.values())


def test_address_of_an_erased_person_goes_when_the_letter_has_ended(anna):
    erasure = Erasure.objects.create(
        user=anna, asked_by=anna, email="old@a.example", ended_at=timezone.now()
    )
    letter = keep_delivery(1)
    Delivery.objects.update(key=f"erased:{erasure.pk}", state=Delivery.State.QUEUED)
    forget_last_letters()
    assert left(letter)
    Delivery.objects.update(state=Delivery.State.FAILED)
    forget_last_letters()
    erasure.refresh_from_db()
    assert (left(letter), erasure.email) == (False, "")


def test_dialog_that_is_written_to_at_this_moment_stays(monkeypatch):
    row = make_aged(KEPT[1], 1, timedelta(hours=25))
    values_list = models.QuerySet.values_list

    def and_write(rows, *fields, **options):
        found = list(values_list(rows, *fields, **options))
        row.save()
        return found

    monkeypatch.setattr(models.QuerySet, "values_list", and_write)
    delete_old_dialogs()
    assert left(row)


def test_archive_goes_with_its_file():
    row = make_aged(KEPT[-1], 1, timedelta(days=8))
    delete_old_exports()
    assert not os.path.exists(archive_path(row.pk))
