"""PostgreSQL tells the worker of each new task once it is committed: config/queue_news.py listens.

The statement is PostgreSQL's own, so whoever queues a task sends no further one.
"""

from django.db import migrations

TELL = """
CREATE FUNCTION tell_of_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('queue', '');
    RETURN NULL;
END $$;
CREATE TRIGGER tell_of_task AFTER INSERT ON django_q_ormq
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_task();
"""
BE_SILENT = """
DROP TRIGGER tell_of_task ON django_q_ormq;
DROP FUNCTION tell_of_task();
"""


def begin(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(TELL)


def end(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(BE_SILENT)


class Migration(migrations.Migration):
    dependencies = [("operations", "0001_one_schedule")]
    operations = [migrations.RunPython(begin, end)]
