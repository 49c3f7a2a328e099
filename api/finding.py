"""The ticket that an address names, for the caller; and where it is when it has another number."""

from django.conf import settings
from django.http import Http404, HttpResponse
from django.urls import reverse

from api.callers import Caller
from tickets.models import Ticket
from tickets.queries import led_ticket
from tickets.refusals import TicketClosed, TicketMerged


def find(caller: Caller, number: int) -> Ticket:
    """The ticket of a number, or the one that it leads to; foreign and missing look the same."""
    ticket = led_ticket(caller.cards(), number)
    if ticket is None:
        raise Http404
    return ticket


def find_to_change(caller: Caller, number: int) -> Ticket:
    """Raises TicketMerged, which names the ticket that is left, and Http404.

    One that was merged into a ticket which the caller may not see is a closed one for them.
    """
    ticket = find(caller, number)
    if ticket.pk != number:
        raise TicketMerged(number, ticket.pk)
    if ticket.merged_into_id:
        raise TicketClosed
    return ticket


def led_to(name: str, ticket: Ticket) -> HttpResponse:
    """From a number that was merged."""
    return HttpResponse(status=308, headers={"Location": address_of(name, ticket.pk)})


def address_of(name: str, number: int) -> str:
    return settings.PORTAL_URL + reverse(f"api:{name}", args=[number])
