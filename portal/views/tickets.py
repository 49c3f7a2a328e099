"""The list and the card of tickets, and the forms on the card."""

import logging
from collections.abc import Callable, Sequence
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
from tickets.attachments import NewFile
from tickets.comments import say_once
from tickets.drafts import TEXTS, Kept, Mark, forget_words, kept_words, read_browser
from tickets.forms import Made, Sending, once, read_sending
from tickets.models import Face, Ticket, TicketEvent
from tickets.queries import newest_page, timeline
from tickets.recording import customer
from tickets.refusals import AlreadyDone, FileRefused, KeyReused, TicketClosed
from tickets.services import comment_rating, rate_ticket, return_to_work
from tickets.status import TicketStatus, TransitionNotAllowed

logger = logging.getLogger(__name__)

TICKETS_A_PAGE = 20
CARD_FORMS = {
    "comment": ("comment_form", CommentForm),
    "return": ("return_form", ReturnForm),
    "rate": ("rating_form", RatingForm),
}
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


def _card(
    request: PortalRequest, ticket: Ticket, *, saved: dict[str, Any] | None = None, **forms: Any
) -> HttpResponse:
    """The ticket's page; `forms` are the ones that came back with errors or words to keep.

    `saved` is what a form had saved before it came again with other words.
    """
    events, older = timeline(ticket, _number(request.GET.get("before", "")))
    readable = Ticket.objects.visible_to(request.user)
    kept = _kept(request, ticket, posted=forms)
    context = {
        "ticket": ticket,
        "parent": readable.filter(pk=ticket.parent_id).first() if ticket.parent_id else None,
        "files": ticket.attachments.filter(comment=None),
        "events": events,
        "older": older,
        "is_linked": MessengerAccount.objects.filter(user=request.user, channel=TELEGRAM).exists,
        "kept": kept,
        "saved": saved,
        "form": next((form for form in forms.values() if form.errors), None),
        **{
            name: form(auto_id=f"{name.removesuffix('form')}%s", initial=_initial(purpose, kept))
            for purpose, (name, form) in CARD_FORMS.items()
        },
    }
    return render(request, "portal/ticket_detail.html", context | forms)


def _kept(request: PortalRequest, ticket: Ticket, posted: dict[str, Any]) -> dict[str, Kept]:
    """Words to put back by the form they go to: where it is not offered, into the comment's."""
    words = kept_words(request.user, ticket, read_browser(request.COOKIES))
    if ticket.status != TicketStatus.RESOLVED:
        elsewhere = [words.pop(purpose, None) for purpose in ("return", "rate")]
        for kept in filter(None, elsewhere):
            words.setdefault("comment", kept)
    return {
        purpose: kept
        for purpose, kept in words.items()
        if purpose in CARD_FORMS and CARD_FORMS[purpose][0] not in posted
    }


def _initial(purpose: str, kept: dict[str, Kept]) -> dict[str, Any]:
    words = kept.get(purpose)
    return {**words.body, TEXTS[purpose]: words.text} if words else {}


# Writing

CardView = Callable[[PortalRequest, Ticket], HttpResponse]


def card_form(view: CardView) -> Callable[[PortalRequest, int], HttpResponse]:
    """A form of the ticket's page: the person's own ticket; any other method leads to the page."""

    @wraps(view)
    def wrapped(request: PortalRequest, number: int) -> HttpResponse:
        ticket = _own_ticket(request, number)
        return view(request, ticket) if request.method == "POST" else redirect(ticket)

    return wrapped


def _sending(
    request: PortalRequest,
    ticket: Ticket,
    purpose: str,
    content: dict[str, Any],
    files: Sequence[NewFile] = (),
) -> Sending:
    return read_sending(
        request, user=request.user, purpose=purpose, content=content, files=files, ticket=ticket
    )


@card_form
def ticket_comment(request: PortalRequest, ticket: Ticket) -> HttpResponse:
    form = CommentForm(request.POST, request.FILES, auto_id="comment_%s")
    if not form.is_valid():
        return _card(request, ticket, comment_form=form)
    body, files = form.cleaned_data["body"], form.cleaned_data["attachments"]
    try:
        author = customer(request.user, Face.PORTAL)
        sending = _sending(request, ticket, "comment", {"body": body}, files)
        done = say_once(sending=sending, ticket=ticket, actor=author, body=body)
    except KeyReused as refusal:
        return _offer_again(request, ticket, refusal.made, body, had_files=bool(files))
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
        _thank_for_comment(request, ticket, done.made["files_kept"])
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


def _offer_again(
    request: PortalRequest, ticket: Ticket, made: Made, words: str, *, had_files: bool = False
) -> HttpResponse:
    """New words under the key of a form that was sent: beside what it saved, as a new comment."""
    comment = ticket.comments.public().filter(pk=made.get("comment") or 0).first()
    saved = {"comment": comment, "had_files": had_files}
    form = CommentForm(initial={"body": words}, auto_id="comment_%s")
    return _card(request, _own_ticket(request, ticket.pk), saved=saved, comment_form=form)


@card_form
def ticket_return(request: PortalRequest, ticket: Ticket) -> HttpResponse:
    form = ReturnForm(request.POST, auto_id="return_%s")
    if not form.is_valid():
        return _card(request, ticket, return_form=form)
    reason = form.cleaned_data["reason"]
    requester = customer(request.user, Face.PORTAL)

    def give_back(_files: Sequence[NewFile]) -> Made:
        returned = return_to_work(ticket=ticket, actor=requester, reason=reason)
        return {"comment": returned.events.latest("pk").comment_id}

    try:
        once(_sending(request, ticket, "return", {"reason": reason}), give_back)
    except KeyReused as refusal:
        return _offer_again(request, ticket, refusal.made, reason)
    except AlreadyDone:
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
    score, words = form.cleaned_data["score"], form.cleaned_data["comment"]
    requester = customer(request.user, Face.PORTAL)

    def rate(_files: Sequence[NewFile]) -> Made:
        rate_ticket(ticket=ticket, actor=requester, score=score, text=words)
        return {"score": score, "words": words}

    try:
        once(_sending(request, ticket, "rate", {"score": score, "words": words}), rate)
    except (KeyReused, AlreadyDone):
        return _rated_before(request, ticket, form)
    except TransitionNotAllowed as refusal:
        form.add_error(None, _why_not_rated(refusal.status))
        return _card(request, _own_ticket(request, ticket.pk), rating_form=form)
    messages.success(request, _("Спасибо за оценку! Заявка закрыта."))
    return redirect(ticket)


def _rated_before(request: PortalRequest, ticket: Ticket, form: RatingForm) -> HttpResponse:
    """Another rating of a rated ticket: what counts, and the new words if there are any."""
    ticket = _own_ticket(request, ticket.pk)
    words = form.cleaned_data["comment"]
    if words and form.cleaned_data["score"] == ticket.score and not ticket.rating_comment:
        comment_rating(ticket=ticket, actor=customer(request.user, Face.PORTAL), text=words)
        mark = Mark(request.user.pk, "rate", ticket.pk)
        forget_words(mark=mark, browser=read_browser(request.COOKIES))
        messages.success(request, _("Спасибо! Комментарий к оценке добавлен."))
        return redirect(ticket)
    if words and words != ticket.rating_comment:
        text = _("Оценка уже сохранена: %(score)d из 5. Новый текст не отправлен.")
        form.add_error("comment", text % {"score": ticket.score})
        return _card(request, ticket, rating_form=form)
    messages.info(request, _("Оценка уже поставлена, спасибо. Заявка закрыта."))
    return redirect(ticket)


def _why_not_rated(status: TicketStatus) -> str:
    if status == TicketStatus.CLOSED:
        return _("Заявка уже закрыта без оценки.")
    return _("Заявка сейчас не выполнена: оценить её можно будет после выполнения.")
