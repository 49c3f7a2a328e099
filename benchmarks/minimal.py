"""The bare floor: the least a Django page can do with the same rows.

Each view reads the session and the user through Django's own middleware, its rows in one query
where one is enough, and fills one flat template. It does without the product's other middleware,
forms, menu and styles, saves no session and knows none of the product's views or templates.
"""

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.handlers.wsgi import WSGIHandler
from django.db.models import F, FilteredRelation, Q
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path, reverse

from tickets.models import AWAITING, Attachment, Ticket, TicketEvent
from tickets.status import TicketStatus

ROWS_OF_LIST, ROWS_OF_DESK, EVENTS_OF_CARD = 20, 50, 100

HEAD = """<!doctype html><html lang="ru"><head><meta charset="utf-8">
<title>{{ title }}</title></head>
<body><p>{{ user }} {{ user.email }}</p><h1>{{ title }}</h1>"""
LIST = (
    HEAD
    + """<ul>{% for ticket in tickets %}<li>
<a href="/tickets/{{ ticket.pk }}/">{{ ticket.title }}</a>
№ {{ ticket.pk }} {{ ticket.product.icon }} {{ ticket.product.name }}
<b>{{ ticket.get_status_display }}</b> {% if ticket.version > ticket.read %}новое{% endif %}
{{ ticket.last_word_by.short_name }} <time>{{ ticket.last_word_at|date:"j E, H:i" }}</time></li>
{% endfor %}</ul></body></html>"""
)
CARD = (
    HEAD
    + """<p>№ {{ ticket.pk }} {{ ticket.get_status_display }}</p><p>{{ ticket.description }}</p>
<dl><dt>Продукт</dt><dd>{{ ticket.product.icon }} {{ ticket.product.name }}</dd>
<dt>Приоритет</dt><dd>{{ ticket.get_priority_display }}</dd>
<dt>Исполнитель</dt><dd>{{ ticket.assignee.short_name }}</dd>
<dt>Почта клиента</dt><dd>{{ ticket.client_email }}</dd>
<dt>Почта инициатора</dt><dd>{{ ticket.requester.email }}</dd>
<dt>Создана</dt><dd><time>{{ ticket.created_at|date:"d.m.Y H:i:s" }}</time></dd>
<dt>Обновлена</dt><dd><time>{{ ticket.updated_at|date:"j E Y, H:i" }}</time></dd>
<dt>Оценка</dt><dd>{{ ticket.score }} {{ ticket.rating_comment }}</dd></dl>
<ol>{% for event in events %}<li>{{ event.actor.short_name }} {{ event.get_face_display }}
<time>{{ event.created_at|date:"j E Y, H:i" }}</time> {{ event.get_kind_display }}
{{ event.old_value }} {{ event.new_value }}<p>{{ event.comment.body }}</p></li>{% endfor %}</ol>
<ul>{% for file in files %}<li>{{ file.name }} {{ file.size }}</li>{% endfor %}</ul>
<form method="post"><textarea name="body"></textarea><button>Отправить</button></form>
</body></html>"""
)
DESK = (
    HEAD
    + """<table>{% for ticket in tickets %}<tr><td>{{ ticket.pk }}</td>
<td>{{ ticket.get_status_display }}</td>
<td><a href="/admin/tickets/ticket/{{ ticket.pk }}/change/">{{ ticket.title }}</a></td>
<td>{{ ticket.organization.name }}</td><td>{{ ticket.requester.short_name }}</td>
<td>{{ ticket.product.icon }} {{ ticket.product.name }}</td>
<td>{{ ticket.get_priority_display }}</td><td>{{ ticket.assignee.short_name }}</td>
<td>{{ ticket.get_face_display }}</td><td>{{ ticket.updated_at|date:"d.m.Y" }}</td>
<td>{{ ticket.score }}</td></tr>{% endfor %}</table></body></html>"""
)


def bare(request: HttpRequest) -> HttpResponse:
    """The floor under the floor: who is it? No rows."""
    return HttpResponse(f"<!doctype html><p>{request.user.username}</p>")


def ticket_list(request: HttpRequest) -> HttpResponse:
    shown = {
        "closed": Q(status=TicketStatus.CLOSED),
        "awaiting": Q(status__in=AWAITING),
    }.get(request.GET.get("tab", ""), ~Q(status=TicketStatus.CLOSED))
    read = FilteredRelation("reads", condition=Q(reads__user=request.user))
    tickets = (
        Ticket.objects.filter(shown, requester=request.user)
        .annotate(own_read=read, read=Coalesce("own_read__version", 0))
        .select_related("product", "last_word_by")
        .only(
            "title", "status", "version", "last_word_at", "product__icon", "product__name",
            "last_word_by__first_name", "last_word_by__last_name", "last_word_by__username",
        )
        .order_by("requester_id", "-changed_at", "-pk")[:ROWS_OF_LIST]
    )  # fmt: skip
    return _page(request, "list", title="Заявки", tickets=tickets)


def ticket_detail(request: HttpRequest, number: int) -> HttpResponse:
    ticket = Ticket.objects.select_related("requester", "organization", "product", "assignee").get(
        pk=number, requester=request.user
    )
    events = (
        TicketEvent.objects.filter(Q(comment=None) | Q(comment__is_internal=False), ticket=ticket)
        .exclude(kind__in=[TicketEvent.Kind.NOTED, TicketEvent.Kind.EDITED])
        .select_related("actor", "comment")
        .order_by("ticket_id", "pk")[:EVENTS_OF_CARD]
    )
    files = Attachment.objects.filter(
        Q(comment=None) | Q(comment__is_internal=False), ticket=ticket
    )
    return _page(request, "card", title=ticket.title, ticket=ticket, events=events, files=files)


def desk_list(request: HttpRequest) -> HttpResponse:
    if not request.user.is_staff:
        return HttpResponse(status=403)
    tickets = (
        Ticket.objects.select_related("requester", "organization", "product", "assignee")
        .defer("description", "rating_comment")
        .exclude(status="closed")
        .order_by(F("next_due_at").asc(nulls_last=True), "id")[:ROWS_OF_DESK]
    )
    return _page(request, "desk", title="Заявки", tickets=tickets)


def _page(request: HttpRequest, name: str, **context: object) -> HttpResponse:
    return HttpResponse(TEMPLATES[name].render({"user": request.user, **context}))


TEMPLATES = {
    name: engines["django"].from_string(source)
    for name, source in {"list": LIST, "card": CARD, "desk": DESK}.items()
}


# A second site beside the product, in the same process


class ReadOnlySession(SessionMiddleware):
    """Only reads: the product's setting to save at every request is not the least."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        return response


class SecondSite(WSGIHandler):
    def __init__(self, urlconf: str, middleware: list[str]) -> None:
        products, settings.MIDDLEWARE = settings.MIDDLEWARE, middleware
        try:
            super().__init__()
        finally:
            settings.MIDDLEWARE = products
        self.urlconf = urlconf

    def get_response(self, request: HttpRequest) -> HttpResponse:
        request.urlconf = self.urlconf
        return super().get_response(request)


def application() -> WSGIHandler:
    authentication = "django.contrib.auth.middleware.AuthenticationMiddleware"
    return SecondSite(__name__, [f"{__name__}.ReadOnlySession", authentication])


# The product's own paths, so that one list of addresses serves both
urlpatterns = [
    path("bare/", bare),
    path(reverse("ticket_list").lstrip("/"), ticket_list),
    path(
        reverse("ticket_detail", args=[0]).lstrip("/").replace("0", "<int:number>"), ticket_detail
    ),
    path(reverse("admin:tickets_ticket_changelist").lstrip("/"), desk_list),
]
