"""What `pages.py` and `writes.py` compare the product with: the same facts by plain Django.

The portal's list and card as somebody would write them who knows the tables and Django, and none
of the product's views and templates: the middleware that a new project has with locale and login,
templates that extend one base, Django's forms, filters and tags, a query for each thing. What a
customer sees on the product's pages is on these, too.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.handlers.wsgi import WSGIHandler
from django.db.models import Exists, F, FilteredRelation, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.backends.django import DjangoTemplates
from django.templatetags.static import static
from django.urls import include, path, reverse
from django.utils import timezone

from accounts.models import BotRegistration, MessengerAccount, User
from benchmarks.minimal import SecondSite
from telegram_bot.models import BotHeartbeat
from tickets.models import (
    AWAITING,
    Announcement,
    Attachment,
    Draft,
    Product,
    Ticket,
    TicketEvent,
    TicketRead,
)
from tickets.status import TicketStatus

ROWS_OF_LIST, EVENTS_OF_CARD = 20, 30
TABS = [("awaiting", "Ждут вас"), ("open", "Открытые"), ("closed", "Закрытые")]
MENU = [
    ("ticket_list", "tickets", "tickets", "Заявки"),
    ("new_ticket", "new", "plus", "Создать заявку"),
    ("bot_registration", "bot", "telegram", "Регистрация в чат-боте"),
    ("group_list", "groups", "groups", "Группы Telegram"),
    ("organization", "organization", "organization", "Организация"),
    ("notifications", "notifications", "bell", "Уведомления"),
    ("integrations", "integrations", "key", "Интеграции"),
    ("profile", "profile", "profile", "Профиль"),
    ("help", "help", "info", "Справка"),
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    f"{__name__}.own_times",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = DjangoTemplates(
    {
        "NAME": "same_facts",
        "DIRS": [Path(__file__).parent / "templates"],
        "APP_DIRS": True,  # for Django's own base of the admin
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
)


class CommentForm(forms.Form):
    body = forms.CharField(label="Ваш комментарий", widget=forms.Textarea(attrs={"rows": 5}))
    attachments = forms.FileField(
        label="Файлы", required=False, help_text="До 10 файлов, каждый до 50 МБ"
    )


class RatingForm(forms.Form):
    score = forms.ChoiceField(
        label="Оцените выполнение",
        choices=[(1, "очень плохо"), (2, "плохо"), (3, "нормально"), (4, "хорошо"), (5, "отлично")],
        widget=forms.RadioSelect,
    )
    comment = forms.CharField(
        label="Комментарий", required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class ReturnForm(forms.Form):
    reason = forms.CharField(
        label="Что осталось нерешённым?", widget=forms.Textarea(attrs={"rows": 4})
    )


def ticket_list(request: HttpRequest) -> HttpResponse:
    """Six queries beside session and user: the rows, the products and those of `_around`."""
    tab = request.GET.get("tab", "open")
    shown = {
        "closed": Q(status=TicketStatus.CLOSED),
        "awaiting": Q(status__in=AWAITING),
    }.get(tab, ~Q(status=TicketStatus.CLOSED))
    tickets = list(
        _with_read(Ticket.objects.filter(shown, requester=request.user), request.user)
        .select_related("product", "last_word_by")
        .only(
            "title", "status", "version", "changed_at", "changed_by", "merged_into",
            "last_word_at", "last_word_by_agent", "product__icon", "product__name",
            "last_word_by__first_name", "last_word_by__last_name", "last_word_by__username",
        )
        .order_by("requester_id", "-changed_at", "-pk")[: ROWS_OF_LIST + 1]
    )  # fmt: skip
    for ticket in tickets:
        ticket.is_unread = _is_unread(ticket, request.user)
        ticket.has_moved = ticket.changed_at - ticket.last_word_at > timedelta(minutes=1)
    statuses = {"closed": [], "awaiting": AWAITING}.get(tab, list(TicketStatus)[:-1])
    context = {
        "tab": tab,
        "tabs": TABS,
        "heading": dict(TABS)[tab],
        "tickets": tickets[:ROWS_OF_LIST],
        "older": tickets[ROWS_OF_LIST - 1] if len(tickets) > ROWS_OF_LIST else None,
        "products": Product.objects.filter(is_active=True),
        "statuses": statuses,
        "this_year": timezone.localtime().replace(month=1, day=1, hour=0, minute=0, second=0),
    }
    return _page(request, "list.html", "tickets", context)


def ticket_detail(request: HttpRequest, number: int) -> HttpResponse:
    """Eight queries beside session and user: ticket, events, files, draft, those of `_around`."""
    tickets = _with_read(Ticket.objects.filter(requester=request.user), request.user)
    related = tickets.select_related("requester", "organization", "product", "assignee")
    ticket = get_object_or_404(related, pk=number)
    said = Q(comment=None) | Q(comment__is_internal=False)
    told = TicketEvent.objects.filter(said, ticket=ticket, is_internal=False)
    told = told.exclude(kind__in=["created", "edited"]).select_related("actor", "comment")
    newest = list(told.order_by("-pk")[: EVENTS_OF_CARD + 1])
    events = newest[:EVENTS_OF_CARD][::-1]
    files: dict[int | None, list[Attachment]] = {}
    for file in Attachment.objects.filter(said, ticket=ticket):
        files.setdefault(file.comment_id, []).append(file)
    ticket.files = files.get(None)
    for event in events:
        event.files = files.get(event.comment_id) if event.comment_id else None
        event.new_status = TicketStatus(event.new_value) if event.kind == "status" else None
    new = [row.pk for row in events if row.pk > (ticket.read or 0) and row.actor != request.user]
    draft = Draft.objects.filter(user=request.user, ticket=ticket, form="comment").first()
    context = {
        "ticket": ticket,
        "events": events,
        "older": newest[-1].pk if len(newest) > EVENTS_OF_CARD else None,
        "first_new": new[0] if ticket.read and new else None,
        "answer": next((row for row in events[::-1] if row.by_agent and row.comment), None),
        "draft": draft,
        "comment_form": CommentForm(initial=draft.body if draft else None),
        "rating_form": RatingForm(),
        "return_form": ReturnForm(),
    }
    if ticket.version > (ticket.read or 0):
        TicketRead.objects.update_or_create(
            user=request.user, ticket=ticket, defaults={"version": ticket.version}
        )
    return _page(request, "card.html", "tickets", context)


def _with_read(tickets: Any, user: User) -> Any:
    """How far the person has read each ticket, joined."""
    own_read = FilteredRelation("reads", condition=Q(reads__user=user))
    return tickets.annotate(own_read=own_read, read=F("own_read__version"))


def _is_unread(ticket: Ticket, user: User) -> bool:
    is_ours = ticket.changed_by_id == user.pk or ticket.merged_into_id
    return not is_ours and ticket.version > (ticket.read or 0)


def _page(request: HttpRequest, template: str, current: str, context: dict) -> HttpResponse:
    context = {"current": current, **_around(request.user), **context}
    return HttpResponse(TEMPLATES.get_template(template).render(context, request))


def _around(user: User) -> dict[str, Any]:
    """What stands on every page: four queries, for the badge, the link, the strip and the bot."""
    mine = Ticket.objects.filter(requester=user, status__in=AWAITING)
    awaiting = mine.order_by()[:100].count()
    registered = BotRegistration.objects.filter(user=user, channel="telegram", withdrawn_at=None)
    linked = MessengerAccount.objects.filter(user=user, channel="telegram")
    states = User.objects.filter(pk=user.pk).values_list(Exists(registered), Exists(linked))
    is_registered, is_linked = states.get()
    now = timezone.now()
    announced = Announcement.objects.filter(Q(until=None) | Q(until__gt=now), since__lte=now)
    heartbeat = BotHeartbeat.objects.order_by("-seen_at").first()
    link = "linked" if is_linked else "registered"
    return {
        "menu": MENU,
        "icons": static("shared/icons.svg"),
        "awaiting": "99+" if awaiting > 99 else awaiting,
        "link": link if is_registered else "unregistered",
        "announced": announced.order_by("-pk").values_list("text", flat=True)[:3],
        "bot_is_working": heartbeat is not None and heartbeat.is_alive,
    }


# A second site beside the product, in the same process


def own_times(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable:
    def middleware(request: HttpRequest) -> HttpResponse:
        zone = request.user.time_zone if request.user.is_authenticated else ""
        with timezone.override(ZoneInfo(zone) if zone else None):
            return get_response(request)

    return middleware


def application() -> WSGIHandler:
    return SecondSite(__name__, MIDDLEWARE)


# The product's own paths, so that one list of addresses serves both, and its names for the links
urlpatterns = [
    path(reverse("ticket_list").lstrip("/"), ticket_list),
    path(
        reverse("ticket_detail", args=[0]).lstrip("/").replace("0", "<int:number>"), ticket_detail
    ),
    path("", include("benchmarks.plain_writes")),  # the forms
    path("", include("config.urls")),
]
