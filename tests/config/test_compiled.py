"""Compiled once, a query still asks the database each time, with the values of the time."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from accounts.links import is_in_force, linked_account
from accounts.models import BotRegistration, MessengerAccount
from config.compiled import Compiled
from telegram_bot.models import Dialog
from tests.factories import MessengerAccountFactory


def _since(user: int, channel: str, since: datetime, until: datetime) -> QuerySet[Any, Any]:
    consents = BotRegistration.objects.filter(user=user, channel=channel)
    return consents.filter(consented_at__gte=since, consented_at__lt=until)


def test_each_value_stands_in_its_own_place(db) -> None:
    consents, now = Compiled(_since, int, str, datetime, datetime), timezone.now()
    first, second = MessengerAccountFactory(), MessengerAccountFactory()
    hour = timedelta(hours=1)

    for link in (first, second):
        [found] = consents.rows(link.user_id, "telegram", now - hour, now + hour)
        assert found.user_id == link.user_id
    assert consents.first(first.user_id, "max", now - hour, now + hour) is None
    assert consents.first(first.user_id, "telegram", now + hour, now + hour) is None
    assert consents.first(first.user_id, "telegram", now - hour, now - hour) is None


def test_query_is_compiled_once_and_asked_each_time(
    db, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries
) -> None:
    link = MessengerAccountFactory()
    assert is_in_force(link.pk)
    monkeypatch.setattr(SQLCompiler, "as_sql", None)  # fails who compiles again

    with django_assert_num_queries(2):
        assert is_in_force(link.pk)
        assert not is_in_force(link.pk + 1)


def test_rows_bring_what_is_joined_and_fields_as_they_are(db, django_assert_num_queries) -> None:
    link = MessengerAccountFactory()
    with django_assert_num_queries(1):
        found = linked_account(channel="telegram", address=link.address)
        assert found is not None
        assert found.user.organization == link.user.organization

    Dialog.objects.create(telegram_id=1, chat_id=2, data={"ticket": 3})
    dialogs = Compiled(lambda chat: Dialog.objects.filter(chat_id=chat), int)
    [dialog] = dialogs.rows(2)
    assert dialog.data == {"ticket": 3}


def test_link_ends_with_its_consent_at_once(db) -> None:
    link = MessengerAccountFactory()
    assert is_in_force(link.pk)
    BotRegistration.objects.filter(user=link.user).update(withdrawn_at=timezone.now())
    assert not is_in_force(link.pk)
    assert linked_account(channel="telegram", address=link.address) is None
    BotRegistration.objects.filter(user=link.user).update(withdrawn_at=None)
    assert is_in_force(link.pk)
    MessengerAccount.objects.filter(pk=link.pk).delete()
    assert not is_in_force(link.pk)


def test_lock_is_in_the_compiled_query(db, django_assert_num_queries) -> None:
    locked = Compiled(lambda chat: Dialog.objects.select_for_update().filter(chat_id=chat), int)
    with transaction.atomic(), django_assert_num_queries(1) as asked:
        assert locked.first(1) is None
    locks = "FOR UPDATE" in asked.captured_queries[0]["sql"]
    assert locks == connection.features.has_select_for_update  # SQLite has no such words


@pytest.mark.django_db(transaction=True)
def test_rows_are_locked_in_a_transaction_only() -> None:
    link = MessengerAccountFactory()
    links = Compiled(lambda pk: MessengerAccount.objects.select_for_update().filter(pk=pk), int)
    with transaction.atomic():
        assert links.first(link.pk) == link
    with pytest.raises(TransactionManagementError):
        links.first(link.pk)


def test_query_that_reads_the_clock_is_refused(db) -> None:
    """Its moment would stand still in the process."""
    recent = Compiled(lambda user: _since(user, "telegram", timezone.now(), timezone.now()), int)
    with pytest.raises(ValueError, match="clock"):
        recent.first(1)
