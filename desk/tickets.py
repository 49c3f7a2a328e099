from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from desk.lists import DeskAdmin
from desk.ticket_card import CardForm, refusal_text
from tickets import services
from tickets.drafts import Kept, kept_words, read_browser
from tickets.forms import Sending, read_sending
from tickets.models import Delivery, Face, Ticket, TicketEvent
from tickets.queries import NUMBER_DIGITS, search_tickets
from tickets.recording import agent
from tickets.refusals import REFUSALS, KeyReused
from tickets.services import take_to_work
from tickets.status import TicketStatus
from tickets.templatetags.labels import priority_mark, status_chip
from tickets.wording import plural

EVENTS_SHOWN = 200
FACE_ICONS = {
    Face.PORTAL: "🌐",
    Face.BOT: "✈️",
    Face.GROUP: "👥",
    Face.ADMIN: "🎧",
    Face.SYSTEM: "⚙️",
}

Action = Callable[..., Any]


class ProductAdmin(DeskAdmin):
    list_display = ("name", "icon", "position", "is_active")
    list_editable = ("position", "is_active")
    search_fields = ("^name",)
    ordering = ("position", "name")


class AssigneeFilter(admin.SimpleListFilter):
    title = gettext_lazy("исполнитель")
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("me", gettext_lazy("мои")), ("nobody", gettext_lazy("без исполнителя"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> QuerySet[Ticket]:
        if self.value() == "me":
            return queryset.filter(assignee=request.user.pk)
        if self.value() == "nobody":
            return queryset.filter(assignee=None).exclude(status=TicketStatus.CLOSED)
        return queryset


class TicketAdmin(DeskAdmin):
    """The agents' desk. Every change goes through `tickets.services`."""

    list_display = (
        "number_", "status_", "title", "client", "requester_", "product_", "priority_",
        "assignee_", "face_", "updated", "stars",
    )  # fmt: skip
    list_display_links = ("number_", "title")
    list_select_related = ("requester", "organization", "product", "assignee")
    list_filter = ("status", AssigneeFilter, "priority", "product")
    ordering = ("-id",)
    search_fields = ("id",)  # shows the box; `get_search_results` decides
    search_help_text = gettext_lazy("Номер заявки, почта или телефон инициатора, начало темы")
    actions = ("take", "ask", "resolve", "close")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Ticket | None = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Ticket], search_term: str
    ) -> tuple[QuerySet[Ticket], bool]:
        return search_tickets(queryset, search_term), False

    # Columns

    @admin.display(description="№")
    def number_(self, ticket: Ticket) -> int:
        return ticket.number

    @admin.display(description=gettext_lazy("статус"))
    def status_(self, ticket: Ticket) -> SafeString:
        return status_chip(ticket.status)

    @admin.display(description=gettext_lazy("клиент"), empty_value="—")
    def client(self, ticket: Ticket) -> str | None:
        return str(ticket.organization) if ticket.organization else None

    @admin.display(description=gettext_lazy("инициатор"))
    def requester_(self, ticket: Ticket) -> str:
        return ticket.requester.short_name

    @admin.display(description=gettext_lazy("исполнитель"), empty_value="—")
    def assignee_(self, ticket: Ticket) -> str | None:
        return ticket.assignee.short_name if ticket.assignee else None

    @admin.display(description=gettext_lazy("продукт"))
    def product_(self, ticket: Ticket) -> str:
        return f"{ticket.product.icon} {ticket.product}".strip()

    @admin.display(description=gettext_lazy("приоритет"))
    def priority_(self, ticket: Ticket) -> SafeString:
        return priority_mark(ticket.priority)

    @admin.display(description=gettext_lazy("канал"))
    def face_(self, ticket: Ticket) -> SafeString:
        return format_html(
            '<span role="img" aria-label="{0}" title="{0}">{1}</span>',
            ticket.get_face_display(), FACE_ICONS[Face(ticket.face)],
        )  # fmt: skip

    @admin.display(description=gettext_lazy("обновлена"))
    def updated(self, ticket: Ticket) -> SafeString:
        at = timezone.localtime(ticket.updated_at)
        is_today = at.date() == timezone.localdate()
        text = date_format(at, "H:i") if is_today else date_format(at, "d.m.Y")
        return format_html(
            '<time datetime="{}" title="{}">{}</time>',
            at.isoformat(timespec="seconds"), date_format(at, "d.m.Y H:i:s"), text,
        )  # fmt: skip

    @admin.display(description="⭐", empty_value="")
    def stars(self, ticket: Ticket) -> SafeString | None:
        if ticket.score is None:
            return None
        label = _("оценка %(score)d из 5") % {"score": ticket.score}
        return format_html('<span title="{}">{} ⭐</span>', label, ticket.score)

    # Actions

    @admin.action(description=gettext_lazy("Взять в работу"), permissions=["change"])
    def take(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> None:
        self._each(request, queryset, take_to_work)

    @admin.action(description=gettext_lazy("Запросить ответ"), permissions=["change"])
    def ask(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> None:
        self._each(request, queryset, partial(services.change_status, to=TicketStatus.WAITING))

    @admin.action(description=gettext_lazy("Выполнить"), permissions=["change"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> None:
        self._each(request, queryset, partial(services.change_status, to=TicketStatus.RESOLVED))

    @admin.action(description=gettext_lazy("Закрыть"), permissions=["change"])
    def close(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> None:
        self._each(request, queryset, partial(services.change_status, to=TicketStatus.CLOSED))

    def _each(self, request: HttpRequest, queryset: QuerySet[Ticket], change: Action) -> None:
        """Change at most a page of tickets, each for itself; say which were refused and why."""
        done = 0
        for ticket in queryset[: self.list_per_page]:
            try:
                change(ticket=ticket, actor=agent(_agent(request)))
            except REFUSALS as refusal:
                text = f"№ {ticket.number}: {refusal_text(refusal)}"
                self.message_user(request, text, messages.WARNING)
            else:
                done += 1
        if done:
            noun = plural(done, "заявка", "заявки", "заявок")
            self.message_user(request, f"{_('Готово')}: {done} {noun}.", messages.SUCCESS)

    # The card

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        ticket = self._ticket(request, object_id)
        kept = self._kept(request, ticket)
        form = self._form(request, ticket, kept)
        if request.method != "POST":
            return self._card(request, ticket, form, kept=kept)
        if form is None:
            raise PermissionDenied
        try:
            if form.is_valid() and form.save(agent(_agent(request)), _sending(request, form)):
                text = _("Заявка № %(number)d сохранена.") % {"number": ticket.number}
                self.message_user(request, text, messages.SUCCESS)
                return HttpResponseRedirect(request.path)
        except KeyReused as refusal:
            form.renew_key()
            saved = ticket.comments.filter(pk=refusal.made.get("comment") or 0).first()
            return self._card(
                request, self._ticket(request, object_id), form, is_saved=True, saved=saved
            )
        return self._card(request, ticket, form)

    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The history of a ticket stands on its card."""
        return HttpResponseRedirect(reverse("admin:tickets_ticket_change", args=[object_id]))

    def _ticket(self, request: HttpRequest, object_id: str) -> Ticket:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not (object_id.isascii() and object_id.isdigit() and len(object_id) <= NUMBER_DIGITS):
            raise Http404
        related = ("requester", "organization", "product", "assignee", "parent")
        return get_object_or_404(Ticket.objects.select_related(*related), pk=object_id)

    def _kept(self, request: HttpRequest, ticket: Ticket) -> Kept | None:
        if request.method == "POST" or not self.has_change_permission(request, ticket):
            return None
        return kept_words(_agent(request), ticket, read_browser(request.COOKIES)).get("answer")

    def _form(self, request: HttpRequest, ticket: Ticket, kept: Kept | None) -> CardForm | None:
        if not self.has_change_permission(request, ticket):
            return None
        data = (request.POST, request.FILES) if request.method == "POST" else ()
        may_write = request.user.has_perm("tickets.add_comment")
        return CardForm(*data, ticket=ticket, may_write=may_write, kept=kept)

    def _card(
        self, request: HttpRequest, ticket: Ticket, form: CardForm | None, **words: Any
    ) -> TemplateResponse:
        """`words`: `kept` ones put back, or the comment `saved` when the card comes again."""
        events = list(_history(ticket)[:EVENTS_SHOWN])
        told = [row.recipient for event in events for row in event.deliveries.all()]
        people = [ticket.requester, *(person for person in told if person)]
        prefetch_related_objects(people, "messengers")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Ошибка: ") * bool(form and form.errors) + str(ticket),
            "opts": self.opts,
            "ticket": ticket,
            "form": form,
            "media": self.media + form.media if form else self.media,
            "events": events,
            "seen": events[0].pk if events else 0,
            "files": ticket.attachments.filter(comment=None),
            "undelivered": [
                delivery
                for event in events
                for delivery in event.deliveries.all()
                if delivery.state == Delivery.State.FAILED
            ],
            "limit": EVENTS_SHOWN,
            "controls": [form["status"], form["priority"], form["assignee"]] if form else [],
            "may_resend": request.user.is_superuser,
            **words,
        }
        return TemplateResponse(request, "admin/tickets/ticket/card.html", context)


def _agent(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the admin lets nobody else in
    return request.user


def _sending(request: HttpRequest, form: CardForm) -> Sending:
    return read_sending(
        request,
        user=_agent(request),
        purpose="answer",
        content=form.content(),
        files=form.cleaned_data.get("attachments", []),
        ticket=form.ticket,
    )


def _history(ticket: Ticket) -> QuerySet[TicketEvent]:
    """Newest first, with everything the card says of an event."""
    return (
        ticket.events.select_related("actor", "comment__author")
        .prefetch_related(
            "comment__attachments",
            Prefetch(
                "deliveries",
                Delivery.objects.select_related("recipient").order_by("pk"),
            ),
        )
        .order_by("-pk")
    )
