"""The list and the card of tickets, and the forms on the card."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from accounts.models import MessengerAccount
from portal.forms.tickets import CommentForm, RatingForm, ReturnForm
from portal.requests import PortalRequest
from telegram_bot.models import TELEGRAM
from tickets.comments import say_once, was_just_said
from tickets.models import Face, Ticket, TicketEvent
from tickets.queries import newest_page, timeline
from tickets.recording import customer
from tickets.refusals import AlreadyDone, FileRefused, TicketClosed
from tickets.services import rate_ticket, return_to_work
from tickets.status import TicketStatus, TransitionNotAllowed

logger = logging.getLogger(__name__)

TICKETS_A_PAGE = 20
Kind = TicketEvent.Kind


# Reading


def ticket_list(request: PortalRequest) -> HttpResponse:
    is_closed = request.GET.get("tab") == "closed"
    mine = Ticket.objects.visible_to(request.user).select_related("product")
    mine = mine.defer("description", "rating_comment")
    before = _number(request.GET.get("before", ""))
    tickets, older = newest_page(
        mine.closed() if is_closed else mine.open(), before, TICKETS_A_PAGE
    )
    context = {"tickets": tickets, "older": older, "before": before, "is_closed": is_closed}
    return render(request, "portal/ticket_list.html", context)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def ticket_detail(request: PortalRequest, number: int) -> HttpResponse:
    return _card(request, _own_ticket(request, number))


def _own_ticket(request: PortalRequest, number: int) -> Ticket:
    mine = Ticket.objects.visible_to(request.user)
    return get_object_or_404(
        mine.select_related("requester", "organization", "product", "assignee"), pk=number
    )


def _card(request: PortalRequest, ticket: Ticket, **forms: Any) -> HttpResponse:
    """The ticket's page; `forms` are the ones that came back with errors or words to keep."""
    events, older = timeline(ticket, _number(request.GET.get("before", "")))
    readable = Ticket.objects.visible_to(request.user)
    context = {
        "ticket": ticket,
        "parent": readable.filter(pk=ticket.parent_id).first() if ticket.parent_id else None,
        "files": ticket.attachments.filter(comment=None),
        "events": events,
        "older": older,
        "comment_form": CommentForm(auto_id="comment_%s"),
        "return_form": ReturnForm(auto_id="return_%s"),
        "rating_form": RatingForm(auto_id="rating_%s"),
        "is_linked": MessengerAccount.objects.filter(user=request.user, channel=TELEGRAM).exists,
        "form": next((form for form in forms.values() if form.errors), None),
    }
    return render(request, "portal/ticket_detail.html", context | forms)


# Writing

CardView = Callable[[PortalRequest, Ticket], HttpResponse]


def card_form(view: CardView) -> Callable[[PortalRequest, int], HttpResponse]:
    """A form of the ticket's page: the person's own ticket; any other method leads to the page."""

    @wraps(view)
    def wrapped(request: PortalRequest, number: int) -> HttpResponse:
        ticket = _own_ticket(request, number)
        return view(request, ticket) if request.method == "POST" else redirect(ticket)

    return wrapped


@card_form
def ticket_comment(request: PortalRequest, ticket: Ticket) -> HttpResponse:
    form = CommentForm(request.POST, request.FILES, auto_id="comment_%s")
    if not form.is_valid():
        return _card(request, ticket, comment_form=form)
    body, files = form.cleaned_data["body"], form.cleaned_data["attachments"]
    try:
        author = customer(request.user, Face.PORTAL)
        are_files_kept = say_once(ticket=ticket, actor=author, body=body, files=files)
    except TicketClosed:
        form.add_error(
            None, _("Заявка уже закрыта, комментарий не добавлен. Ваш текст сохранён ниже.")
        )
    except FileRefused as refusal:
        form.add_error("attachments", str(refusal))
    except OSError:
        logger.exception("files of a comment on ticket %s could not be stored", ticket.pk)
        form.add_error("attachments", _("Файлы сохранить не удалось. Попробуйте ещё раз позже."))
    else:
        _thank_for_comment(request, ticket, are_files_kept)
        return redirect(f"{ticket.get_absolute_url()}#latest")
    return _card(request, _own_ticket(request, ticket.pk), comment_form=form)


def _thank_for_comment(request: PortalRequest, ticket: Ticket, are_files_kept: bool) -> None:
    if not are_files_kept:
        messages.warning(
            request, _("Комментарий добавлен без файлов: сохранить их сейчас не удалось.")
        )
    elif ticket.status == TicketStatus.RESOLVED:
        messages.success(
            request,
            _("Комментарий добавлен. Если проблема не решена, верните заявку в работу."),
        )
    else:
        messages.success(request, _("Комментарий добавлен."))


@card_form
def ticket_return(request: PortalRequest, ticket: Ticket) -> HttpResponse:
    form = ReturnForm(request.POST, auto_id="return_%s")
    if not form.is_valid():
        return _card(request, ticket, return_form=form)
    reason = form.cleaned_data["reason"]
    requester = customer(request.user, Face.PORTAL)
    try:
        return_to_work(ticket=ticket, actor=requester, reason=reason)
    except AlreadyDone:
        if not was_just_said(ticket=ticket, actor=requester, body=reason):
            return _offer_as_comment(request, ticket, reason)
    except TransitionNotAllowed as refusal:
        form.add_error(None, _why_not_returned(refusal.status))
        return _card(request, _own_ticket(request, ticket.pk), return_form=form)
    messages.success(request, _("Заявка снова в работе. Причина передана специалисту."))
    return redirect(f"{ticket.get_absolute_url()}#latest")


def _offer_as_comment(request: PortalRequest, ticket: Ticket, reason: str) -> HttpResponse:
    messages.info(request, _("Заявка уже в работе. Ваш текст можно отправить комментарием."))
    form = CommentForm(initial={"body": reason}, auto_id="comment_%s")
    return _card(request, _own_ticket(request, ticket.pk), comment_form=form)


def _why_not_returned(status: TicketStatus) -> str:
    if status == TicketStatus.CLOSED:
        return _("Заявка уже закрыта, вернуть её нельзя. Создайте новую в чат-боте.")
    return _("Заявка ещё не выполнена, возвращать её не нужно: напишите комментарий.")


@card_form
def ticket_rate(request: PortalRequest, ticket: Ticket) -> HttpResponse:
    form = RatingForm(request.POST, auto_id="rating_%s")
    if not form.is_valid():
        return _card(request, ticket, rating_form=form)
    requester = customer(request.user, Face.PORTAL)
    comment = form.cleaned_data["comment"]
    try:
        rate_ticket(ticket=ticket, actor=requester, score=form.cleaned_data["score"], text=comment)
    except AlreadyDone:
        messages.info(request, _("Оценка уже поставлена, спасибо. Заявка закрыта."))
    except TransitionNotAllowed as refusal:
        form.add_error(None, _why_not_rated(refusal.status))
        return _card(request, _own_ticket(request, ticket.pk), rating_form=form)
    else:
        messages.success(request, _("Спасибо за оценку! Заявка закрыта."))
    return redirect(ticket)


def _why_not_rated(status: TicketStatus) -> str:
    if status == TicketStatus.CLOSED:
        return _("Заявка уже закрыта без оценки.")
    return _("Заявка сейчас не выполнена: оценить её можно будет после выполнения.")
