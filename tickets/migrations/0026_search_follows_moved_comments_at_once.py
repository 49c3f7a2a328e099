"""Many comments that move to another ticket renew two documents, not two for each of them.

On PostgreSQL only: on SQLite a comment is a document of its own, whose ticket the search reads anew.
"""

from importlib import import_module

from django.db import migrations

SEARCH = import_module("tickets.migrations.0014_ticket_search")

AT_ONCE = """
    DROP TRIGGER ticket_search_corrected ON tickets_comment;
    CREATE TRIGGER ticket_search_corrected AFTER UPDATE OF body, is_internal ON tickets_comment
        FOR EACH ROW WHEN ((OLD.body, OLD.is_internal) IS DISTINCT FROM (NEW.body, NEW.is_internal))
        EXECUTE FUNCTION ticket_search_of_comment();

    CREATE FUNCTION ticket_search_of_moved() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM ticket_search_renew(number) FROM (
            SELECT before.ticket_id AS number FROM before JOIN after USING (id)
            WHERE before.ticket_id <> after.ticket_id
            UNION
            SELECT after.ticket_id FROM before JOIN after USING (id)
            WHERE before.ticket_id <> after.ticket_id
            ORDER BY number
        ) AS moved;
        RETURN NULL;
    END $$;

    CREATE TRIGGER ticket_search_moved AFTER UPDATE ON tickets_comment
        REFERENCING OLD TABLE AS before NEW TABLE AS after
        FOR EACH STATEMENT EXECUTE FUNCTION ticket_search_of_moved();
"""
ONE_BY_ONE = """
    DROP TRIGGER ticket_search_moved ON tickets_comment;
    DROP FUNCTION ticket_search_of_moved();
"""


def follow_at_once(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(AT_ONCE)


def follow_one_by_one(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(ONE_BY_ONE)
        SEARCH.make_triggers(apps, schema_editor)


class Migration(migrations.Migration):
    dependencies = [("tickets", "0025_drafts_of_notes")]

    operations = [migrations.RunPython(follow_at_once, follow_one_by_one)]
