from django.db import migrations, models

# `__istartswith` is another comparison on each database, so no index of the model serves both.
# On SQLite a migration that rebuilds the table drops these; tests/tickets/test_search_kept notices.
COLUMNS = {
    "user_first_name_start": "first_name",
    "user_last_name_start": "last_name",
    "user_username_start": "username",
}
KEYS = {"postgresql": "upper({}) text_pattern_ops", "sqlite": "{} COLLATE NOCASE"}


def create_indexes(apps, schema_editor):
    key = KEYS[schema_editor.connection.vendor]
    for name, column in COLUMNS.items():
        schema_editor.execute(f"CREATE INDEX {name} ON accounts_user ({key.format(column)})")


def drop_indexes(apps, schema_editor):
    for name in COLUMNS:
        schema_editor.execute(f"DROP INDEX {name}")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0021_webhook_events")]
    operations = [
        migrations.RunPython(create_indexes, drop_indexes),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                models.F("id"), condition=models.Q(("is_active", False)), name="user_closed"
            ),
        ),
    ]
