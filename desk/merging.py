"""Two tickets are merged on a page that shows both and says what will happen; it asks once more."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from desk.lists import DeskAdmin, agent_of
from desk.ticket_around import RELATED, card_of, page, ticket_of
from tickets.attachments import NewFile
from tickets.forms import Made, once, read_sending
from tickets.merging import merge_tickets, require_mergeable
from tickets.models import Ticket, TicketEvent
from tickets.queries import led_ticket, read_number
from tickets.recording import agent
from tickets.refusals import REFUSALS, KeyReused, TicketChanged, TicketMerged


def urls(admin: DeskAdmin) -> list[URLPattern]:
    def merge(request: HttpRequest, number: int) -> HttpResponse:
        return _merge(admin, request, number)

    view = admin.admin_site.admin_view(merge)
    return [path("<int:number>/merge/", view, name="tickets_ticket_merge")]


def lead(request: HttpRequest, ticket: Ticket) -> HttpResponse | None:
    """From the card of a merged ticket to the one it leads to; its own is shown where asked for."""
    if not ticket.merged_into_id or "own" in request.GET:
        return None
    into = led_ticket(Ticket.objects.all(), ticket.pk)
    if into is None:
        return None
    text = _("Заявка № %(number)d объединена с этой.") % {"number": ticket.pk}
    messages.info(request, text)
    return redirect(card_of(into, request))


def _merge(admin: DeskAdmin, request: HttpRequest, number: int) -> HttpResponse:
    ticket = ticket_of(admin, request, number)
    sent = request.POST if request.method == "POST" else request.GET
    typed = sent.get("into", "").strip().lstrip("№#").strip()
    into = Ticket.objects.select_related(*RELATED).filter(pk=read_number(typed) or 0).first()
    if request.method == "POST" and into is not None:
        return _carry_out(admin, request, ticket, into)
    refusal = _refusal(ticket, into) if typed else ""
    return _show(admin, request, ticket, into, typed=typed, refusal=refusal)


def _refusal(ticket: Ticket, into: Ticket | None) -> str:
    if into is None:
        return _("Заявки с таким номером нет.")
    try:
        require_mergeable(ticket, into)
    except REFUSALS as refusal:
        return str(refusal)
    return ""


def _show(
    admin: DeskAdmin, request: HttpRequest, ticket: Ticket, into: Ticket | None, **words: Any
) -> TemplateResponse:
    both = [ticket, into] if into and not words.get("refusal") else []
    title = _("Объединить заявку № %(number)d") % {"number": ticket.pk}
    return page(
        admin, request, ticket, "merge", title=title, into=into, both=both,
        seen=_newest(ticket, into) if into else 0, **words,
    )  # fmt: skip


def _newest(*tickets: Ticket) -> int:
    """The last event of both: what comes later was not looked at."""
    newest = TicketEvent.objects.filter(ticket__in=tickets).aggregate(last=Max("pk"))["last"]
    return newest or 0


def _carry_out(
    admin: DeskAdmin, request: HttpRequest, ticket: Ticket, into: Ticket
) -> HttpResponse:
    user, seen = agent_of(request), read_number(request.POST.get("seen", "")) or 0

    def act(_files: Sequence[NewFile]) -> Made:
        merge_tickets(ticket=ticket, into=into, actor=agent(user), seen=seen)
        return {"into": into.pk}

    sending = read_sending(
        request, user=user, purpose="merge", content={"into": into.pk}, ticket=ticket
    )
    try:
        once(sending, act)
    except TicketChanged:
        text = _("Пока страница была открыта, в одной из заявок что-то изменилось. Проверьте ещё.")
        return _show(admin, request, ticket, into, typed=str(into.pk), changed=text)
    except TicketMerged as refusal:
        if (refusal.number, refusal.into) == (ticket.pk, into.pk):
            return redirect(card_of(into, request))  # a doubled press: it says so there
        return _show(admin, request, ticket, into, typed=str(into.pk), refusal=str(refusal))
    except KeyReused:
        text = _("Эта страница уже объединила заявку с другой.")
        return _show(admin, request, ticket, into, typed=str(into.pk), refusal=text)
    except REFUSALS as refusal:
        return _show(admin, request, ticket, into, typed=str(into.pk), refusal=str(refusal))
    text = _("Заявка № %(number)d объединена с этой. Клиент узнает новый номер.")
    messages.success(request, text % {"number": ticket.pk})
    return redirect(card_of(into, request))
