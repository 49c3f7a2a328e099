"""What the suite does around its tests, where Django and pytest would do it at more cost."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import TransactionTestCase

from tests import kept_database
from tests.factories import TicketFactory


def tables_with_rows() -> set[type]:
    models = apps.get_models(include_auto_created=True)
    return {model for model in models if model._base_manager.exists()}


@pytest.mark.django_db(transaction=True)
def test_transactional_test_leaves_permissions_and_nothing_else(agent):
    agent.user_permissions.add(Permission.objects.first())
    TicketFactory()
    before = Permission.objects.count()
    assert len(tables_with_rows()) > 5

    TransactionTestCase()._fixture_teardown()

    assert tables_with_rows() == {ContentType, Permission}
    assert Permission.objects.count() == before > 0


@pytest.mark.parametrize(
    "name", ["accounts/models.py", "accounts/migrations/0001_initial.py", "requirements.txt"]
)
def test_other_tables_are_another_kept_database(settings, tmp_path, name):
    settings.BASE_DIR = tmp_path
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("one")
    before = kept_database.kept_database()
    assert kept_database.kept_database() == before

    (tmp_path / name).write_text("two")

    assert kept_database.kept_database() != before


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only a file is kept")
@pytest.mark.django_db(transaction=True)
def test_kept_database_is_a_copy_to_work_on(monkeypatch, tmp_path):
    monkeypatch.setattr(kept_database, "CACHE", tmp_path / "cache")
    TicketFactory()
    kept_database.take(tmp_path / "nothing")
    kept_database.keep()
    kept_database.take(tmp_path / "copy")

    assert not (tmp_path / "nothing").exists()
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".sqlite3"]
    assert (tmp_path / "copy").read_bytes().startswith(b"SQLite format 3\0")
