import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """How much a person has done in a while, for quotas."""

    dependencies = [("accounts", "0005_personal_data")]
    operations = [
        migrations.CreateModel(
            name="Usage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=20)),
                ("since", models.DateTimeField(default=django.utils.timezone.now)),
                ("used", models.PositiveBigIntegerField(default=0)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="usage",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index("since", name="usage_since")],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "kind"), name="one_usage_a_kind")
                ],
            },
        ),
    ]
