from django.db import migrations

# `email__istartswith` is another comparison on each database, so no index of the model serves both.
# On SQLite a migration that rebuilds the table drops this one; tests/desk/test_tickets notices.
CREATE = {
    "postgresql": (
        "CREATE INDEX user_email_start ON accounts_user (upper(email) text_pattern_ops)"
    ),
    "sqlite": "CREATE INDEX user_email_start ON accounts_user (email COLLATE NOCASE)",
}


def create_index(apps, schema_editor):
    schema_editor.execute(CREATE[schema_editor.connection.vendor])


def drop_index(apps, schema_editor):
    schema_editor.execute("DROP INDEX user_email_start")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_user_reset_mailed_at")]
    operations = [migrations.RunPython(create_index, drop_index)]
