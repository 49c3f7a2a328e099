"""«Следить» on the card of a colleague's ticket."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.quotas import QuotaReached
from portal.requests import PortalRequest
from tickets.followers import follow, unfollow
from tickets.models import Ticket
from tickets.queries import led_ticket
from tickets.refusals import NotYours


def ticket_follow(request: PortalRequest, number: int) -> HttpResponse:
    """The button says what it wants, so that pressed twice it does no harm."""
    ticket = led_ticket(Ticket.objects.visible_to(request.user), number)
    if ticket is None:
        raise Http404
    if request.method != "POST" or ticket.requester_id == request.user.pk:
        return redirect(ticket)
    wants = request.POST.get("follow") == "yes"
    try:
        (follow if wants else unfollow)(ticket=ticket, user=request.user)
    except NotYours:
        raise Http404 from None
    except QuotaReached as refusal:
        messages.warning(request, str(refusal))
    else:
        text = _("Вы следите за заявкой: сообщим о том, что в ней происходит.")
        messages.success(request, text if wants else _("Вы больше не следите за заявкой."))
    return redirect(ticket)
