"""The database keeps the documents of the search, whoever writes, and takes out what is erased."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.models import Case, When
from django.db.utils import NotSupportedError

from tests.factories import CommentFactory, TicketFactory, open_ticket
from tests.tickets.personal_data import keep_everything, work_off
from tickets import comments
from tickets.erasures import request_erasure
from tickets.models import Comment, Ticket
from tickets.search import search_tickets

MIGRATION = import_module("tickets.migrations.0014_ticket_search")


def found(term: str, *, internal: bool = False) -> list[int]:
    rows = search_tickets(Ticket.objects.order_by("pk"), term, internal=internal)
    return list(rows.values_list("pk", flat=True))


@pytest.fixture
def ticket(anna):
    return TicketFactory(requester=anna, title="Заголовок", description="Описание srv-01")


def test_change_of_a_ticket_is_followed(ticket):
    CommentFactory(ticket=ticket, body="Комментарий")
    Ticket.objects.filter(pk=ticket.pk).update(title="Новое имя", description="Иначе srv-02")
    assert found("имя srv-02 комментарий") == [ticket.pk]
    assert found("заголовок") == found("srv-01") == found("описание") == []


def test_correction_and_continuation_of_a_comment_are_followed(anna, by_anna):
    ticket = open_ticket(anna)
    said = comments.add_comment(ticket=ticket, actor=by_anna, body="Опечатка srv-11")
    comments.correct_comment(
        comment=said, actor=by_anna, old="Опечатка srv-11", new="Исправлено srv-12"
    )
    comments.extend_comment(comment=said, body="Продолжение", files=[])
    comments.extend_description(ticket=ticket, body="Дополнение", files=[])
    assert found("исправлено продолжение дополнение srv-12") == [ticket.pk]
    assert found("опечатка") == found("srv-11") == []


def test_deleted_comment_is_found_no_more(ticket):
    said = CommentFactory(ticket=ticket, body="Лишнее srv-21")
    note = CommentFactory(ticket=ticket, body="Тайное srv-22", is_internal=True)
    Comment.objects.filter(pk__in=[said.pk, note.pk]).delete()
    assert found("лишнее", internal=True) == found("srv-22", internal=True) == []
    assert found("заголовок srv-01", internal=True) == [ticket.pk]


def test_comment_that_becomes_a_note_and_back_is_followed(ticket):
    said = CommentFactory(ticket=ticket, body="Секретное srv-31")
    Comment.objects.filter(pk=said.pk).update(is_internal=True)
    assert found("секретное") == found("srv-31") == []
    assert found("секретное srv-31", internal=True) == [ticket.pk]
    Comment.objects.filter(pk=said.pk).update(is_internal=False, body="Открытое srv-32")
    assert found("открытое srv-32") == [ticket.pk]
    assert found("секретное", internal=True) == []


def test_comment_that_moves_to_another_ticket_is_followed(ticket):
    other = TicketFactory(title="Другая")
    said = CommentFactory(ticket=ticket, body="Перенесено")
    note = CommentFactory(ticket=ticket, body="Сноска", is_internal=True)
    Comment.objects.filter(pk__in=[said.pk, note.pk]).update(ticket=other)
    assert found("перенесено") == [other.pk]
    assert found("сноска", internal=True) == found("сноска другая", internal=True) == [other.pk]


def test_many_comments_that_move_at_once_are_followed(ticket):
    """And those of a third ticket stay, which the same statement writes to, too."""
    other, third = TicketFactory(title="Другая"), TicketFactory(title="Третья")
    rows = [CommentFactory(ticket=ticket, body=f"перенос srv-4{number}") for number in range(3)]
    stays = CommentFactory(ticket=third, body="Остаток srv-50")
    moved = Comment.objects.filter(pk__in=[*(row.pk for row in rows), stays.pk])
    moved.update(ticket=Case(When(pk=stays.pk, then=third.pk), default=other.pk))
    assert found("перенос srv-40 srv-41 srv-42") == [other.pk]
    assert found("остаток srv-50") == [third.pk]
    Comment.objects.filter(pk=rows[0].pk).update(ticket=third, body="Сразу иначе srv-51")
    assert found("srv-40") == []
    assert found("сразу srv-51") == [third.pk]


def test_deleted_ticket_leaves_nothing(ticket):
    CommentFactory(ticket=ticket, body="Слово", is_internal=True)
    ticket.delete()
    assert rows_kept() == 0


def rows_kept() -> int:
    """Documents of the index, whether a search would show them or not."""
    tables = {
        "postgresql": ["tickets_ticketsearch"],
        "sqlite": ["tickets_ticketsearch_public", "tickets_ticketsearch_internal"],
    }
    with connection.cursor() as cursor:
        kept = 0
        for table in tables[connection.vendor]:
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608
            kept += cursor.fetchone()[0]
    return kept


def test_words_of_an_ended_change_are_not_kept(ticket):
    with transaction.atomic():
        CommentFactory(ticket=ticket, body="Откат")
        assert found("откат") == [ticket.pk]
        transaction.set_rollback(True)
    assert found("откат") == []


def test_ticket_longer_than_the_index_takes_is_still_written(ticket):
    """PostgreSQL has room for a megabyte of different words, and says no to more."""
    CommentFactory(ticket=ticket, body=" ".join(f"слово{n}" for n in range(30_000)))
    CommentFactory(ticket=ticket, body=" ".join(f"𐐷𐐷{n}" for n in range(60_000)))
    last = CommentFactory(ticket=ticket, body="Последнее srv-41")
    assert found("последнее") == found("srv-41") == found("заголовок") == [ticket.pk]
    Comment.objects.filter(pk=last.pk).update(body="Иное")
    assert found("иное") == [ticket.pk]
    assert found("srv-41") == []


def test_erased_words_leave_the_index(anna, agent):
    keep_everything(anna, agent)
    assert found("тайна") != []
    assert found("тайна иначе", internal=True) != []
    request_erasure(user=anna, asked_by=anna)
    work_off()
    for term in ("тайна", "тайны", "описания", "иначе", "слов"):
        assert found(term, internal=True) == []
    assert found("служебное", internal=True) != []  # the desk's words stay


# What a migration may lose


def triggers() -> set[str]:
    query = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'",
    }
    with connection.cursor() as cursor:
        cursor.execute(query[connection.vendor])
        return {name for (name,) in cursor.fetchall() if name.startswith("ticket_search_")}


def test_no_migration_has_lost_a_trigger(db):
    """SQLite rebuilds an altered table without them: end such a migration with `make_triggers`."""
    on_postgresql = {*MIGRATION.ON_POSTGRESQL, "ticket_search_moved"}  # since 0026
    expected = set(MIGRATION.ON_SQLITE) if connection.vendor == "sqlite" else on_postgresql
    assert triggers() == expected


def test_no_migration_has_lost_an_index_made_by_hand(db):
    query = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
        "postgresql": "SELECT indexname FROM pg_indexes",
    }
    with connection.cursor() as cursor:
        cursor.execute(query[connection.vendor])
        names = {name for (name,) in cursor.fetchall()}
    expected = {"ticket_title_start", "user_email_start"}
    expected |= {"user_first_name_start", "user_last_name_start", "user_username_start"}
    if connection.vendor == "postgresql":
        expected |= {"ticket_search_public", "ticket_search_internal"}
    assert expected <= names


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite rebuilds tables")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("model", [Ticket, Comment])
def test_rebuilt_table_can_have_its_triggers_again(model):
    """What a later migration does to add a column: the search lives on."""
    with connection.schema_editor() as editor:
        editor._remake_table(model)
    assert triggers() < set(MIGRATION.ON_SQLITE)
    with connection.schema_editor() as editor:
        MIGRATION.make_triggers(apps, editor)
        if model is Ticket:
            import_module("tickets.migrations.0004_title_start_index").create_index(apps, editor)
    assert triggers() == set(MIGRATION.ON_SQLITE)
    ticket = TicketFactory(title="После перестройки")
    CommentFactory(ticket=ticket, body="Живой поиск")
    assert found("перестройки живой") == [ticket.pk]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no extensions to ask for")
def test_refused_extension_tells_what_an_administrator_can_do(db):
    def migrate_as_nobody() -> None:
        with connection.cursor() as cursor:
            cursor.execute("DROP EXTENSION pg_trgm CASCADE")
            cursor.execute("CREATE ROLE search_nobody")
            cursor.execute("SET LOCAL ROLE search_nobody")
        MIGRATION.make_search(apps, SimpleNamespace(connection=connection))

    with (
        pytest.raises(NotSupportedError, match="run once.* CREATE EXTENSION pg_trgm;.* again"),
        transaction.atomic(),
    ):
        migrate_as_nobody()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no extensions to ask for")
def test_extension_that_an_administrator_has_made_is_not_asked_for(db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE search_nobody")
        cursor.execute("SET LOCAL ROLE search_nobody")
    MIGRATION._make_extension(SimpleNamespace(connection=connection))


@pytest.mark.django_db(transaction=True)
def test_existing_rows_are_filled_in(anna, agent):
    ticket = TicketFactory(requester=anna, title="Старая", description="Ёлка srv-51")
    CommentFactory(ticket=ticket, body="Слово srv-52")
    CommentFactory(ticket=ticket, body="Тайна srv-53", is_internal=True, author=agent)
    bare = TicketFactory(title="Пустая")
    with connection.schema_editor() as editor:
        MIGRATION.drop_search(apps, editor)
        MIGRATION.make_search(apps, editor)
    assert found("старая елка слово srv-51 srv-52") == [ticket.pk]
    assert found("тайна") == found("srv-53") == []
    assert found("тайна старая srv-53", internal=True) == [ticket.pk]
    assert found("пустая", internal=True) == [bare.pk]
