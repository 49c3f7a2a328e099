import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import wraps
from pathlib import PurePosixPath
from typing import Any, TypeVar

from django.contrib import messages
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.views import PortalRequest
from tickets import services
from tickets.attachments import FileRefused, NewFile, stored_contents
from tickets.forms import CommentForm, RatingForm, ReturnForm
from tickets.models import Attachment, Comment, Face, Ticket, TicketEvent
from tickets.services import AlreadyDone
from tickets.status import TicketStatus, TransitionNotAllowed

logger = logging.getLogger(__name__)

PAGE_SIZE = 20
TIMELINE_SIZE = 100
DOUBLE_PRESS = timedelta(seconds=30)  # the same words again so soon are one comment
IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
Kind = TicketEvent.Kind
Row = TypeVar("Row", bound=Model)


# Reading


def ticket_list(request: PortalRequest) -> HttpResponse:
    is_closed = request.GET.get("tab") == "closed"
    mine = Ticket.objects.visible_to(request.user).select_related("product")
    mine = mine.defer("description", "rating_comment")
    before = _number(request.GET.get("before", ""))
    tickets, older = newest_page(mine.closed() if is_closed else mine.open(), before, PAGE_SIZE)
    context = {"tickets": tickets, "older": older, "before": before, "is_closed": is_closed}
    return render(request, "portal/ticket_list.html", context)


def newest_page(rows: QuerySet[Row], before: int | None, size: int) -> tuple[list[Row], int | None]:
    """The newest `size` rows with an id under `before`, and what to pass for the page after."""
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: size + 1])
    return found[:size], found[size - 1].pk if len(found) > size else None


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
    events, older = _timeline(ticket, _number(request.GET.get("before", "")))
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
        "form": next((form for form in forms.values() if form.errors), None),
    }
    return render(request, "portal/ticket_detail.html", context | forms)


def _timeline(ticket: Ticket, before: int | None) -> tuple[list[TicketEvent], int | None]:
    """Events oldest first, each with its public comment or none; internal notes do not exist."""
    shown = ticket.events.exclude(kind__in=[Kind.NOTED, Kind.EDITED]).select_related("actor")
    events, older = newest_page(shown, before, TIMELINE_SIZE)
    events.reverse()
    wanted = [event.comment_id for event in events if event.comment_id]
    public = ticket.comments.public().select_related("author").prefetch_related("attachments")
    comments = public.in_bulk(wanted)
    for event in events:
        event.comment = comments.get(event.comment_id) if event.comment_id else None
    hidden = [event for event in events if event.kind == Kind.COMMENTED and not event.comment]
    return [event for event in events if event not in hidden], older


def attachment_download(request: PortalRequest, pk: int) -> HttpResponseBase:
    attachment = get_object_or_404(_readable_files(request.user), pk=pk)
    kind = IMAGES.get(PurePosixPath(attachment.name).suffix.lower(), "application/octet-stream")
    try:
        content = attachment.file.open("rb")
    except FileNotFoundError:
        logger.error("the content of attachment %s is missing", pk)
        raise Http404 from None
    response = FileResponse(
        content, as_attachment=True, filename=attachment.name, content_type=kind
    )
    response["Content-Security-Policy"] = "sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def _readable_files(user: User) -> QuerySet[Attachment]:
    ready = Attachment.objects.filter(state=Attachment.State.READY)
    if user.is_staff and user.has_perm("tickets.view_ticket"):
        return ready
    return ready.filter(
        Q(comment=None) | Q(comment__in=Comment.objects.public()),
        ticket__in=Ticket.objects.visible_to(user),
    )


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
        lost_files = _add_comment(ticket, request.user, body, files)
    except services.TicketClosed:
        form.add_error(
            None, _("Заявка уже закрыта, комментарий не добавлен. Ваш текст сохранён ниже.")
        )
    except FileRefused as refusal:
        form.add_error("attachments", str(refusal))
    except OSError:
        logger.exception("files of a comment on ticket %s could not be stored", ticket.pk)
        form.add_error("attachments", _("Файлы сохранить не удалось. Попробуйте ещё раз позже."))
    else:
        _thank_for_comment(request, ticket, lost_files)
        return redirect(f"{ticket.get_absolute_url()}#latest")
    return _card(request, _own_ticket(request, ticket.pk), comment_form=form)


def _add_comment(ticket: Ticket, user: User, body: str, files: Sequence[NewFile]) -> bool:
    """Add the comment once, however often it was sent; True when only its text could be kept."""
    try:
        with stored_contents(files) as stored:
            _say_once(ticket, user, body, stored)
    except OSError:
        if not body:
            raise
        logger.exception("files of a comment on ticket %s could not be stored", ticket.pk)
        _say_once(ticket, user, body)
        return True
    return False


def _say_once(ticket: Ticket, user: User, body: str, files: Sequence[NewFile] = ()) -> None:
    with transaction.atomic():
        Ticket.objects.select_for_update().filter(pk=ticket.pk).first()
        if not _was_just_said(ticket, user, body, files):
            author = services.customer(user, Face.PORTAL)
            services.add_comment(ticket=ticket, actor=author, body=body, files=files)


def _was_just_said(ticket: Ticket, user: User, body: str, files: Sequence[NewFile] = ()) -> bool:
    last = ticket.comments.public().order_by("-pk").first()
    return bool(
        last
        and last.author_id == user.pk
        and last.body == body
        and last.created_at > timezone.now() - DOUBLE_PRESS
        and sorted(last.attachments.values_list("size", flat=True))
        == sorted(file.size for file in files)
    )


def _thank_for_comment(request: PortalRequest, ticket: Ticket, lost_files: bool) -> None:
    if lost_files:
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
    try:
        services.return_to_work(
            ticket=ticket, actor=services.customer(request.user, Face.PORTAL), reason=reason
        )
    except AlreadyDone:
        if not _was_just_said(ticket, request.user, reason):
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
    requester = services.customer(request.user, Face.PORTAL)
    comment = form.cleaned_data["comment"]
    try:
        with transaction.atomic():
            services.rate_ticket(ticket=ticket, actor=requester, score=form.cleaned_data["score"])
            if comment:
                services.comment_rating(ticket=ticket, actor=requester, text=comment)
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
