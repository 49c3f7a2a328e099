"""Announcements at the desk: made and changed by heads, ended by a button."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from desk.lists import DeskAdmin, agent_of
from tickets.announcements import TEXT_LIMIT, end_announcement, save_announcement
from tickets.form_fields import LineField
from tickets.models import Announcement, Ticket
from tickets.refusals import AlreadyDone, EndsTooEarly


class MomentInput(forms.DateTimeInput):
    """The browser's own field: the admin's needs styles that no page of ours takes."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class AnnouncementForm(forms.ModelForm):
    text = LineField(
        label=gettext_lazy("Текст"),
        max_length=TEXT_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": TEXT_LIMIT}),
        help_text=gettext_lazy(
            "До 300 знаков, одной строкой. Увидят все клиенты: вверху портала и меню бота."
        ),
    )
    since = forms.DateTimeField(
        label=gettext_lazy("Показывать с"), widget=MomentInput, initial=timezone.now
    )
    until = forms.DateTimeField(
        label=gettext_lazy("До"),
        widget=MomentInput,
        required=False,
        help_text=gettext_lazy("Можно не указывать и закончить кнопкой."),
    )
    incident = forms.ModelChoiceField(
        label=gettext_lazy("Номер инцидента"),
        queryset=Ticket.objects.all(),
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        required=False,
        help_text=gettext_lazy("Для специалистов: клиенты его не увидят."),
    )

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until <= since:
            raise ValidationError({"until": str(EndsTooEarly())})
        return data


class AnnouncementAdmin(DeskAdmin):
    """A row is read by every page of the portal as soon as it is saved."""

    form = AnnouncementForm
    fields = ("text", "since", "until", "incident")
    list_display = ("text", "since", "until", "state", "incident")
    list_select_related = ("incident",)
    actions: Any = ()
    change_form_template = "admin/tickets/announcement/change_form.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and self.has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("состояние"))
    def state(self, row: Announcement) -> str:
        now = timezone.now()
        if row.until and row.until <= now:
            return _("закончилось")
        return _("ещё не началось") if row.since > now else _("показывается")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.made_by = agent_of(request)
        save_announcement(obj, by=agent_of(request))

    def get_urls(self) -> list[URLPattern]:
        end = self.admin_site.admin_view(self.end_view)
        return [path("<int:pk>/end/", end, name="tickets_announcement_end"), *super().get_urls()]

    def end_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        announcement = get_object_or_404(Announcement, pk=pk)
        if not self.has_change_permission(request, announcement):
            raise PermissionDenied
        if request.method != "POST":  # from the login, after a session that had ended
            return redirect("admin:tickets_announcement_change", pk)
        try:
            end_announcement(announcement, by=agent_of(request))
        except AlreadyDone:
            self.message_user(request, _("Объявление уже закончилось."), messages.INFO)
        else:
            self.log_change(request, announcement, _("Объявление закончено"))
            text = _("Объявление больше не показывается.")
            self.message_user(request, text, messages.SUCCESS)
        return redirect("admin:tickets_announcement_changelist")
