"""All empty: nothing that happened before is marked as new to agents."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0018_details_topic_says_more"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="ticket",
            name="desk_version",
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="ticket",
            name="desk_changed_by",
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
            name="desk_version_before",
            field=models.PositiveBigIntegerField(null=True),
        ),
    ]
