"""What open pages ask for every few seconds, and what they then show without a reload."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from accounts.middleware import asked_by_itself
from accounts.models import User
from portal.looks import note_look
from portal.requests import PortalRequest
from portal.standing import awaiting_badge
from tickets.models import TicketEvent
from tickets.queries import (
    News,
    cards,
    changed_since,
    events_after,
    files_beside,
    news_of,
    read_number,
)
from tickets.reads import with_reads

Answer = Callable[..., HttpResponse]
Kind = TicketEvent.Kind


def for_scripts(view: Answer) -> Answer:
    """A GET of a page's script: without a session a 401, for a login page helps no script."""

    @login_not_required
    @require_GET
    @wraps(view)
    def wrapped(request: HttpRequest, **parameters: Any) -> HttpResponse:
        if not isinstance(request.user, User):
            return HttpResponse(status=401)
        return view(request, **parameters)

    return wrapped


@asked_by_itself
@for_scripts
def live(request: PortalRequest) -> HttpResponse:
    """Of any page: the badge, and how many tickets of the list have changed since it was made."""
    since = _since(request)
    is_list = request.GET.get("list", "")
    number = (
        changed_since(request.user, since, of_organization=is_list == "organization")
        if is_list
        else 0
    )
    return _told(request, number, _("Новое — обновить") if number else "")


@asked_by_itself
@for_scripts
def ticket_live(request: PortalRequest, number: int) -> HttpResponse:
    """Of a ticket's page: the badge, and what came after the last event that the page shows."""
    news = news_of(request.user, number, _version(request))
    if news is None:
        raise Http404
    return _told(request, news.number, _words(news) if news else "")


def _told(request: PortalRequest, number: int, words: str) -> HttpResponse:
    """204 where the page shows all there is."""
    awaiting = awaiting_badge(request)
    if not words and awaiting == request.GET.get("awaiting", ""):
        return HttpResponse(status=204)
    badge = render_to_string("portal/_badge.html", {"awaiting": awaiting})
    return JsonResponse({"awaiting": awaiting, "badge": badge, "number": number, "words": words})


def _words(news: News) -> str:
    if news.answers:
        words = ngettext("Новый ответ — показать", "Новые ответы — показать", news.answers)
    elif news.comments:
        words = ngettext(
            "Новый комментарий — показать", "Новые комментарии — показать", news.comments
        )
    else:
        words = _("Новое в заявке — показать")
    return words


@for_scripts
def ticket_news(request: PortalRequest, number: int) -> HttpResponse:
    """What came after the last event that a page shows, as parts to put into it."""
    version = _version(request)
    ticket = get_object_or_404(with_reads(cards(request.user), request.user), pk=number)
    events = events_after(ticket, version)
    shown = events[-1].pk if events else version
    note_look(request, ticket)
    context = {
        "ticket": ticket,
        "events": events,
        "files": files_beside(ticket, events, description=False),
        "version": shown,
        "is_moved": any(event.kind == Kind.STATUS for event in events),
    }
    return render(request, "portal/_news.html", context)


def _since(request: PortalRequest) -> datetime:
    try:
        since = parse_datetime(request.GET.get("since", ""))
        if since is None or timezone.is_naive(since):
            raise BadRequest
        return since.astimezone(UTC)
    except (ValueError, OverflowError):  # written well, but there is no such moment
        raise BadRequest from None


def _version(request: PortalRequest) -> int:
    version = read_number(request.GET.get("after", ""))
    if version is None:
        raise BadRequest
    return version
