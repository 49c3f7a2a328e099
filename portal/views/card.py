"""The page of a ticket: what it shows, and what the views of its forms share."""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.messages import add_message, get_messages
from django.contrib.messages.storage.base import Message
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from portal.forms.tickets import CommentForm, RatingForm, ReturnForm
from portal.listing import keep_list
from portal.looks import note_look
from portal.requests import PortalRequest, lead
from portal.templatetags.portal import anchor
from tickets.attachments import NewFile
from tickets.drafts import TEXTS, Kept, kept_words, read_browser
from tickets.forms import Made, Sending, read_sending
from tickets.models import Ticket, TicketEvent
from tickets.queries import TicketFinder, answers, cards, files_beside, read_number, timeline
from tickets.reads import read_version, with_reads
from tickets.refusals import NotYours
from tickets.status import TicketStatus

CARD_FORMS = {
    "comment": ("comment_form", CommentForm),
    "return": ("return_form", ReturnForm),
    "rate": ("rating_form", RatingForm),
}
LATEST = "latest"  # the place of the newest event

CARDS = TicketFinder(lambda reader: with_reads(cards(reader), reader))

CardView = Callable[[PortalRequest, Ticket], HttpResponse]


def ticket_detail(request: PortalRequest, number: int) -> HttpResponse:
    ticket = readable_ticket(request, number)
    if ticket.pk != number:
        return _lead(request, number, ticket)
    response = card(request, ticket)
    if "before" not in request.GET:
        note_look(request, ticket)
    return response


def readable_ticket(request: PortalRequest, number: int) -> Ticket:
    """Of a merged number the ticket it leads to."""
    ticket = CARDS.find(request.user, number)
    if ticket is None:
        raise Http404
    return ticket


def is_led(request: PortalRequest, ticket: Ticket) -> bool:
    """Whether a form was sent about a ticket that has been merged into this one since."""
    return (
        request.resolver_match is not None and request.resolver_match.kwargs["number"] != ticket.pk
    )


def _lead(request: PortalRequest, number: int, ticket: Ticket) -> HttpResponse:
    """To the page of the ticket that a merged number leads to, where that is said."""
    text = _("Заявка № %(number)d объединена с этой: продолжение здесь.") % {"number": number}
    messages.info(request, text)
    return keep_list(request.GET, redirect(ticket))


def card(
    request: PortalRequest, ticket: Ticket, *, saved: dict[str, Any] | None = None, **forms: Any
) -> HttpResponse:
    """The ticket's page; `forms` are the ones that came back with errors or words to keep.

    `saved` is what a form had saved before it came again with other words.
    """
    kept = _kept(request, ticket, posted=forms)
    context = {
        "ticket": ticket,
        "is_requester": ticket.requester_id == request.user.pk,
        "kept": kept,
        "saved": saved,
        "form": next((form for form in forms.values() if form.errors), None),
        **_conversation(request, ticket),
        **{
            name: form(auto_id=f"{name.removesuffix('form')}%s", initial=_initial(purpose, kept))
            for purpose, (name, form) in CARD_FORMS.items()
        },
    }
    return render(request, "portal/ticket_detail.html", context | forms)


# What was said and done


def _conversation(request: PortalRequest, ticket: Ticket) -> dict[str, Any]:
    before = read_number(request.GET.get("before", ""))
    events, older = timeline(ticket, before)
    answer = _answer(ticket, events) if before is None else None
    shown = max([ticket.version, *(event.pk for event in events)])
    return {
        "before": before,
        "older": older,
        "events": events,
        "answer": answer,
        "files": files_beside(ticket, [*events, *([answer] if answer else [])]),
        "first_new": None if before else _first_new(request, ticket, events),
        "shown": shown,
        "seen": read_number(request.POST.get("seen", "")) or shown,
        **_messages(request, events),
    }


def _answer(ticket: Ticket, events: Sequence[TicketEvent]) -> TicketEvent | None:
    """The last words of support on a resolved ticket."""
    if ticket.status != TicketStatus.RESOLVED:
        return None
    shown = (event for event in reversed(events) if event.by_agent and event.comment)
    return next(shown, None) or answers(ticket).order_by("-pk").first()


def _first_new(request: PortalRequest, ticket: Ticket, events: Iterable[TicketEvent]) -> int | None:
    """The first event of others after what the person has read; nothing on a first visit."""
    read = read_version(ticket) or 0
    fresh = (event.pk for event in events if event.pk > read and event.actor_id != request.user.pk)
    return next(fresh, None) if read else None


# What a form's view says after it


def tell_beside(request: PortalRequest, level: int, words: str, place: str = LATEST) -> None:
    """Say something on the next page: beside a comment (`anchor`), or beside the newest event."""
    add_message(request, level, words, extra_tags=place)


def _messages(request: PortalRequest, events: Sequence[TicketEvent]) -> dict[str, Any]:
    """What there is to say by its place on this page, and above all what has none here."""
    places = {anchor(event): anchor(event) for event in events}
    if events:
        places[LATEST] = anchor(events[-1])
    beside: dict[str, list[Message]] = {}
    above: list[Message] = []
    for message in get_messages(request):
        place = places.get(message.extra_tags or "")
        (beside.setdefault(place, []) if place else above).append(message)
    return {"messages": above, "beside": beside}


# Forms


def card_form(view: CardView) -> Callable[[PortalRequest, int], HttpResponse]:
    """A form of the ticket's page, where the person may see it; any other method leads there."""

    @wraps(view)
    def wrapped(request: PortalRequest, number: int) -> HttpResponse:
        ticket = readable_ticket(request, number)
        try:
            response = view(request, ticket) if request.method == "POST" else redirect(ticket)
        except NotYours:  # a colleague who left meanwhile
            raise Http404 from None
        return lead(request, keep_list(request.GET, response))

    return wrapped


def sending_of(
    request: PortalRequest,
    ticket: Ticket,
    purpose: str,
    content: dict[str, Any],
    files: Sequence[NewFile] = (),
) -> Sending:
    return read_sending(
        request, user=request.user, purpose=purpose, content=content, files=files, ticket=ticket
    )


def offer_as_comment(
    request: PortalRequest, ticket: Ticket, words: str, *, saved: dict[str, Any] | None = None
) -> HttpResponse:
    """The page as it is now, with words that were not sent in the field for comments."""
    form = CommentForm(initial={"body": words}, auto_id="comment_%s")
    return card(request, readable_ticket(request, ticket.pk), saved=saved, comment_form=form)


def offer_again(
    request: PortalRequest, ticket: Ticket, made: Made, words: str, *, had_files: bool = False
) -> HttpResponse:
    """New words under the key of a form that was sent: beside what it saved, as a new comment."""
    comment = ticket.comments.public().filter(pk=made.get("comment") or 0).first()
    saved = {"comment": comment, "had_files": had_files}
    return offer_as_comment(request, ticket, words, saved=saved)


def _kept(request: PortalRequest, ticket: Ticket, posted: dict[str, Any]) -> dict[str, Kept]:
    """Words to put back by the form they go to: where it is not offered, into the comment's."""
    words = kept_words(request.user, ticket, read_browser(request.COOKIES))
    is_requester = ticket.requester_id == request.user.pk
    if ticket.status != TicketStatus.RESOLVED or not is_requester:
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
