"""Tickets at the desk: the list and the card, and the pages of other modules around them."""

from types import ModuleType

from django.http import HttpRequest
from django.urls import URLPattern

from desk import (
    bulk,
    canned_picker,
    incidents,
    merging,
    presence,
    queue_news,
    saved_views,
    splitting,
    ticket_new,
    ticket_tools,
)
from desk.ticket_list import TicketList
from desk.ticket_page import TicketPage
from tickets.models import Ticket

# Modules with further pages of tickets; each has `urls(admin) -> list[URLPattern]`, every view of
# it wrapped in `admin.admin_site.admin_view`.
AROUND: tuple[ModuleType, ...] = (
    bulk,
    canned_picker,
    incidents,
    merging,
    presence,
    queue_news,
    saved_views,
    splitting,
    ticket_new,
    ticket_tools,
)


class TicketAdmin(TicketList, TicketPage):
    """The agents' desk."""

    def get_urls(self) -> list[URLPattern]:
        around = [pattern for module in AROUND for pattern in module.urls(self)]
        return [*around, *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Ticket | None = None) -> bool:
        return False
