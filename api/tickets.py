"""Tickets: the list, a new one, one of them, its priority and assignee."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ValidationError

from accounts.models import Scope
from api.base import ApiView
from api.callers import MAY_CHANGE, Caller
from api.cursors import page_size, page_url, read_cursor
from api.fields import BodyText, Choice, Form, Identifier, Text, TitleText
from api.filters import FILTERS, chosen
from api.finding import address_of, find, find_to_change, led_to
from api.serializers import TicketPageOut, ticket_out
from api.writing import (
    Answer,
    answer_once,
    is_known,
    matched,
    person_of,
    tag_of,
    ticket_answer,
)
from config.database import retry_once
from tickets.agents import person_to_assign
from tickets.attachments import NewFile
from tickets.kin import hide_foreign
from tickets.models import Face, Priority, Product, Ticket
from tickets.plain import ticket_data, with_facts
from tickets.queries import Place, beside_place, closed_parent, place_of, read_place
from tickets.refusals import ProductUnavailable
from tickets.refusals_joining import NoSuchTicket
from tickets.services import change_facts, open_ticket

AFTER, BEFORE = "after", "before"  # in a cursor


class NewTicket(Form):
    product = Identifier()
    title = TitleText()
    description = BodyText()
    parent = Identifier(required=False, allow_null=True)
    on_behalf_of = Text(required=False)


class TicketFacts(Form):
    priority = Choice(choices=Priority.choices, required=False)
    assignee = Identifier(required=False, allow_null=True)


class Tickets(ApiView):
    parameters: ClassVar = {"GET": (*FILTERS, "cursor", "page_size")}
    parameters_of_agents: ClassVar = ("assignee",)

    def get(self, request: Request) -> Response:
        self.caller.require_reading()
        return Response(_page(request, self.caller))

    def post(self, request: Request) -> HttpResponse:
        caller = self.caller
        caller.require(Scope.WRITE)
        form = self.read(NewTicket)
        person = person_of(caller, form)

        def open_it(_files: Sequence[NewFile]) -> Answer:
            product = Product.objects.filter(pk=form["product"]).first()
            if product is None:
                raise ProductUnavailable
            ticket = open_ticket(
                requester=person,
                product=product,
                title=form["title"],
                description=form["description"],
                face=Face.API,
                parent=_parent(caller, form.get("parent")),
                token=caller.token,
            )
            answer = ticket_answer(ticket, caller, status=201)
            answer.headers["Location"] = address_of("ticket", ticket.pk)
            return answer

        return answer_once(self, person, open_it, content=request.data)


def _parent(caller: Caller, number: int | None) -> Ticket | None:
    """A closed ticket that the caller sees. Raises ValidationError."""
    if number is None:
        return None
    parent = closed_parent(caller.tickets(), number)
    if parent is None:
        refusal = NoSuchTicket(number)
        raise ValidationError({"parent": [str(refusal)]}, code=refusal.code)
    return parent


def _page(request: Request, caller: Caller) -> Mapping[str, Any]:
    size = page_size(request)
    parts, owner, newest_first = chosen(request, caller)
    what = f"tickets {newest_first}"
    way, *ids = read_cursor(request, what) or [AFTER]
    place, back = read_place(ids), way == BEFORE
    down = newest_first != back
    rows = [with_facts(part) for part in parts]
    found, more = beside_place(rows, size, place, newest_first=down, owner=owner)
    ends = [place_of(found[0]), place_of(found[-1])] if found else [_back_to(place, down)] * 2
    if back:
        found.reverse()
        ends.reverse()
    has_next, has_previous = (bool(place), more) if back else (more, bool(place))

    def url(way: str, end: Place | None) -> str | None:
        return page_url(request, what, [way, *end.ids]) if end else None

    results = [ticket_data(ticket) for ticket in found]
    hide_foreign(caller.tickets, tickets=results)
    page = {
        "results": results,
        "next": url(AFTER, ends[1]) if has_next else None,
        "previous": url(BEFORE, ends[0]) if has_previous else None,
    }
    return TicketPageOut(page).data


def _back_to(place: Place | None, down: bool) -> Place | None:
    """From a page without rows the way back leads to the very place it began at, not past it."""
    if place is None:
        return None
    return Place(place.changed_at, place.number + (-1 if down else 1))


class OneTicket(ApiView):
    def get(self, request: Request, number: int) -> HttpResponse:
        self.caller.require_reading()
        ticket = find(self.caller, number)
        if ticket.pk != number:
            return led_to("ticket", ticket)
        tag = tag_of(ticket, self.caller)
        if is_known(request, tag):
            return HttpResponse(status=304, headers={"ETag": tag})
        return Response(ticket_out(ticket, self.caller.tickets), headers={"ETag": tag})

    def patch(self, request: Request, number: int) -> Response:
        caller = self.caller
        caller.require_desk(MAY_CHANGE)
        form = self.read(TicketFacts)
        ticket = find_to_change(caller, number)
        changes: dict[str, Any] = {}
        if "priority" in form:
            changes["priority"] = (ticket.priority, Priority(form["priority"]))
        if "assignee" in form:
            assignee = form["assignee"] and person_to_assign(form["assignee"])
            changes["assignee"] = (ticket.assignee_id, assignee)
        actor = caller.speaking_as(person_of(caller, form))

        def change() -> None:
            with matched(request, caller, ticket, actor):
                change_facts(ticket=ticket, actor=actor, **changes)

        retry_once(change)
        answer = ticket_answer(ticket, caller)
        return Response(answer.body, headers=answer.headers)
