"""The page of a ticket at the desk: its card, shown and carried out."""

from __future__ import annotations  # ModelAdmin[Ticket] is generic for the type checker only

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts.models import User
from config.compiled import Compiled
from desk import beside
from desk.deliveries import RESEND
from desk.lists import DeskAdmin, agent_of, is_number
from desk.merging import lead
from desk.neighbours import PLACE, find_neighbours, place_of
from desk.queue import list_behind, same_list
from desk.ticket_around import MAY_WRITE
from desk.ticket_card import FactsForm, NoteForm, ReplyForm, WordsForm, refusal_text
from tickets import services
from tickets.drafts import kept_words, read_browser
from tickets.forms import Sending, read_sending
from tickets.links import links_of
from tickets.models import Follower, Ticket
from tickets.queries import read_number
from tickets.reach import ways_of_answer
from tickets.reads import mark_seen, with_reads
from tickets.recording import Actor, agent
from tickets.refusals import REFUSALS, AlreadyDone, KeyReused
from tickets.status import TicketStatus

Forms = dict[str, Any]
# What few tickets have: the card asks for it where it is
_RARE = {
    "is_incident": Exists(Ticket.objects.filter(incident=OuterRef("pk"))),
    "has_links": Exists(links_of(OuterRef("pk"))),
    "has_followers": Exists(Follower.objects.filter(ticket=OuterRef("pk"))),
}


def _cards(agent: int, number: int) -> QuerySet[Ticket]:
    related = ("requester", "organization", "product", "assignee")
    rows = Ticket.objects.select_related(*related).annotate(**_RARE)
    return with_reads(rows, User(pk=agent)).filter(pk=number).order_by()


_CARDS = Compiled(_cards, int, int)


class TicketPage(DeskAdmin):
    """Each form of the card has an address of its own; all of them show the card again."""

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, Callable[..., HttpResponse]] = {
            "note": self.note_view,
            "facts": self.facts_view,
            "take": self.take_view,
            "resume": self.resume_view,
        }
        wrap = self.admin_site.admin_view
        return [
            *(
                path(f"<path:object_id>/{name}/", wrap(view), name=f"tickets_ticket_{name}")
                for name, view in views.items()
            ),
            *super().get_urls(),
        ]

    # What is sent

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The card, and the answer that is sent from it."""
        ticket = self._ticket(request, object_id)
        if request.method != "POST" and (led := lead(request, ticket)):
            return led
        if request.method != "POST":
            mark_seen(ticket, agent_of(request))
            return self._card(request, ticket)
        return self._say(request, ticket, ReplyForm, "reply")

    def note_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        ticket = self._ticket(request, object_id)
        if request.method != "POST":
            return self._back(request, ticket)
        return self._say(request, ticket, NoteForm, "note")

    def _say(
        self, request: HttpRequest, ticket: Ticket, kind: type[WordsForm], name: str
    ) -> HttpResponse:
        self._require(request, ticket, MAY_WRITE)
        person = agent_of(request)
        form = kind(request.POST, request.FILES, ticket=ticket, agent=person)
        try:
            if form.is_valid() and form.save(self._actor(request), _sending(request, form)):
                self.message_user(request, form.saved(), messages.SUCCESS)
                return self._back(request, ticket)
        except KeyReused as refusal:
            form.renew_key()
            saved = ticket.comments.filter(pk=refusal.made.get("comment") or 0).first()
            now = self._ticket(request, str(ticket.pk))
            return self._card(request, now, {name: form}, is_saved=True, saved=saved)
        return self._card(request, ticket, {name: form})

    def facts_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Priority and assignee, without a word."""
        ticket = self._ticket(request, object_id)
        if request.method != "POST":
            return self._back(request, ticket)
        self._require(request, ticket)
        form = FactsForm(request.POST, ticket=ticket)
        if form.is_valid() and form.save(self._actor(request)):
            return self._back(request, ticket)
        return self._card(request, self._ticket(request, object_id), {"facts": form})

    def take_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """«Взять себе»"""
        shown = read_number(request.POST.get("shown", ""))
        return self._press(
            request,
            object_id,
            lambda ticket, actor: services.take_from(ticket=ticket, actor=actor, shown=shown),
        )

    def resume_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """«Вернуть в работу»"""
        to = TicketStatus.IN_PROGRESS
        return self._press(
            request,
            object_id,
            lambda ticket, actor: services.change_status(ticket=ticket, to=to, actor=actor),
        )

    def _press(
        self, request: HttpRequest, object_id: str, change: Callable[[Ticket, Actor], Any]
    ) -> HttpResponse:
        """A button without a form behind it: pressed twice it acts once."""
        ticket = self._ticket(request, object_id)
        if request.method == "POST":
            self._require(request, ticket)
            try:
                change(ticket, self._actor(request))
            except AlreadyDone:
                pass
            except REFUSALS as refusal:
                self.message_user(request, refusal_text(refusal), messages.WARNING)
        return self._back(request, ticket)

    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The history of a ticket stands on its card."""
        return self._back(request, self._ticket(request, object_id))

    # Who, and what

    def _ticket(self, request: HttpRequest, object_id: str) -> Ticket:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not is_number(object_id):
            raise Http404
        ticket = _CARDS.first(agent_of(request).pk, int(object_id))
        if ticket is None:
            raise Http404
        return ticket

    def _require(self, request: HttpRequest, ticket: Ticket, *rights: str) -> None:
        may = self.has_change_permission(request, ticket)
        if not may or not request.user.has_perms(rights):
            raise PermissionDenied

    def _actor(self, request: HttpRequest) -> Actor:
        return agent(agent_of(request))

    def _back(self, request: HttpRequest, ticket: Ticket) -> HttpResponse:
        """To the card, with the list it was opened from and its place there."""
        card = reverse("admin:tickets_ticket_change", args=[ticket.pk])
        return HttpResponseRedirect(card + address_rest(request, ticket))

    # The card

    def _forms(self, request: HttpRequest, ticket: Ticket, sent: Forms) -> Forms:
        """The forms this person may use, with the words that were kept of each."""
        is_over = ticket.merged_into_id and not sent
        if not self.has_change_permission(request, ticket) or is_over:
            return {}
        person = agent_of(request)
        forms: Forms = {"facts": FactsForm(ticket=ticket)}
        if request.user.has_perm(MAY_WRITE):
            kept = kept_words(person, ticket, read_browser(request.COOKIES))
            forms["note"] = NoteForm(ticket=ticket, agent=person, kept=kept.get("note"))
            forms["kept_note"] = kept.get("note")
            if not ticket.is_closed:
                forms["reply"] = ReplyForm(ticket=ticket, agent=person, kept=kept.get("answer"))
                forms["kept_reply"] = kept.get("answer")
        return forms | sent | {f"kept_{name}": None for name in sent}

    def _card(
        self, request: HttpRequest, ticket: Ticket, sent: Forms | None = None, **words: Any
    ) -> TemplateResponse:
        """`sent`: the form that comes back; `words`: the comment it `saved` when sent before."""
        forms = self._forms(request, ticket, sent or {})
        came_back = next(iter((sent or {}).values()), None)
        history = beside.history_of(ticket, read_number(request.GET.get("before", "")))
        failed = beside.failed_deliveries(ticket)
        beside.prefetch_links(ticket, history.events, failed)
        known = read_number(str(request.POST.get("seen", "")))
        context = {
            **self.admin_site.each_context(request),
            **forms,
            "title": _("Ошибка: ") * bool(came_back and came_back.errors) + str(ticket),
            "opts": self.opts,
            "ticket": ticket,
            "form": forms.get("facts"),  # whether anything can be changed
            "came_back": came_back,
            "list_behind": list_behind(request),
            "same_list": same_list(request),
            "rest": address_rest(request, ticket),
            "neighbours": find_neighbours(request, ticket),
            "history": history,
            "seen": history.newest,
            "known": history.newest if known is None else known,
            "files": history.files,
            "failed": failed,
            "customer": beside.customer_of(ticket, agent_of(request)),
            "due": beside.due_of(ticket),
            "ways": ways_of_answer(ticket) if "reply" in forms else [],
            "may_resend": request.user.has_perm(RESEND),
            "opens_note": "note" in (sent or {}) or _has_words(forms, "kept_note"),
            **words,
        }
        return TemplateResponse(request, "admin/tickets/ticket/card.html", context)


def address_rest(request: HttpRequest, ticket: Ticket) -> str:
    """What an address of the card goes on with: the list, and the place in it."""
    rest = same_list(request)
    return f"{rest}&{urlencode({PLACE: place_of(request, ticket)})}" if rest else ""


def _has_words(forms: Forms, name: str) -> bool:
    """Words of a note were kept and none of an answer: the note is what was being written."""
    return bool(forms.get(name)) and not forms.get("kept_reply")


def _sending(request: HttpRequest, form: WordsForm) -> Sending:
    data = form.cleaned_data
    return read_sending(
        request,
        user=agent_of(request),
        purpose=form.words,
        content=form.content(),
        files=[*data.get("attachments", []), *data.get("canned_files", [])],
        ticket=form.ticket,
    )
