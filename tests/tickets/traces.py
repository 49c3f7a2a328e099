"""What a service leaves behind: events, letters in the queue, files."""

from tests.queue import Task
from tickets.models import Delivery, TicketEvent

DRAIN_MAIL = Task("tickets.tasks.drain", ("email",))
LETTERS_TO_ANNA = ["anna@alpha.example", "office@alpha.example"]


def told():
    """Every letter that was queued: what, and to whom."""
    rows = Delivery.objects.filter(channel="email").order_by("kind", "address")
    return [(row.kind, row.address) for row in rows]


def letters(kind, addresses=LETTERS_TO_ANNA):
    return [(kind, address) for address in addresses]


def happened():
    return [(event.kind, event.old_value, event.new_value) for event in TicketEvent.objects.all()]


def files_on_disk(settings):
    return [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]
