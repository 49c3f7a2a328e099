import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0020_rights_over_tokens"),
        ("tickets", "0030_index_figures"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="ticket",
            name="opened_with",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="accounts.apitoken",
                verbose_name="открыта токеном",
            ),
        ),
        migrations.AlterField(
            model_name="comment",
            name="face",
            field=models.CharField(
                choices=[
                    ("portal", "портал"),
                    ("bot", "Telegram"),
                    ("group", "группа Telegram"),
                    ("api", "API"),
                    ("admin", "рабочее место специалиста"),
                    ("system", "система"),
                ],
                max_length=20,
                verbose_name="канал",
            ),
        ),
        migrations.AlterField(
            model_name="ticket",
            name="face",
            field=models.CharField(
                choices=[
                    ("portal", "портал"),
                    ("bot", "Telegram"),
                    ("group", "группа Telegram"),
                    ("api", "API"),
                    ("admin", "рабочее место специалиста"),
                    ("system", "система"),
                ],
                max_length=20,
                verbose_name="канал",
            ),
        ),
        migrations.AlterField(
            model_name="ticketevent",
            name="face",
            field=models.CharField(
                choices=[
                    ("portal", "портал"),
                    ("bot", "Telegram"),
                    ("group", "группа Telegram"),
                    ("api", "API"),
                    ("admin", "рабочее место специалиста"),
                    ("system", "система"),
                ],
                max_length=20,
                verbose_name="канал",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("opened_with"),
                models.F("created_at"),
                condition=models.Q(("opened_with__isnull", False)),
                name="ticket_of_token",
            ),
        ),
    ]
