import datetime

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def restore_index(apps, schema_editor):
    """SQLite rebuilt the table, and with it only the indexes that the models know."""
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(
            "CREATE INDEX IF NOT EXISTS ticket_title_start ON tickets_ticket (title COLLATE NOCASE)"
        )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_shared_tickets"),
        ("tickets", "0010_fill_visible_changes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, restore_index),
        migrations.CreateModel(
            name="Target",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "priority",
                    models.CharField(
                        choices=[
                            ("critical", "Критический"),
                            ("high", "Высокий"),
                            ("medium", "Средний"),
                            ("low", "Низкий"),
                        ],
                        max_length=10,
                        verbose_name="приоритет",
                    ),
                ),
                (
                    "answer_minutes",
                    models.PositiveIntegerField(
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="первый ответ, минут",
                    ),
                ),
                (
                    "solution_minutes",
                    models.PositiveIntegerField(
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="решение, минут",
                    ),
                ),
            ],
            options={
                "verbose_name": "срок",
                "verbose_name_plural": "сроки",
                "ordering": ["product", "priority"],
            },
        ),
        migrations.AddField(
            model_name="ticket",
            name="answer_breached_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="ответ просрочен"),
        ),
        migrations.AddField(
            model_name="ticket",
            name="answer_due_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="ответить до"),
        ),
        migrations.AddField(
            model_name="ticket",
            name="answer_warned_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="ticket",
            name="answered_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="первый ответ"),
        ),
        migrations.AddField(
            model_name="ticket",
            name="next_due_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="срок"),
        ),
        migrations.AddField(
            model_name="ticket",
            name="paused_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="ticket",
            name="paused_for",
            field=models.DurationField(default=datetime.timedelta),
        ),
        migrations.AddField(
            model_name="ticket",
            name="solution_breached_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="решение просрочено"),
        ),
        migrations.AddField(
            model_name="ticket",
            name="solution_due_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="решить до"),
        ),
        migrations.AddField(
            model_name="ticket",
            name="solution_warned_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="ticket",
            name="tell_due_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="ticketevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("created", "заявка создана"),
                    ("commented", "комментарий"),
                    ("edited", "комментарий исправлен"),
                    ("noted", "внутренняя заметка"),
                    ("status", "статус"),
                    ("priority", "приоритет"),
                    ("assigned", "исполнитель"),
                    ("rated", "оценка"),
                    ("reminded", "напоминание о закрытии"),
                    ("due", "срок"),
                ],
                max_length=20,
                verbose_name="событие",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("next_due_at"),
                models.F("id"),
                condition=models.Q(("status", "closed"), _negated=True),
                name="ticket_due",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("assignee"),
                models.F("next_due_at"),
                models.F("id"),
                condition=models.Q(("status", "closed"), _negated=True),
                name="ticket_due_of_agent",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("tell_due_at"),
                condition=models.Q(("tell_due_at__isnull", False)),
                name="ticket_due_untold",
            ),
        ),
        migrations.AddField(
            model_name="target",
            name="product",
            field=models.ForeignKey(
                blank=True,
                help_text="Пусто — для всех продуктов без своих сроков.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="targets",
                to="tickets.product",
                verbose_name="продукт",
            ),
        ),
        migrations.AddConstraint(
            model_name="target",
            constraint=models.UniqueConstraint(
                fields=("product", "priority"),
                name="one_target_of_product",
                violation_error_message="Срок для этого продукта и приоритета уже есть.",
            ),
        ),
        migrations.AddConstraint(
            model_name="target",
            constraint=models.UniqueConstraint(
                condition=models.Q(("product", None)),
                fields=("priority",),
                name="one_target_of_all",
                violation_error_message="Общий срок для этого приоритета уже есть.",
            ),
        ),
        migrations.RunPython(restore_index, migrations.RunPython.noop),
    ]
