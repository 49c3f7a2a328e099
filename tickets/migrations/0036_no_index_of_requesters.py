from django.db import migrations


class Migration(migrations.Migration):
    """SQLite read the lists of open and of closed tickets by it, past the indexes of their own."""

    dependencies = [("tickets", "0035_status_of_organizations_tickets")]
    operations = [migrations.RemoveIndex(model_name="ticket", name="ticket_of_requester")]
