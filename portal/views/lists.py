"""The list of tickets."""

from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render

from accounts.models import User
from portal.listing import STATUSES, Choice, Tab, from_list, read_choice
from portal.requests import PortalRequest
from portal.standing import standing_of
from tickets.models import Product, Ticket
from tickets.queries import (
    ORGANIZATION,
    REQUESTER,
    TicketPage,
    bounded,
    page_after,
    page_before,
)
from tickets.reads import with_reads
from tickets.search import search_tickets

TICKETS_A_PAGE = 20
SHOWN = (
    "title", "status", "changed_at", "changed_by_id", "version", "last_word_at",
    "last_word_by_agent", "requester_id", "merged_into_id", "product__icon", "product__name",
)  # fmt: skip
NAMES = ("first_name", "last_name", "username")


def ticket_list(request: PortalRequest) -> HttpResponse:
    choice = read_choice(request.GET)
    if choice.tab == Tab.ORGANIZATION and not standing_of(request).shares:
        choice = choice.on(Tab.OPEN)
    page = _page(request.user, choice)
    if page is None:
        return redirect(choice.first.url)
    return render(request, "portal/ticket_list.html", _context(request, choice, page))


def _page(user: User, choice: Choice) -> TicketPage | None:
    """None where a page before the first one is asked for."""
    rows, owner = _rows(user, choice.tab)
    if choice.product:
        rows = rows.filter(product=choice.product)
    if choice.status:
        rows = rows.filter(status=choice.status)
    if choice.term:
        rows = search_tickets(rows, choice.term, internal=False)
    people = ("last_word_by", "requester") if choice.tab == Tab.ORGANIZATION else ("last_word_by",)
    names = (f"{person}__{name}" for person in people for name in NAMES)
    rows = with_reads(rows.select_related("product", *people).only(*SHOWN, *names), user)
    if choice.is_before and choice.place:
        return page_before(rows, owner, TICKETS_A_PAGE, choice.place)
    return page_after(rows, owner, TICKETS_A_PAGE, choice.place)


def _rows(user: User, tab: Tab) -> tuple[QuerySet[Ticket], str]:
    if tab == Tab.ORGANIZATION:
        return Ticket.objects.of_organization(user), ORGANIZATION
    own = Ticket.objects.own(user)
    rows = {Tab.AWAITING: own.awaiting, Tab.OPEN: own.open, Tab.CLOSED: own.closed}[tab]()
    return rows, REQUESTER


def _context(request: PortalRequest, choice: Choice, page: TicketPage) -> dict[str, Any]:
    standing = standing_of(request)
    tabs = [tab for tab in Tab if tab != Tab.ORGANIZATION or standing.shares]
    return {
        "choice": choice,
        "page": page,
        "newer": choice.newer(page.newer).url if page.newer else "",
        "older": choice.older(page.older).url if page.older else "",
        "from_list": from_list(choice),
        "tabs": [(tab, choice.on(tab).url) for tab in tabs],
        "awaiting": bounded(standing.awaiting) if standing.awaiting else "",
        "products": partial(_products, page.tickets),  # asked for where there are filters
        "statuses": STATUSES[choice.tab],
    }


def _products(tickets: list[Ticket]) -> list[Product]:
    """To choose from: those on offer, and those of the tickets that are shown."""
    offered = list(Product.objects.filter(is_active=True))
    known = {product.pk for product in offered}
    others = {ticket.product_id: ticket.product for ticket in tickets}
    return [*offered, *(product for number, product in others.items() if number not in known)]
