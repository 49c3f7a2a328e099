from django.db import migrations

# `title__istartswith` is another comparison on each database, so no index of the model serves both.
# On SQLite a migration that rebuilds the table drops this one; tests/desk/test_tickets notices.
CREATE = {
    "postgresql": (
        "CREATE INDEX ticket_title_start ON tickets_ticket (upper(title) text_pattern_ops)"
    ),
    "sqlite": "CREATE INDEX ticket_title_start ON tickets_ticket (title COLLATE NOCASE)",
}


def create_index(apps, schema_editor):
    schema_editor.execute(CREATE[schema_editor.connection.vendor])


def drop_index(apps, schema_editor):
    schema_editor.execute("DROP INDEX ticket_title_start")


class Migration(migrations.Migration):
    dependencies = [("tickets", "0003_support_group")]
    operations = [migrations.RunPython(create_index, drop_index)]
