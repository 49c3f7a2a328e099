"""A person's data at the desk: an archive of them, and their erasure. For administrators."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from accounts.models import Erasure, User
from accounts.rights import HANDLE_PERSONAL_DATA, may_act
from accounts.security import origin_of
from desk.lists import agent_of
from tickets.erasures import request_erasure, require_erasable
from tickets.exports import KEPT, export_of, request_export
from tickets.refusals import TicketRefused


class PersonalDataPages(admin.ModelAdmin):
    """Two pages beside the form of a person."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/data/", view(self.data_view), name="accounts_user_data"),
            path("<int:pk>/erase/", view(self.erase_view), name="accounts_user_erase"),
            *super().get_urls(),
        ]

    def data_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        person, asker = _person_and_asker(request, pk)
        if request.method == "POST":
            try:
                request_export(user=person, asked_by=asker)
            except TicketRefused as refusal:
                self.message_user(request, str(refusal), messages.WARNING)
            else:
                self.log_change(request, person, _("Запрошен архив данных"))
            return redirect("admin:accounts_user_data", pk)
        export = export_of(user=person, asked_by=asker)
        return self._page(
            request,
            person,
            "data",
            title=_("Личные данные"),
            export=export,
            until=export.ended_at + KEPT if export and export.ended_at else None,
            erasure=Erasure.objects.filter(user=person).first(),
        )

    def erase_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        person, asker = _person_and_asker(request, pk)
        try:
            if request.method == "POST":
                request_erasure(user=person, asked_by=asker, origin=origin_of(request))
                self.log_change(request, User.objects.get(pk=pk), _("Данные удалены"))
                text = _("Доступ закрыт, данные удаляются. Последнее письмо уйдёт само.")
                self.message_user(request, text, messages.SUCCESS)
                return redirect("admin:accounts_user_data", pk)
            require_erasable(person)
        except TicketRefused as refusal:
            return self._page(request, person, "erase", title=_("Удаление данных"), refusal=refusal)
        return self._page(request, person, "erase", title=_("Удаление данных"))

    def _page(
        self, request: HttpRequest, person: User, name: str, **context: Any
    ) -> TemplateResponse:
        context |= {**self.admin_site.each_context(request), "opts": self.opts, "person": person}
        return TemplateResponse(request, f"admin/accounts/user/{name}.html", context)


def _person_and_asker(request: HttpRequest, pk: int) -> tuple[User, User]:
    asker = agent_of(request)
    if not may_act(asker, HANDLE_PERSONAL_DATA):
        raise PermissionDenied
    person = get_object_or_404(User, pk=pk)
    if not may_act(asker, HANDLE_PERSONAL_DATA, over=person):
        raise PermissionDenied
    return person, asker
