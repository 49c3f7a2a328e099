from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("tickets", "0029_fill_how_long_solutions_took")]

    operations = [
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                "id", "product", "assignee", "organization", "merged_into", "created_at",
                "answered_at", "answer_breached_at", "solution_breached_at", name="ticket_figures",
            ),
        ),
        migrations.AddIndex(
            model_name="ticketevent",
            index=models.Index(
                "created_at", "ticket", "solved_again_at", "solved_in", "by_agent", "actor",
                condition=Q(solved_in__isnull=False), name="event_solved",
            ),
        ),
        migrations.AddIndex(
            model_name="ticketevent",
            index=models.Index(
                "created_at", "ticket", name="event_returned",
                condition=Q(
                    kind="status", old_value__in=["resolved", "closed"],
                    new_value__in=["new", "in_progress", "waiting"],
                ),
            ),
        ),
    ]  # fmt: skip
