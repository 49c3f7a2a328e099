from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tickets", "0005_sources_and_internal_events")]
    operations = [
        migrations.AddIndex(
            model_name="attachment",
            index=models.Index(models.F("file"), name="attachment_file"),
        )
    ]
