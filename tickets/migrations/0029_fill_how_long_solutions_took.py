"""From the moves there are: the clock runs while a ticket is new or in progress.

A million tickets take a minute or two on PostgreSQL.
"""

from django.db import migrations

SECONDS = {  # between two times
    "postgresql": "date_part('epoch', {end} - {begin})",
    "sqlite": (
        "(strftime('%s', substr({end}, 1, 19)) - strftime('%s', substr({begin}, 1, 19))"
        " + ('0' || substr({end}, 20)) - ('0' || substr({begin}, 20)))"
    ),
}
STATEMENTS = (
    """
    CREATE TEMPORARY TABLE solution AS
    WITH move AS (
        SELECT id, ticket_id, created_at, old_value, new_value,
            lag(created_at) OVER (PARTITION BY ticket_id ORDER BY id) AS since
        FROM tickets_ticketevent WHERE kind = 'status'
    ), ran AS (
        SELECT move.id, ticket_id, move.created_at, old_value, new_value,
            sum(
                CASE WHEN old_value IN ('new', 'in_progress') AND move.created_at > {since}
                THEN {seconds} ELSE 0 END
            ) OVER (PARTITION BY ticket_id ORDER BY move.id) AS seconds
        FROM move JOIN tickets_ticket ON tickets_ticket.id = ticket_id
    )
    SELECT id, seconds, lead(created_at) OVER (PARTITION BY ticket_id ORDER BY id) AS again_at
    FROM ran
    WHERE new_value IN ('resolved', 'closed') AND old_value NOT IN ('resolved', 'closed')
    """,
    """
    UPDATE tickets_ticketevent SET solved_in = seconds, solved_again_at = again_at
    FROM solution WHERE solution.id = tickets_ticketevent.id
    """,
    "DROP TABLE solution",
)


def fill(apps, schema_editor):
    since = "coalesce(since, tickets_ticket.created_at)"
    seconds = SECONDS[schema_editor.connection.vendor].format(begin=since, end="move.created_at")
    with schema_editor.connection.cursor() as cursor:
        for statement in STATEMENTS:
            cursor.execute(statement.format(since=since, seconds=seconds))


class Migration(migrations.Migration):
    dependencies = [("tickets", "0028_how_long_solutions_took")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
