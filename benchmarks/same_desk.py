"""What `pages.py` compares the desk's card with: the same facts by plain Django.

The card as somebody would write it for Django's admin: its base template, rights by `has_perm`, a
query for each thing, plain forms; none of the product's views, templates and queries. Who reads a
card, and how far, is not kept.
"""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.core.handlers.wsgi import WSGIHandler
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import include, path, reverse

from accounts.models import BotRegistration, MessengerAccount, User
from benchmarks.minimal import SecondSite
from benchmarks.same_facts import MIDDLEWARE, TEMPLATES
from tickets.models import (
    Attachment,
    Delivery,
    Draft,
    Follower,
    Priority,
    Ticket,
    TicketEvent,
    TicketLink,
)
from tickets.status import TicketStatus

EVENTS, OTHERS, FAILURES = 20, 5, 5


class FactsForm(forms.Form):
    priority = forms.ChoiceField(label="Приоритет", choices=Priority.choices)
    assignee = forms.ChoiceField(label="Исполнитель", required=False)


class WordsForm(forms.Form):
    answer = forms.CharField(label="Ответ клиенту", widget=forms.Textarea(attrs={"rows": 6}))
    note = forms.CharField(label="Внутренняя заметка", widget=forms.Textarea(attrs={"rows": 4}))
    attachments = forms.FileField(label="Файлы", required=False, help_text="До 10 файлов")
    leave_new = forms.BooleanField(label="не брать в работу", required=False)


def ticket_card(request: HttpRequest, number: int) -> HttpResponse:
    """Sixteen queries beside session and user, two of them for the rights."""
    if not request.user.has_perm("tickets.view_ticket"):
        raise PermissionDenied
    related = ("requester", "organization", "product", "assignee", "parent")
    ticket = get_object_or_404(Ticket.objects.select_related(*related), pk=number)
    events = ticket.events.select_related("actor", "comment").order_by("-pk")[: EVENTS + 1]
    shown = list(events)[:EVENTS][::-1]
    failed = Delivery.objects.filter(ticket=ticket, state="failed").select_related("recipient")
    links = TicketLink.objects.filter(Q(lower=ticket) | Q(upper=ticket))
    draft = Draft.objects.filter(user=request.user, ticket=ticket).first()
    others = Ticket.objects.filter(requester=ticket.requester).exclude(pk=ticket.pk)
    registration = BotRegistration.objects.filter(user=ticket.requester, withdrawn_at=None).first()
    context = {
        "ticket": ticket,
        "events": _with_all(ticket, shown),
        "older": shown[0].pk if len(events) > EVENTS else None,
        "facts_form": _facts_form(ticket),
        "words_form": WordsForm(initial=draft.body if draft else None),
        "neighbours": _neighbours(ticket),
        "failed": failed.order_by("-pk")[:FAILURES],
        "links": links.select_related("lower", "upper")[:50],
        "followers": Follower.objects.filter(ticket=ticket).select_related("user")[:50],
        "others": others.order_by("requester_id", "-changed_at", "-pk")[:OTHERS],
        "registration": registration,
        "accounts": MessengerAccount.objects.filter(user=ticket.requester),
        "may_change": request.user.has_perm("tickets.change_ticket"),
        "has_permission": True,
    }
    template = TEMPLATES.get_template("desk_card.html")
    return HttpResponse(template.render(context, request))


def _with_all(ticket: Ticket, events: list[TicketEvent]) -> list[TicketEvent]:
    """With the files of the comments, those of the description, and the deliveries."""
    files: dict[int | None, list[Attachment]] = {}
    for file in Attachment.objects.filter(ticket=ticket):
        files.setdefault(file.comment_id, []).append(file)
    told: dict[int | None, list[Delivery]] = {}
    for delivery in Delivery.objects.filter(event__in=events).select_related("recipient"):
        told.setdefault(delivery.event_id, []).append(delivery)
    ticket.files = files.get(None)
    for event in events:
        event.files = files.get(event.comment_id) if event.comment_id else None
        event.told = told.get(event.pk)
        if event.kind == "status":
            event.old_status = TicketStatus(event.old_value)
            event.new_status = TicketStatus(event.new_value)
    return events


def _facts_form(ticket: Ticket) -> FactsForm:
    initial = {"priority": ticket.priority, "assignee": ticket.assignee_id}
    form = FactsForm(initial=initial)
    agents = User.objects.filter(is_staff=True, is_active=True).order_by("last_name", "first_name")
    form.fields["assignee"].choices = [
        ("", "не назначен"),
        *((row.pk, row) for row in agents[:200]),
    ]
    return form


def _neighbours(ticket: Ticket) -> dict[str, Any]:
    """In the order of their numbers; the product's are in that of the list."""
    opened = Ticket.objects.exclude(status=TicketStatus.CLOSED).values_list("pk", flat=True)
    return {
        "previous": opened.filter(pk__gt=ticket.pk).order_by("pk").first(),
        "following": opened.filter(pk__lt=ticket.pk).order_by("-pk").first(),
    }


def application() -> WSGIHandler:
    return SecondSite(__name__, MIDDLEWARE)


urlpatterns = [
    path(
        reverse("admin:tickets_ticket_change", args=[0]).lstrip("/").replace("0", "<int:number>"),
        ticket_card,
    ),
    path("", include("config.urls")),
]
