from django.db import migrations
from django.db.models import Q

BEFORE = {
    "tickets: every minute": "tickets.tasks.every_minute",
    "telegram: every minute": "telegram_bot.tasks.every_minute",
}
NAME, FUNC = "every minute", "operations.tasks.every_minute"
MINUTELY = {"schedule_type": "I", "minutes": 1}


def join(apps, schema_editor):
    """By what they run, too: a name can be changed in the admin."""
    schedules = apps.get_model("django_q", "Schedule").objects
    known = Q(name__in=[NAME, *BEFORE]) | Q(func__in=[FUNC, *BEFORE.values()])
    kept = schedules.filter(known).order_by("pk").first()
    if kept is None:
        schedules.create(name=NAME, func=FUNC, **MINUTELY)
        return
    schedules.filter(pk=kept.pk).update(name=NAME, func=FUNC)
    schedules.filter(known).exclude(pk=kept.pk).delete()


def part(apps, schema_editor):
    schedules = apps.get_model("django_q", "Schedule").objects
    schedules.filter(name=NAME).delete()
    for name, func in BEFORE.items():
        schedules.get_or_create(name=name, defaults={"func": func, **MINUTELY})


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0002_safety_net"),
        ("telegram_bot", "0002_safety_net"),
        ("django_q", "0018_task_success_index"),
    ]
    operations = [migrations.RunPython(join, part)]
