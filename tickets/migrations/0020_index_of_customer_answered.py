from datetime import timedelta

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("tickets", "0019_what_agents_have_seen")]

    operations = [
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("next_due_at"),
                models.F("id"),
                condition=~Q(status="closed")
                & (Q(answered_at__isnull=False) | Q(paused_for__gt=timedelta()))
                & Q(last_word_by_agent=False),
                name="ticket_customer_answered",
            ),
        ),
    ]
