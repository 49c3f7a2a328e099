from django.db import migrations, models
from django.db.models import F, OuterRef, Q, Subquery


def fill(apps, schema_editor):
    deliveries = apps.get_model("tickets", "Delivery").objects
    events = apps.get_model("tickets", "TicketEvent").objects.filter(pk=OuterRef("event"))
    deliveries.exclude(event=None).update(ticket_id=Subquery(events.values("ticket_id")))
    deliveries.filter(state="queued", attempts__gt=0).update(first_tried_at=F("created_at"))
    schema_editor.connection.check_constraints()  # PostgreSQL makes no index while checks wait


class Migration(migrations.Migration):
    """Letters wait for those of their own ticket only; retries count from the first try."""

    dependencies = [("tickets", "0007_form_keys_and_drafts")]
    operations = [
        migrations.AddField(
            "delivery", "ticket",
            models.ForeignKey(
                "tickets.Ticket", on_delete=models.CASCADE, null=True, related_name="deliveries",
                verbose_name="заявка",
            ),
        ),
        migrations.AddField(
            "delivery", "first_tried_at", models.DateTimeField("первая попытка", null=True)
        ),
        migrations.AddIndex(
            "delivery",
            models.Index(
                F("channel"), F("address"), F("ticket"), F("id"), condition=Q(state="queued"),
                name="delivery_ticket_order",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]  # fmt: skip
