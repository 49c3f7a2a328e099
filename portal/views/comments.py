"""The form for comments on a ticket's page."""

import logging

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.translation import gettext as _

from accounts.quotas import QuotaReached
from config.compiled import Compiled
from portal.forms.tickets import CommentForm
from portal.requests import PortalRequest, is_script
from portal.templatetags.portal import anchor
from portal.views.card import (
    card,
    card_form,
    offer_again,
    readable_ticket,
    sending_of,
    tell_beside,
)
from portal.views.errors import too_often
from tickets.comments import say_once
from tickets.form_fields import tell_lost_files
from tickets.forms import Made
from tickets.models import Face, Ticket, TicketEvent
from tickets.queries import answers, read_number
from tickets.recording import customer
from tickets.refusals import FileRefused, KeyReused, TicketClosed, TooManyBytes
from tickets.status import TicketStatus

logger = logging.getLogger(__name__)


@card_form
def ticket_comment(request: PortalRequest, ticket: Ticket) -> HttpResponse:
    keeps_files = is_script(request)
    form = CommentForm(request.POST, request.FILES, auto_id="comment_%s", keeps_files=keeps_files)
    if not form.is_valid():
        return _come_back(request, ticket, form)
    body, files = form.cleaned_data["body"], form.cleaned_data["attachments"]
    try:
        author = customer(request.user, Face.PORTAL)
        sending = sending_of(request, ticket, "comment", {"body": body}, files)
        done = say_once(sending=sending, ticket=ticket, actor=author, body=body)
    except KeyReused as refusal:
        had_files = bool(files) and not keeps_files
        return offer_again(request, ticket, refusal.made, body, had_files=had_files)
    except TicketClosed:
        form.add_error(
            None, _("Заявка уже закрыта, комментарий не добавлен. Ваш текст сохранён ниже.")
        )
    except FileRefused as refusal:
        form.add_error("attachments", str(refusal))
    except QuotaReached as refusal:
        form.add_error("attachments" if isinstance(refusal, TooManyBytes) else None, str(refusal))
        return too_often(_come_back(request, ticket, form), refusal)
    except OSError:
        logger.exception("files of a comment on ticket %s could not be stored", ticket.pk)
        form.add_error("attachments", _("Файлы сохранить не удалось. Попробуйте ещё раз позже."))
    else:
        return _show_comment(request, ticket, done.made)
    return _come_back(request, readable_ticket(request, ticket.pk), form)


def _come_back(request: PortalRequest, ticket: Ticket, form: CommentForm) -> HttpResponse:
    tell_lost_files(form)
    return card(request, ticket, comment_form=form)


def _show_comment(request: PortalRequest, ticket: Ticket, made: Made) -> HttpResponse:
    """The page with what was done said beside the new comment, where it opens."""
    place = f"comment-{made['comment']}"
    is_requester = ticket.requester_id == request.user.pk
    level, words = _thanks(ticket, are_files_kept=made["files_kept"], is_requester=is_requester)
    tell_beside(request, level, words, place)
    _tell_of_answer(request, ticket, made["comment"], place)
    return redirect(f"{ticket.get_absolute_url()}#{place}")


def _thanks(ticket: Ticket, *, are_files_kept: bool, is_requester: bool) -> tuple[int, str]:
    if not are_files_kept:
        words = _("Комментарий добавлен без файлов: сохранить их сейчас не удалось.")
        return messages.WARNING, words
    if ticket.status == TicketStatus.RESOLVED and is_requester:
        words = _("Комментарий добавлен. Если проблема не решена, верните заявку в работу.")
        return messages.SUCCESS, words
    return messages.SUCCESS, _("Комментарий добавлен.")


def _missed(ticket: int, seen: int, comment: int) -> QuerySet[TicketEvent]:
    later = answers(Ticket(pk=ticket)).filter(pk__gt=seen, comment__lt=comment)
    return later.select_related(None).only("comment").order_by("pk")[:1]


MISSED = Compiled(_missed, int, int, int)


def _tell_of_answer(request: PortalRequest, ticket: Ticket, comment: int, place: str) -> None:
    """Say that support has answered after the page was made that the comment was written on."""
    seen = read_number(request.POST.get("seen", ""))
    if seen is None:
        return
    if missed := MISSED.first(ticket.pk, seen, comment):
        words, link = _("Пока вы писали, поддержка ответила."), _("К ответу")
        told = format_html('{} <a href="#{}">{}</a>', words, anchor(missed), link)
        tell_beside(request, messages.INFO, told, place)
