from django.db import migrations


def create_schedule(apps, schema_editor):
    Schedule = apps.get_model("django_q", "Schedule")
    Schedule.objects.get_or_create(
        name="telegram: every minute",
        defaults={"func": "telegram_bot.tasks.every_minute", "schedule_type": "I", "minutes": 1},
    )


def delete_schedule(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name="telegram: every minute").delete()


class Migration(migrations.Migration):
    dependencies = [("telegram_bot", "0001_initial"), ("django_q", "0018_task_success_index")]
    operations = [migrations.RunPython(create_schedule, delete_schedule)]
