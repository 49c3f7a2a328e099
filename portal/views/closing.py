"""«Вопрос решён»: the requester closes a ticket on a page of its own."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from accounts.quotas import QuotaReached
from portal.forms.tickets import CloseForm
from portal.requests import PortalRequest
from portal.views.card import sending_of
from portal.views.errors import too_often
from tickets.attachments import NewFile
from tickets.drafts import kept_words, read_browser
from tickets.forms import Made, once
from tickets.models import Face, Ticket
from tickets.recording import customer
from tickets.refusals import AlreadyDone, KeyReused
from tickets.services import close_by_requester


def ticket_close(request: PortalRequest, number: int) -> HttpResponse:
    """Colleagues see a ticket and do not close it: to them this page is missing."""
    ticket = get_object_or_404(Ticket.objects.own(request.user), pk=number)
    if request.method == "POST":
        return _take(request, ticket)
    if ticket.is_closed:
        return redirect(ticket)
    kept = kept_words(request.user, ticket, read_browser(request.COOKIES)).get("close")
    form = CloseForm(initial=kept.body if kept else {}, auto_id="close_%s")
    return _page(request, ticket, form, kept=kept)


def _page(request: PortalRequest, ticket: Ticket, form: CloseForm, **more: Any) -> HttpResponse:
    return render(request, "portal/ticket_close.html", {"ticket": ticket, "form": form, **more})


def _take(request: PortalRequest, ticket: Ticket) -> HttpResponse:
    form = CloseForm(request.POST, auto_id="close_%s")
    if not form.is_valid():
        return _page(request, ticket, form)
    try:
        _close(request, ticket, form.cleaned_data["score"], form.cleaned_data["comment"])
    except (KeyReused, AlreadyDone):
        return _closed_before(request, ticket, form)
    except QuotaReached as refusal:
        form.add_error(None, str(refusal))
        return too_often(_page(request, ticket, form), refusal)
    messages.success(request, _thanks(form.cleaned_data["score"]))
    return redirect(ticket)


def _thanks(score: int | None) -> str:
    """A low score is no reason to be glad."""
    if score:
        return _("Спасибо за оценку! Заявка закрыта.")
    return _("Заявка закрыта. Хорошо, что вопрос решён!")


def _close(request: PortalRequest, ticket: Ticket, score: int | None, words: str) -> None:
    requester = customer(request.user, Face.PORTAL)

    def close(_files: Sequence[NewFile]) -> Made:
        close_by_requester(ticket=ticket, actor=requester, score=score, text=words)
        return {"score": score, "words": words}

    content = {"score": score, "words": words}
    once(sending_of(request, ticket, "close", content), close)


def _closed_before(request: PortalRequest, ticket: Ticket, form: CloseForm) -> HttpResponse:
    """Closed meanwhile: the words that came too late are shown, not dropped."""
    ticket.refresh_from_db()
    if not form.cleaned_data["comment"]:
        messages.info(request, _("Заявка уже закрыта."))
        return redirect(ticket)
    form.add_error("comment", _("Заявка уже закрыта, этот текст не отправлен."))
    return _page(request, ticket, form)
