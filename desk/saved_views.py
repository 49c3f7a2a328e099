"""Lists under a name of one's own: saved from the queue, renamed and deleted on their page."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from desk.lists import DeskAdmin, agent_of
from desk.queue import PAGE_VAR, kept, list_behind, query_of, same_list
from tickets.models import SavedView
from tickets.queries import read_number
from tickets.refusals import TicketRefused
from tickets.saved_views import (
    NAME_LIMIT,
    VIEWS_LIMIT,
    delete_view,
    rename_view,
    save_view,
    views_of,
)


def urls(admin: DeskAdmin) -> list[URLPattern]:
    def views(request: HttpRequest) -> HttpResponse:
        if not admin.has_view_permission(request):
            raise PermissionDenied
        return _views_page(admin, request)

    view = admin.admin_site.admin_view(views)
    return [path("views/", view, name="tickets_ticket_views")]


def address_of(view: SavedView) -> str:
    """Made anew from what it says, so it leads nowhere but to the list."""
    list_url = reverse("admin:tickets_ticket_changelist")
    return list_url + query_of(kept(QueryDict(view.query)))


def _views_page(admin: DeskAdmin, request: HttpRequest) -> HttpResponse:
    refusal: dict[str, Any] = {}
    if request.method == "POST":
        try:
            return HttpResponseRedirect(_act(request))
        except TicketRefused as refused:
            number = read_number(request.POST.get("view", ""))
            refusal = {"wrong": str(refused), "wrong_view": number, "typed": _typed(request)}
    views = views_of(agent_of(request))
    context = {
        **admin.admin_site.each_context(request),
        "title": _("Ошибка: ") * bool(refusal) + _("Мои виды"),
        "opts": admin.opts,
        "views": [(view, address_of(view)) for view in views],
        "is_full": len(views) >= VIEWS_LIMIT,
        "limit": VIEWS_LIMIT,
        "name_limit": NAME_LIMIT,
        "list_behind": list_behind(request),
        "same_list": same_list(request),
        **refusal,
    }
    return TemplateResponse(request, "admin/tickets/ticket/views.html", context)


def _act(request: HttpRequest) -> str:
    """Where to go on: to the list that was saved, or back to the page."""
    user, number = agent_of(request), read_number(request.POST.get("view", ""))
    here = reverse("admin:tickets_ticket_views") + same_list(request)
    if number is None:
        view = save_view(user=user, name=_typed(request), query=_asked(request))
        return address_of(view)
    if "delete" in request.POST:
        delete_view(user=user, number=number)
    else:
        rename_view(user=user, number=number, name=_typed(request))
    return here


def _typed(request: HttpRequest) -> str:
    return request.POST.get("name", "")


def _asked(request: HttpRequest) -> str:
    """What the list behind this page shows, from its first page on."""
    choice = kept(QueryDict(request.GET.get("list", "")))
    return urlencode({name: value for name, value in choice.items() if name != PAGE_VAR})
