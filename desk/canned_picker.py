"""Ready answers on the card of a ticket: found while typing, filled, sent with their files."""

from typing import Any

from django import forms
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from accounts.models import User
from config.numerals import file_size
from desk.lists import agent_of, is_number
from desk.queue import same_list
from tickets.attachments import MAX_FILES, NewFile
from tickets.canned import answers_for, as_new_file, files_chosen, fill, values_for
from tickets.models import CannedAnswer, CannedFile, Ticket

VIEW = "tickets.view_cannedanswer"
QUERY_LIMIT = 100  # characters


class ReadyFilesField(forms.Field):
    """Files of ready answers by their ids; becomes files to be kept once more."""

    widget = forms.MultipleHiddenInput

    def __init__(self) -> None:
        super().__init__(required=False)
        self.agent: User | None = None  # set by the form
        self.chosen: list[CannedFile] = []

    def clean(self, value: Any) -> list[NewFile]:
        ids = {int(one) for one in value or () if is_number(one)}
        if not ids or self.agent is None:
            return []
        self.chosen = files_chosen(self.agent, ids) if self.agent.has_perm(VIEW) else []
        if len(self.chosen) < min(len(ids), MAX_FILES + 1):
            raise ValidationError(
                _("Файла готового ответа больше нет. Без него отправьте ещё раз.")
            )
        return [as_new_file(file) for file in self.chosen]


def urls(admin: ModelAdmin) -> list[URLPattern]:
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        if not (admin.has_view_permission(request) and request.user.has_perm(VIEW)):
            raise PermissionDenied
        related = Ticket.objects.select_related("requester", "product")
        return _offer(admin, request, get_object_or_404(related, pk=pk))

    page = admin.admin_site.admin_view(view)
    return [path("<int:pk>/canned/", page, name="tickets_ticket_canned")]


def _offer(admin: ModelAdmin, request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """The answers that have the words, as JSON for the script and as a page without it."""
    agent = agent_of(request)
    words = request.GET.get("q", "")[:QUERY_LIMIT]
    values = values_for(ticket, agent)
    answers = [_plain(answer, values) for answer in answers_for(ticket, agent, words)]
    if request.GET.get("format") == "json":
        return JsonResponse({"answers": answers})
    context = {
        **admin.admin_site.each_context(request),
        "title": _("Готовые ответы"),
        "opts": admin.opts,
        "ticket": ticket,
        "words": words,
        "answers": answers,
        "same_list": same_list(request),
    }
    return TemplateResponse(request, "admin/tickets/ticket/canned.html", context)


def _plain(answer: CannedAnswer, values: dict[str, str]) -> dict[str, Any]:
    return {
        "id": answer.pk,
        "title": answer.title,
        "body": fill(answer.body, values),
        "product": str(answer.product or ""),
        "files": [
            {"id": file.pk, "name": file.name, "size": file_size(file.size)}
            for file in answer.files.all()
        ],
    }
