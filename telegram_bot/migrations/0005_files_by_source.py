from django.db import migrations, models
from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Concat

PREFIX = "telegram:"


def name_sources(apps, schema_editor):
    files = apps.get_model("telegram_bot", "TelegramFile").objects
    file_id = files.filter(attachment=OuterRef("pk")).values("file_id")[:1]
    apps.get_model("tickets", "Attachment").objects.filter(
        pk__in=files.values("attachment")
    ).update(source=Concat(Value(PREFIX), Subquery(file_id)))


def restore_file_ids(apps, schema_editor):
    for file in apps.get_model("telegram_bot", "TelegramFile").objects.select_related("attachment"):
        file.file_id = file.attachment.source.removeprefix(PREFIX)
        file.save(update_fields=["file_id"])


class Migration(migrations.Migration):
    """The attachment itself names its file in Telegram; whom to tell follows from its sender."""

    dependencies = [
        ("telegram_bot", "0004_heartbeat_in_russian"),
        ("tickets", "0005_sources_and_internal_events"),
    ]
    operations = [
        # with defaults, so that the way back can make the columns again
        migrations.AlterField(
            "telegramfile", "file_id", models.CharField(max_length=200, default="")
        ),
        migrations.AlterField("telegramfile", "chat_id", models.BigIntegerField(default=0)),
        migrations.RunPython(name_sources, restore_file_ids),
        migrations.RemoveField("telegramfile", "file_id"),
        migrations.RemoveField("telegramfile", "chat_id"),
    ]
