"""What is done with a ticket: returned, rated and closed by its requester; moved and merged."""

from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from accounts.models import Scope
from api.base import ApiView
from api.callers import MAY_CHANGE, MAY_WRITE
from api.fields import BodyText, Choice, Form, Identifier, Number, Text, Words
from api.writing import Answer, change_ticket, person_of, ticket_answer
from tickets.merging import merge_tickets
from tickets.models import Face, Ticket
from tickets.recording import customer
from tickets.refusals_joining import NoSuchTicket
from tickets.services import change_status, close_by_requester, rate_ticket, return_to_work
from tickets.status import TicketStatus


class ReturnForm(Form):
    reason = BodyText()
    on_behalf_of = Text(required=False)


class RateForm(Form):
    score = Number(min_value=1, max_value=5)
    text = Words()
    on_behalf_of = Text(required=False)


class CloseForm(Form):
    score = Number(min_value=1, max_value=5, required=False, allow_null=True)
    text = Words()
    on_behalf_of = Text(required=False)


class StatusForm(Form):
    status = Choice(choices=TicketStatus.choices)
    answer = Words()


class MergeForm(Form):
    into = Identifier()


class RequesterAct(ApiView):
    """Agents, too, may do these only with their own tickets, as customers."""

    form: ClassVar[type[Form]]

    def post(self, request: Request, number: int) -> HttpResponse:
        self.caller.require(Scope.WRITE)
        form = self.read(self.form)
        actor = customer(person_of(self.caller, form), Face.API)

        def act(ticket: Ticket, _files: object) -> Answer:
            self.carry_out(ticket=ticket, actor=actor, **_own_keys(form))
            return ticket_answer(ticket, self.caller)

        return change_ticket(self, number, actor, act, content=request.data)


def _own_keys(form: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in form.items() if name != "on_behalf_of"}


class Return(RequesterAct):
    form = ReturnForm
    carry_out = staticmethod(return_to_work)


class Rate(RequesterAct):
    form = RateForm
    carry_out = staticmethod(rate_ticket)


class Close(RequesterAct):
    form = CloseForm
    carry_out = staticmethod(close_by_requester)


class Status(ApiView):
    def post(self, request: Request, number: int) -> HttpResponse:
        caller = self.caller
        caller.require_desk(MAY_CHANGE)
        form = self.read(StatusForm)
        if form["answer"]:
            caller.require_rights(MAY_WRITE)
        actor = caller.speaking_as(person_of(caller, form))

        def act(ticket: Ticket, _files: object) -> Answer:
            to = TicketStatus(form["status"])
            change_status(ticket=ticket, to=to, actor=actor, answer=form["answer"])
            return ticket_answer(ticket, caller)

        return change_ticket(self, number, actor, act, content=request.data)


class Merge(ApiView):
    """Answers with the ticket that is left."""

    def post(self, request: Request, number: int) -> HttpResponse:
        caller = self.caller
        caller.require_desk(MAY_CHANGE)
        form = self.read(MergeForm)
        actor = caller.speaking_as(person_of(caller, form))

        def act(ticket: Ticket, _files: object) -> Answer:
            into = caller.tickets().filter(pk=form["into"]).first()
            if into is None:
                raise NoSuchTicket(form["into"])
            return ticket_answer(merge_tickets(ticket=ticket, into=into, actor=actor), caller)

        return change_ticket(self, number, actor, act, content=request.data)
