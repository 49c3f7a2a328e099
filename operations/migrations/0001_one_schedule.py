from django.db import migrations

BEFORE = {
    "tickets: every minute": "tickets.tasks.every_minute",
    "telegram: every minute": "telegram_bot.tasks.every_minute",
}
NAME, FUNC = "every minute", "operations.tasks.every_minute"
MINUTELY = {"schedule_type": "I", "minutes": 1}


def join(apps, schema_editor):
    schedules = apps.get_model("django_q", "Schedule").objects
    if not schedules.filter(name="tickets: every minute").update(name=NAME, func=FUNC):
        schedules.get_or_create(name=NAME, defaults={"func": FUNC, **MINUTELY})
    schedules.filter(name__in=BEFORE).delete()


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
