"""Ready answers where agents write: found while typing, filled, sent with their files."""

from typing import Any, cast

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
from desk.queue import list_behind, same_list
from tickets.attachments import MAX_FILES, NewFile
from tickets.canned import answers_for, as_new_file, files_chosen, fill, values_for
from tickets.models import CannedAnswer, CannedFile, Ticket
from tickets.queries import read_number

VIEW = "tickets.view_cannedanswer"
QUERY_LIMIT = 100  # characters


class ReadyFilesField(forms.Field):
    """Files of ready answers by their ids; becomes files to be kept once more."""

    widget = forms.MultipleHiddenInput

    def __init__(self) -> None:
        super().__init__(required=False)
        self.agent: User | None = None  # set by `let_choose`
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


def let_choose(agent: User, form: forms.Form) -> None:
    """Let the form take the files this agent may use."""
    cast(ReadyFilesField, form.fields["canned_files"]).agent = agent


def urls(admin: ModelAdmin) -> list[URLPattern]:
    def of_ticket(request: HttpRequest, pk: int) -> HttpResponse:
        _require_view(admin, request)
        related = Ticket.objects.select_related("requester", "product")
        return _offer(admin, request, get_object_or_404(related, pk=pk))

    def unfilled(request: HttpRequest) -> HttpResponse:
        _require_view(admin, request)
        return _offer(admin, request, None)

    view = admin.admin_site.admin_view
    return [
        path("<int:pk>/canned/", view(of_ticket), name="tickets_ticket_canned"),
        path("canned/", view(unfilled), name="tickets_ticket_unfilled"),
    ]


def _require_view(admin: ModelAdmin, request: HttpRequest) -> None:
    if not (admin.has_view_permission(request) and request.user.has_perm(VIEW)):
        raise PermissionDenied


def _offer(admin: ModelAdmin, request: HttpRequest, ticket: Ticket | None) -> HttpResponse:
    """The answers that have the words, as JSON for the script and as a page without it.

    Without a ticket, for one that is not there yet or for many, variables are left to the sending.
    """
    agent = agent_of(request)
    words = request.GET.get("q", "")[:QUERY_LIMIT]
    values = values_for(ticket, agent) if ticket else {}
    product = ticket.product_id if ticket else read_number(request.GET.get("product", ""))
    answers = [_plain(answer, values) for answer in answers_for(product, agent, words)]
    if request.GET.get("format") == "json":
        return JsonResponse({"answers": answers})
    context = {
        **admin.admin_site.each_context(request),
        "title": _("Готовые ответы"),
        "opts": admin.opts,
        "ticket": ticket,
        "words": words,
        "answers": answers,
        "list_behind": list_behind(request),
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
