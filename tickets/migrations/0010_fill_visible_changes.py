from django.db import migrations
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce


def fill(apps, schema_editor):
    """From the events there are: the newest public one, and the newest with words."""
    events = apps.get_model("tickets", "TicketEvent").objects.filter(
        ticket=OuterRef("pk"), is_internal=False
    )
    has_words = Q(kind="created") | Q(comment__isnull=False)
    newest = events.order_by("-pk")
    last_word = newest.filter(has_words).exclude(kind="edited")

    def of(rows, field):
        return Subquery(rows.values(field)[:1])

    apps.get_model("tickets", "Ticket").objects.update(
        changed_at=Coalesce(of(newest, "created_at"), F("created_at")),
        changed_by=of(newest, "actor"),
        version=Coalesce(of(newest, "pk"), 0),
        last_word_at=Coalesce(of(last_word, "created_at"), F("created_at")),
        last_word_by=of(last_word, "actor"),
        last_word_by_agent=Coalesce(of(last_word, "by_agent"), False),
    )


class Migration(migrations.Migration):
    dependencies = [("tickets", "0009_visible_changes")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
