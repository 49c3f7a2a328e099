"""That a person has seen a ticket on its page."""

import logging

from django.db import DatabaseError

from config.database import is_unavailable
from portal.requests import PortalRequest
from tickets.models import Ticket
from tickets.reads import mark_read

logger = logging.getLogger(__name__)


def note_look(request: PortalRequest, ticket: Ticket) -> None:
    """Mark a ticket of `with_reads` as read, unless the browser only loads it in advance.

    A database that takes nothing now keeps nobody from reading.
    """
    is_ahead = "prefetch" in request.headers.get("Sec-Purpose", "")
    if request.method != "GET" or is_ahead:
        return
    try:
        mark_read(ticket, request.user)
    except DatabaseError as error:
        if not is_unavailable(error):
            raise
        logger.warning("A look at ticket %s was not kept", ticket.pk)
