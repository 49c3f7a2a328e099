from django.db import migrations

READ_SO_FAR = """
    INSERT INTO tickets_ticketread (user_id, ticket_id, version)
    SELECT requester_id, id, version FROM tickets_ticket
    WHERE version > 0 AND NOT EXISTS (
        SELECT 1 FROM tickets_ticketread
        WHERE tickets_ticketread.user_id = tickets_ticket.requester_id
        AND tickets_ticketread.ticket_id = tickets_ticket.id
    )
"""


class Migration(migrations.Migration):
    """What was said before there were marks counts as read: else years of tickets would be new."""

    dependencies = [("tickets", "0014_ticket_search")]

    operations = [migrations.RunSQL(READ_SO_FAR, migrations.RunSQL.noop)]
