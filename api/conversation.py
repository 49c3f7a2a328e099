"""What was said and what happened, and new words."""

from typing import ClassVar

from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Scope
from api.base import ApiView
from api.callers import MAY_CHANGE, MAY_WRITE, Caller
from api.cursors import after_id, id_page, page_size
from api.fields import BodyText, Form, Text, Truth
from api.finding import find, led_to
from api.serializers import comment_out, event_out
from api.writing import Answer, change_ticket, person_of
from tickets.comments import add_comment
from tickets.kin import hide_foreign
from tickets.models import Ticket
from tickets.queries import conversation, files_beside, history

PAGE = ("cursor", "page_size")


class NewComment(Form):
    of_agents = ("internal",)
    body = BodyText()
    internal = Truth(required=False, default=False)
    on_behalf_of = Text(required=False)


class Timeline(ApiView):
    """Events after the creation, oldest first."""

    parameters: ClassVar = {"GET": PAGE}

    def get(self, request: Request, number: int) -> HttpResponseBase:
        self.caller.require_reading()
        what, size = f"timeline {number}", page_size(request)
        after, ticket = after_id(request, what), find(self.caller, number)
        if ticket.pk != number:
            return led_to("timeline", ticket)
        events, more = history(ticket, after, size, internal=self.caller.serves)
        files = files_beside(ticket, events, description=False)
        results = [event_out(event, files.get(event.comment_id, ())) for event in events]
        hide_foreign(self.caller.tickets, events=results)
        return Response(id_page(request, what, events, more, results))


class Comments(ApiView):
    """Words after the description, oldest first."""

    parameters: ClassVar = {"GET": PAGE}

    def get(self, request: Request, number: int) -> HttpResponseBase:
        self.caller.require_reading()
        what, size = f"comments {number}", page_size(request)
        after, ticket = after_id(request, what), find(self.caller, number)
        if ticket.pk != number:
            return led_to("comments", ticket)
        comments, more = conversation(ticket, after, size, internal=self.caller.serves)
        results = [comment_out(comment, comment.attachments.all()) for comment in comments]
        return Response(id_page(request, what, comments, more, results))

    def post(self, request: Request, number: int) -> HttpResponseBase:
        require_saying(self.caller)
        form = self.read(NewComment)
        actor = self.caller.speaking_as(person_of(self.caller, form))

        def say(ticket: Ticket, _files: object) -> Answer:
            internal = form.get("internal", False)
            comment = add_comment(ticket=ticket, actor=actor, body=form["body"], internal=internal)
            return Answer(comment_out(comment), 201)

        return change_ticket(self, number, actor, say, content=request.data)


def require_saying(caller: Caller) -> None:
    """Whoever serves speaks as an agent."""
    if caller.serves:
        caller.require_rights(MAY_CHANGE, MAY_WRITE)
    else:
        caller.require(Scope.WRITE)
