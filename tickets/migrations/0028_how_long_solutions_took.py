from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tickets", "0027_files_of_answers_to_incidents")]

    operations = [
        migrations.RemoveIndex(model_name="ticketevent", name="event_moves"),
        migrations.AddField(
            model_name="ticketevent", name="solved_in", field=models.FloatField(null=True)
        ),
        migrations.AddField(
            model_name="ticketevent", name="solved_again_at", field=models.DateTimeField(null=True)
        ),
    ]
