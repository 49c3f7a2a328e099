from importlib import import_module

from django.db import migrations, models
from django.db.models import F, Q

FACES = [
    ("portal", "портал"), ("bot", "Telegram"), ("group", "группа Telegram"),
    ("admin", "рабочее место специалиста"), ("system", "система"),
]  # fmt: skip
KINDS = [
    ("created", "заявка создана"), ("commented", "комментарий"), ("edited", "комментарий исправлен"),
    ("noted", "внутренняя заметка"), ("status", "статус"), ("priority", "приоритет"),
    ("assigned", "исполнитель"), ("rated", "оценка"), ("reminded", "напоминание о закрытии"),
]  # fmt: skip


def mark_internal(apps, schema_editor):
    events = apps.get_model("tickets", "TicketEvent").objects
    events.filter(Q(kind="noted") | Q(comment__is_internal=True)).update(is_internal=True)


def index_titles_again(apps, schema_editor):
    """SQLite has just rebuilt the table of tickets, without the index that Django knows not of."""
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP INDEX IF EXISTS ticket_title_start")
        import_module("tickets.migrations.0004_title_start_index").create_index(apps, schema_editor)


def face():
    return models.CharField("канал", max_length=20, choices=FACES)


class Migration(migrations.Migration):
    """Room for more faces and kinds; files name their source; events say whom they are for."""

    dependencies = [("tickets", "0004_title_start_index")]
    operations = [
        migrations.AlterField("ticket", "face", face()),
        migrations.AlterField("comment", "face", face()),
        migrations.AlterField("ticketevent", "face", face()),
        migrations.AlterField(
            "ticketevent", "kind", models.CharField("событие", max_length=20, choices=KINDS)
        ),
        migrations.RunPython(index_titles_again, index_titles_again),
        migrations.AddField(
            "attachment", "source", models.CharField(max_length=250, blank=True, default=""),
            preserve_default=False,
        ),
        migrations.AddField(
            "ticketevent", "is_internal", models.BooleanField("внутреннее", default=False)
        ),
        migrations.RunPython(mark_internal, migrations.RunPython.noop),
        migrations.AddIndex(
            "attachment",
            models.Index(F("id"), condition=Q(state="pending"), name="attachment_pending"),
        ),
        migrations.AddIndex(
            "ticketevent",
            models.Index(F("ticket"), F("id"), condition=Q(is_internal=False), name="event_public"),
        ),
    ]  # fmt: skip
