"""What an open list asks for every few seconds: how many tickets of it are new or changed."""

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.middleware import asked_by_itself
from config.numerals import plural
from desk.lists import DeskAdmin, agent_of
from desk.queue import kept, narrowed, read_queue
from tickets.models import Ticket
from tickets.queries import bounded, read_number
from tickets.queue import news_in_queue


def urls(admin: DeskAdmin) -> list[URLPattern]:
    @require_GET
    def news(request: HttpRequest) -> HttpResponse:
        if not admin.has_view_permission(request):
            raise PermissionDenied
        return _news(request)

    view = asked_by_itself(admin.admin_site.admin_view(news))
    return [path("news/", view, name="tickets_ticket_news")]


def _news(request: HttpRequest) -> HttpResponse:
    """204 where the list shows all there is."""
    choice = kept(request.GET)
    rows = narrowed(Ticket.objects.all(), choice)
    queue = read_queue(choice.get("tab"))
    number = news_in_queue(rows, queue, agent_of(request), _since(request))
    if not number:
        return HttpResponse(status=204)
    words = {"number": bounded(number), "noun": plural(number, _("новая"), _("новых"), _("новых"))}
    return JsonResponse(
        {"number": words["number"], "words": _("%(number)s %(noun)s — показать") % words}
    )


def _since(request: HttpRequest) -> int:
    event = read_number(request.GET.get("since", ""))
    if event is None:
        raise BadRequest
    return event
