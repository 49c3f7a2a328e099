"""What the requester says to a resolved ticket: back to work, or a rating."""

from collections.abc import Callable, Sequence
from functools import wraps

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.quotas import QuotaReached
from portal.forms.tickets import RatingForm, ReturnForm
from portal.requests import PortalRequest
from portal.views.card import (
    LATEST,
    CardView,
    card,
    card_form,
    is_led,
    offer_again,
    offer_as_comment,
    readable_ticket,
    sending_of,
    tell_beside,
)
from portal.views.errors import too_often
from tickets.attachments import NewFile
from tickets.drafts import Mark, forget_words, read_browser
from tickets.forms import Made, once
from tickets.models import Face, Ticket
from tickets.recording import customer
from tickets.refusals import AlreadyDone, KeyReused, NotRequester
from tickets.services import comment_rating, rate_ticket, return_to_work
from tickets.status import TicketStatus, TransitionNotAllowed


def requester_form(view: CardView) -> Callable[[PortalRequest, int], HttpResponse]:
    """A form for the requester alone; what others wrote there is offered as a comment."""

    @card_form
    @wraps(view)
    def wrapped(request: PortalRequest, ticket: Ticket) -> HttpResponse:
        words = request.POST.get("reason") or request.POST.get("comment") or ""
        if is_led(request, ticket):
            messages.warning(request, _("Заявки объединены. Ваш текст можно отправить сюда."))
            return offer_as_comment(request, ticket, words)
        if ticket.requester_id == request.user.pk:
            return view(request, ticket)
        messages.warning(request, str(NotRequester()))
        response = offer_as_comment(request, ticket, words)
        response.status_code = 403
        return response

    return wrapped


@requester_form
def ticket_return(request: PortalRequest, ticket: Ticket) -> HttpResponse:
    form = ReturnForm(request.POST, auto_id="return_%s")
    if not form.is_valid():
        return card(request, ticket, return_form=form)
    reason = form.cleaned_data["reason"]
    requester = customer(request.user, Face.PORTAL)

    def give_back(_files: Sequence[NewFile]) -> Made:
        returned = return_to_work(ticket=ticket, actor=requester, reason=reason)
        return {"comment": returned.events.latest("pk").comment_id}

    try:
        done = once(sending_of(request, ticket, "return", {"reason": reason}), give_back)
    except KeyReused as refusal:
        return offer_again(request, ticket, refusal.made, reason)
    except AlreadyDone:
        messages.info(request, _("Заявка уже в работе. Ваш текст можно отправить комментарием."))
        return offer_as_comment(request, ticket, reason)
    except QuotaReached as refusal:
        form.add_error(None, str(refusal))
        return too_often(card(request, ticket, return_form=form), refusal)
    except TransitionNotAllowed as refusal:
        form.add_error(None, _why_not_returned(refusal.status))
        return card(request, readable_ticket(request, ticket.pk), return_form=form)
    place = f"comment-{done.made['comment']}"
    words = _("Заявка снова в работе. Причина передана специалисту.")
    tell_beside(request, messages.SUCCESS, words, place)
    return redirect(f"{ticket.get_absolute_url()}#{place}")


def _why_not_returned(status: TicketStatus) -> str:
    if status == TicketStatus.CLOSED:
        return _("Заявка уже закрыта, вернуть её нельзя. Создайте новую на её основе.")
    return _("Заявка ещё не выполнена, возвращать её не нужно: напишите комментарий.")


@requester_form
def ticket_rate(request: PortalRequest, ticket: Ticket) -> HttpResponse:
    form = RatingForm(request.POST, auto_id="rating_%s")
    if not form.is_valid():
        return card(request, ticket, rating_form=form)
    try:
        return _take_rating(request, ticket, form)
    except QuotaReached as refusal:
        form.add_error(None, str(refusal))
        page = card(request, readable_ticket(request, ticket.pk), rating_form=form)
        return too_often(page, refusal)


def _take_rating(request: PortalRequest, ticket: Ticket, form: RatingForm) -> HttpResponse:
    score, words = form.cleaned_data["score"], form.cleaned_data["comment"]
    requester = customer(request.user, Face.PORTAL)

    def rate(_files: Sequence[NewFile]) -> Made:
        rate_ticket(ticket=ticket, actor=requester, score=score, text=words)
        return {"score": score, "words": words}

    try:
        once(sending_of(request, ticket, "rate", {"score": score, "words": words}), rate)
    except (KeyReused, AlreadyDone):
        return _rated_before(request, ticket, form)
    except TransitionNotAllowed as refusal:
        form.add_error(None, _why_not_rated(refusal.status))
        return card(request, readable_ticket(request, ticket.pk), rating_form=form)
    return _show_rating(request, ticket, messages.SUCCESS, _("Спасибо за оценку! Заявка закрыта."))


def _show_rating(request: PortalRequest, ticket: Ticket, level: int, words: str) -> HttpResponse:
    tell_beside(request, level, words)
    return redirect(f"{ticket.get_absolute_url()}#{LATEST}")


def _rated_before(request: PortalRequest, ticket: Ticket, form: RatingForm) -> HttpResponse:
    """Another rating of a rated ticket: what counts, and the new words if there are any."""
    ticket = readable_ticket(request, ticket.pk)
    words = form.cleaned_data["comment"]
    if words and form.cleaned_data["score"] == ticket.score and not ticket.rating_comment:
        comment_rating(ticket=ticket, actor=customer(request.user, Face.PORTAL), text=words)
        mark = Mark(request.user.pk, "rate", ticket.pk)
        forget_words(mark=mark, browser=read_browser(request.COOKIES))
        told = _("Спасибо! Комментарий к оценке добавлен.")
        return _show_rating(request, ticket, messages.SUCCESS, told)
    if words and words != ticket.rating_comment:
        text = _("Оценка уже сохранена: %(score)d из 5. Новый текст не отправлен.")
        form.add_error("comment", text % {"score": ticket.score})
        return card(request, ticket, rating_form=form)
    told = _("Оценка уже поставлена, спасибо. Заявка закрыта.")
    return _show_rating(request, ticket, messages.INFO, told)


def _why_not_rated(status: TicketStatus) -> str:
    if status == TicketStatus.CLOSED:
        return _("Заявка уже закрыта без оценки.")
    return _("Заявка сейчас не выполнена: оценить её можно будет после выполнения.")
