"""What the pages around a card share."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse

from desk.lists import DeskAdmin
from desk.queue import list_behind, same_list
from tickets.models import Ticket

MAY_WRITE = "tickets.add_comment"
RELATED = ("requester", "organization", "product", "assignee", "incident")


def card_of(ticket: Ticket, request: HttpRequest) -> str:
    return reverse("admin:tickets_ticket_change", args=[ticket.pk]) + same_list(request)


def ticket_of(admin: DeskAdmin, request: HttpRequest, number: int) -> Ticket:
    """Of who may change tickets."""
    if not admin.has_change_permission(request):
        raise PermissionDenied
    ticket = Ticket.objects.select_related(*RELATED).filter(pk=number).first()
    if ticket is None:
        raise Http404
    return ticket


def page(
    admin: DeskAdmin, request: HttpRequest, ticket: Ticket | None, name: str, **context: Any
) -> TemplateResponse:
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "ticket": ticket,
        "card": card_of(ticket, request) if ticket else list_behind(request),
        "same_list": same_list(request),
        **context,
    }
    return TemplateResponse(request, f"admin/tickets/ticket/{name}.html", context)
