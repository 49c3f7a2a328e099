from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tickets", "0033_newest_deliveries")]
    operations = [
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("face"),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("status", "closed")),
                name="ticket_closed_face",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("priority"),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("status", "closed")),
                name="ticket_closed_priority",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("score"),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("status", "closed")),
                name="ticket_closed_score",
            ),
        ),
    ]
