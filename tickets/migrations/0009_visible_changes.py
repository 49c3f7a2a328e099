import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def restore_index(apps, schema_editor):
    """SQLite rebuilt the table, and with it only the indexes that the models know."""
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(
            "CREATE INDEX ticket_title_start ON tickets_ticket (title COLLATE NOCASE)"
        )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_shared_tickets"),
        ("tickets", "0008_delivery_ticket_and_first_try"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, restore_index),
        migrations.CreateModel(
            name="TicketRead",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveBigIntegerField()),
            ],
        ),
        migrations.RemoveIndex(
            model_name="ticket",
            name="ticket_open",
        ),
        migrations.RemoveIndex(
            model_name="ticket",
            name="ticket_closed",
        ),
        migrations.AddField(
            model_name="ticket",
            name="changed_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now, verbose_name="изменена для клиента"
            ),
        ),
        migrations.AddField(
            model_name="ticket",
            name="changed_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="ticket",
            name="last_word_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now, verbose_name="последнее сообщение"
            ),
        ),
        migrations.AddField(
            model_name="ticket",
            name="last_word_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="ticket",
            name="last_word_by_agent",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="ticket",
            name="version",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("requester"),
                models.OrderBy(models.F("changed_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("status", "closed"), _negated=True),
                name="ticket_own_open",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("requester"),
                models.OrderBy(models.F("changed_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("status", "closed")),
                name="ticket_own_closed",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("requester"),
                models.OrderBy(models.F("changed_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("status__in", ["waiting", "resolved"])),
                name="ticket_awaiting",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("organization"),
                models.OrderBy(models.F("changed_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="ticket_of_organization",
            ),
        ),
        migrations.AddField(
            model_name="ticketread",
            name="ticket",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="reads",
                to="tickets.ticket",
            ),
        ),
        migrations.AddField(
            model_name="ticketread",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="ticketread",
            constraint=models.UniqueConstraint(fields=("user", "ticket"), name="one_mark_a_reader"),
        ),
        migrations.RunPython(restore_index, migrations.RunPython.noop),
    ]
