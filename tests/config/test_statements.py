"""Statements put together once write what `save` and `bulk_create` would."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from config.statements import delete_where, insert_new, write_columns
from telegram_bot.models import Dialog, IncomingUpdate, TicketMessage
from tests.factories import UserFactory, open_ticket


def _update(number: int, **values: str) -> IncomingUpdate:
    return IncomingUpdate(bot_id=1, update_id=number, telegram_id=5, chat_id=5, **values)


def test_new_rows_are_stored_in_one_statement(db, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        assert insert_new([_update(1, payload='{"ё": "%s"}'), _update(2)]) == 2

    first, second = IncomingUpdate.objects.order_by("update_id")
    assert (first.payload, second.payload) == ('{"ё": "%s"}', "")
    assert first.received_at
    assert first.processed_at is None


def test_what_is_there_already_stays_as_it_is(db) -> None:
    insert_new([_update(1, payload="old")])

    assert insert_new([_update(1, payload="new"), _update(2), _update(2)]) == 1

    assert IncomingUpdate.objects.get(update_id=1).payload == "old"
    assert IncomingUpdate.objects.count() == 2


def test_columns_are_written_as_the_fields_hold_them(db, django_assert_num_queries) -> None:
    dialog = Dialog.objects.create(telegram_id=5, chat_id=5)
    Dialog.objects.update(updated_at=timezone.now() - timedelta(days=1))
    dialog.set_step("comment", ticket=7, words='«"%s»')
    dialog.draft_at = moment = timezone.now()

    with django_assert_num_queries(1):
        write_columns(dialog)

    found = Dialog.objects.get()
    assert (found.step, found.data, found.kept) == ("comment", {"ticket": 7, "words": '«"%s»'}, [])
    assert (found.draft_at, found.minute_at) == (moment, None)
    assert found.updated_at >= moment


def test_columns_that_are_not_named_stay(db) -> None:
    row, other = _update(1, payload="kept"), _update(2)
    IncomingUpdate.objects.bulk_create([row, other])
    row = IncomingUpdate.objects.get(update_id=1)
    row.payload, row.error, row.processed_at = "not written", "written", timezone.now()

    write_columns(row, "error", "processed_at")

    found, untouched = IncomingUpdate.objects.order_by("update_id")
    assert (found.payload, found.error, found.processed_at) == ("kept", "written", row.processed_at)
    assert (untouched.error, untouched.processed_at) == ("", None)


def test_broken_constraint_is_the_error_of_django(db) -> None:
    Dialog.objects.bulk_create(Dialog(telegram_id=number, chat_id=1) for number in (1, 2))
    dialog = Dialog.objects.get(telegram_id=2)
    dialog.telegram_id = 1

    with pytest.raises(IntegrityError), transaction.atomic():
        write_columns(dialog, "telegram_id")


def test_only_rows_of_all_the_values_are_deleted(db) -> None:
    ticket = open_ticket(UserFactory())
    for chat, message in ((1, 1), (1, 2), (2, 1)):
        TicketMessage.note(chat, message, ticket.pk)

    delete_where(TicketMessage, chat_id=1, message_id=2)

    left = TicketMessage.objects.values_list("chat_id", "message_id")
    assert set(left) == {(1, 1), (2, 1)}


def test_unknown_field_is_refused_before_anything_is_done(db) -> None:
    TicketMessage.note(1, 1, open_ticket(UserFactory()).pk)

    with pytest.raises(KeyError):
        delete_where(TicketMessage, chat=1)
    with pytest.raises(KeyError):
        write_columns(Dialog(pk=1), "stepp")

    assert TicketMessage.objects.exists()
