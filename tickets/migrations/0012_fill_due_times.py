from datetime import timedelta

from django.db import migrations
from django.db.models import OuterRef, Subquery
from django.utils import timezone

ANSWER = timedelta(minutes=60)
SOLUTION_HOURS = {"critical": 2, "high": 12, "medium": 24, "low": 48}
BATCH = 1000
FIELDS = (
    "answer_due_at", "answer_breached_at", "answer_warned_at", "solution_due_at",
    "solution_breached_at", "solution_warned_at", "next_due_at", "tell_due_at", "paused_at",
)  # fmt: skip


def fill(apps, schema_editor):
    """First answers of all tickets, due times of the open ones; of what is late nobody is told."""
    Ticket = apps.get_model("tickets", "Ticket")
    answers = apps.get_model("tickets", "Comment").objects.filter(
        ticket=OuterRef("pk"), by_agent=True, is_internal=False
    )
    first = Subquery(answers.order_by("pk").values("created_at")[:1])
    Ticket.objects.update(answered_at=first)
    now, batch = timezone.now(), []
    for ticket in Ticket.objects.exclude(status="closed").order_by("pk").iterator(BATCH):
        set_due_times(ticket, now)
        batch.append(ticket)
        if len(batch) == BATCH:
            Ticket.objects.bulk_update(batch, FIELDS)
            batch.clear()
    Ticket.objects.bulk_update(batch, FIELDS)


def set_due_times(ticket, now):
    answer_due = ticket.created_at + ANSWER
    solution_due = ticket.created_at + timedelta(hours=SOLUTION_HOURS[ticket.priority])
    ticket.answer_due_at, ticket.solution_due_at = answer_due, solution_due
    if (ticket.answered_at or now) >= answer_due:
        ticket.answer_breached_at, ticket.answer_warned_at = answer_due, now
    if (ticket.resolved_at or now) >= solution_due:
        ticket.solution_breached_at, ticket.solution_warned_at = solution_due, now
    if ticket.status in ("waiting", "resolved"):
        ticket.paused_at = ticket.resolved_at or ticket.updated_at
        return
    waited_for = [solution_due] if ticket.answered_at else [answer_due, solution_due]
    ticket.next_due_at = min(waited_for)
    ticket.tell_due_at = min((due for due in waited_for if due > now), default=None)


class Migration(migrations.Migration):
    dependencies = [("tickets", "0011_due_times")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
