"""Files: up with a comment, down as what no browser runs."""

import logging
from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from api.base import ApiView
from api.conversation import PAGE, require_saying
from api.cursors import after_id, id_page, page_size
from api.fields import Files, Form, Text, Truth, Words
from api.finding import find, led_to
from api.problems import UNAVAILABLE_FOR, Problem
from api.serializers import SentFilesOut, comment_out, file_out
from api.writing import Answer, change_ticket, person_of
from config.downloads import download
from tickets.attachments import NewFile, open_content
from tickets.comments import add_comment
from tickets.forms import once, once_even_without_files
from tickets.models import Attachment, Ticket
from tickets.queries import enclosed, files_of

logger = logging.getLogger(__name__)


class NewFiles(Form):
    of_agents = ("internal",)
    files = Files()
    body = Words()
    internal = Truth(required=False, default=False)
    on_behalf_of = Text(required=False)


class TicketFiles(ApiView):
    parameters: ClassVar = {"GET": PAGE}
    parser_classes: ClassVar = [MultiPartParser]

    def get(self, request: Request, number: int) -> HttpResponseBase:
        self.caller.require_reading()
        what, size = f"attachments {number}", page_size(request)
        after, ticket = after_id(request, what), find(self.caller, number)
        if ticket.pk != number:
            return led_to("ticket_attachments", ticket)
        files, more = enclosed(ticket, after, size, internal=self.caller.serves)
        return Response(id_page(request, what, files, more, [file_out(file) for file in files]))

    def post(self, request: Request, number: int) -> HttpResponseBase:
        """Where the files cannot be stored the words stay without them; `files_refused` says so."""
        require_saying(self.caller)
        form = self.read(NewFiles)
        actor = self.caller.speaking_as(person_of(self.caller, form))

        def say(ticket: Ticket, stored: Sequence[NewFile]) -> Answer:
            internal = form.get("internal", False)
            comment = add_comment(
                ticket=ticket, actor=actor, body=form["body"], files=stored, internal=internal
            )
            words = None
            if len(stored) < len(form["files"]):
                words = _("Комментарий добавлен без файлов: сохранить их сейчас не удалось.")
            said = comment_out(comment, comment.attachments.all())
            return Answer(SentFilesOut({**said, "files_refused": words}).data, 201)

        carry_out = once_even_without_files if form["body"] else once
        try:
            return change_ticket(
                self,
                number,
                actor,
                say,
                content=request.POST.dict(),
                files=form["files"],
                carry_out=carry_out,
            )
        except OSError as error:
            raise _not_stored(error) from error


def _not_stored(error: OSError) -> Problem:
    logger.error("files of a program could not be stored: %s", error.strerror)
    detail = _("Файлы сохранить не удалось. Попробуйте ещё раз позже.")
    headers = {"Retry-After": str(UNAVAILABLE_FOR)}
    return Problem(503, "files_not_stored", detail, headers=headers)


class OneFile(ApiView):
    def get(self, request: Request, pk: int) -> Response:
        return Response(file_out(get_object_or_404(_readable(self), pk=pk)))


class Content(ApiView):
    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """A file comes as what it is, whatever the caller accepts."""
        return super().perform_content_negotiation(request, force=True)

    def get(self, request: Request, pk: int) -> HttpResponseBase:
        ready = _readable(self).filter(state=Attachment.State.READY)
        attachment = get_object_or_404(ready, pk=pk)
        try:
            content, kind = open_content(attachment)
        except FileNotFoundError:
            raise Http404 from None
        return download(content, name=attachment.name, content_type=kind)


def _readable(view: ApiView) -> QuerySet[Attachment]:
    view.caller.require_reading()
    return files_of(view.caller.tickets(), internal=view.caller.serves)
