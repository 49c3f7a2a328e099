"""The list of the desk: what it finds, and where changes of ticked tickets begin."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy

from desk.bulk import BULK, carry_out, page_of, tell
from desk.incidents import adding_page
from desk.lists import DeskAdmin
from desk.queue import FILTERS, QueueList
from desk.ticket_around import MAY_WRITE
from tickets.bulk import newest_events
from tickets.models import Ticket
from tickets.queries import read_number
from tickets.refusals import KeyReused
from tickets.search import search_desk


def _action(name: str) -> Callable[..., HttpResponse | None]:
    needed = ["speak" if BULK[name].speaks else "change"]

    @admin.action(description=BULK[name].title, permissions=needed)
    def start(
        desk: "TicketList", request: HttpRequest, rows: QuerySet[Ticket]
    ) -> HttpResponse | None:
        return desk.start_bulk(request, rows, name)

    start.__name__ = name
    return start


class TicketList(DeskAdmin):
    """Every change goes through `tickets.services`."""

    list_select_related = ("requester", "organization", "product", "assignee")
    list_filter = FILTERS
    search_fields = ("id",)  # shows the box; `get_search_results` decides
    search_help_text = gettext_lazy(
        "Номер заявки, слова из неё, почта, телефон, @имя или фамилия инициатора, организация"
    )
    actions = (*map(_action, BULK), "into_incident")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return QueueList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Ticket], search_term: str
    ) -> tuple[QuerySet[Ticket], bool]:
        return search_desk(queryset, search_term), False

    # Actions

    def has_speak_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request) and request.user.has_perm(MAY_WRITE)

    @admin.action(description=gettext_lazy("В инцидент № …"), permissions=["change"])
    def into_incident(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> HttpResponse:
        """Asks for the number on a page of its own."""
        ticked = queryset.order_by("pk").values_list("pk", flat=True)[: self.list_per_page]
        return HttpResponseRedirect(adding_page(list(ticked)))

    def start_bulk(
        self, request: HttpRequest, queryset: QuerySet[Ticket], name: str
    ) -> HttpResponse | None:
        """What needs no words is done at once, for at most a page of tickets."""
        numbers = list(queryset.order_by("pk").values_list("pk", flat=True)[: self.list_per_page])
        if name != "take":
            return HttpResponseRedirect(page_of(request, name, numbers))
        shown = read_number(request.POST.get("shown", ""))
        seen = newest_events(numbers) if shown is None else dict.fromkeys(numbers, shown)
        try:
            outcome = carry_out(request, name, seen, {})
        except KeyReused:  # the browser went back to the list, and others were ticked
            outcome = carry_out(request, name, seen, {}, afresh=True)
        tell(request, outcome)
        return None
