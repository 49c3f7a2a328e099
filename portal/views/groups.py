"""The portal's page of Telegram groups."""

from collections import defaultdict

from django.http import HttpResponse
from django.shortcuts import render

from accounts.models import User
from portal.requests import PortalRequest
from telegram_bot.models import Group, GroupTicket
from tickets.models import Ticket

GROUPS_SHOWN = 50
TICKETS_COUNTED = 100  # open ones, of all groups together
TICKETS_NAMED = 3  # of a group


def group_list(request: PortalRequest) -> HttpResponse:
    """The groups that the person's tickets come from; other groups are not theirs to see."""
    mine = GroupTicket.objects.filter(ticket__in=Ticket.objects.own(request.user))
    groups = Group.objects.filter(pk__in=mine.values("group"))
    shown = list(
        groups.order_by("title", "pk").prefetch_related("products__product")[:GROUPS_SHOWN]
    )
    tickets, all_counted = _open_tickets(request.user)
    rows = [
        {
            "group": group,
            "open": f"{len(tickets[group.pk])}{'' if all_counted else '+'}",
            "tickets": tickets[group.pk][:TICKETS_NAMED],
        }
        for group in shown
    ]
    return render(request, "portal/groups.html", {"rows": rows})


def _open_tickets(user: User) -> tuple[dict[int, list[Ticket]], bool]:
    """The newest open tickets of each group, and whether these are all."""
    opened = Ticket.objects.own(user).open().filter(group_ticket__isnull=False)
    newest = opened.select_related("group_ticket").order_by("-pk")
    found = list(newest.only("title", "status", "group_ticket__group")[: TICKETS_COUNTED + 1])
    tickets: dict[int, list[Ticket]] = defaultdict(list)
    for ticket in found[:TICKETS_COUNTED]:
        tickets[ticket.group_ticket.group_id].append(ticket)
    return tickets, len(found) <= TICKETS_COUNTED
