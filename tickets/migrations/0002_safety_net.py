from django.db import migrations


def create_schedule(apps, schema_editor):
    Schedule = apps.get_model("django_q", "Schedule")
    Schedule.objects.get_or_create(
        name="tickets: every minute",
        defaults={"func": "tickets.tasks.every_minute", "schedule_type": "I", "minutes": 1},
    )


def delete_schedule(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name="tickets: every minute").delete()


class Migration(migrations.Migration):
    dependencies = [("tickets", "0001_initial"), ("django_q", "0018_task_success_index")]
    operations = [migrations.RunPython(create_schedule, delete_schedule)]
