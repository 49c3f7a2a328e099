from django.db import migrations, models

NEW, NAME = "ticket_organization_status", "ticket_of_organization"


class Migration(migrations.Migration):
    """The new index is made beside the old one: lists are read by one of them at any time."""

    dependencies = [("tickets", "0034_index_closed")]
    operations = [
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                models.F("organization"),
                models.OrderBy(models.F("changed_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                models.F("status"),
                name=NEW,
            ),
        ),
        migrations.RemoveIndex(model_name="ticket", name=NAME),
        migrations.RenameIndex(model_name="ticket", old_name=NEW, new_name=NAME),
    ]
