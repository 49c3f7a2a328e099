"""What the open card of a ticket asks for: who else is there, and what came meanwhile."""

from __future__ import annotations  # ModelAdmin[Ticket] is generic for the type checker only

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.middleware import asked_by_itself
from desk.lists import agent_of
from tickets.models import Ticket
from tickets.presence import DeskNews, Other, give_sign, leave, news_for_desk
from tickets.queries import read_number


def urls(admin: Any) -> list[URLPattern]:
    def presence(request: HttpRequest, pk: int) -> HttpResponse:
        if not admin.has_view_permission(request):
            raise PermissionDenied
        return _answer(request, pk)

    view = asked_by_itself(admin.admin_site.admin_view(presence))
    return [path("<int:pk>/presence/", view, name="tickets_ticket_presence")]


def _answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Only a POST says that its person is there: nothing is written on a read."""
    ticket = Ticket.objects.only("pk").filter(pk=pk).first()
    if ticket is None:
        raise Http404
    agent, news = agent_of(request), DeskNews()
    others: Sequence[Other] = ()
    if request.method == "POST" and request.POST.get("leaves"):
        leave(user=agent, ticket=ticket)
    elif request.method == "POST":
        others = give_sign(user=agent, ticket=ticket, writes=bool(request.POST.get("writes")))
        news = news_for_desk(ticket, read_number(request.POST.get("seen", "")) or 0, agent)
    return JsonResponse(
        {"others": _who(others), "news": _what(news), "number": news.number},
        json_dumps_params={"ensure_ascii": False},
    )


def _who(others: Sequence[Other]) -> str:
    """Who writes and who reads, in words without a gender: none is known."""
    writing = ", ".join(other.name for other in others if other.writes)
    reading = ", ".join(other.name for other in others if not other.writes)
    found = []
    if writing:
        found.append(_("Сейчас пишет: %(names)s") % {"names": writing})
    if reading:
        found.append(_("Карточка открыта ещё у: %(names)s") % {"names": reading})
    return ". ".join(found)


def _what(news: DeskNews) -> str:
    """What came, the customer's words first, one's own last."""
    if news.by_customers:
        return ngettext(
            "Новый комментарий клиента — показать",
            "Новые комментарии клиента — показать",
            news.by_customers,
        )
    if news.by_agents:
        return _("Другой специалист ответил клиенту — показать")
    if news.notes:
        return _("Новая внутренняя заметка — показать")
    if news.by_oneself:
        return _("Вы написали в другой вкладке — показать")
    return _("Заявка изменилась — показать") if news.changes else ""
