"""How a person gets in, at the desk: their invitation, the way in itself, the second step."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from accounts import second_factor
from accounts.identity import set_access
from accounts.invitations import may_be_invited
from accounts.models import Invitation, User
from accounts.rights import MANAGE_STAFF, may_act
from accounts.security import origin_of
from desk.invitations import invitation_words, send_invitations
from desk.lists import agent_of

SWITCHES = ("open", "close")


class AccessPages(admin.ModelAdmin):
    """Pages beside the form of a person, each an act that is confirmed."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/access/", view(self.access_view), name="accounts_user_access"),
            path(
                "<int:pk>/second-step/",
                view(self.second_step_view),
                name="accounts_user_second_step",
            ),
            *super().get_urls(),
        ]

    def access_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        person = get_object_or_404(User, pk=pk)
        if person == request.user or not self.has_change_permission(request, person):
            raise PermissionDenied
        act = request.POST.get("act")
        if request.method == "POST":
            if act == "invite":
                send_invitations(request, [person])
            elif act in SWITCHES:
                self._switch(request, person, is_active=act == "open")
            return redirect("admin:accounts_user_access", pk)
        invitation = Invitation.objects.filter(user=person).first()
        return self._act_page(
            request,
            person,
            "access",
            title=_("Вход на портал"),
            invitation=invitation_words(invitation),
            is_invited=invitation is not None,
            may_invite=person.is_active and may_be_invited(person, invitation),
        )

    def _switch(self, request: HttpRequest, person: User, *, is_active: bool) -> None:
        """Twice is once: the page says what it wants, not «the other way round»."""
        if set_access(person, is_active=is_active, origin=origin_of(request)):
            self.log_change(request, person, _("Вход открыт") if is_active else _("Вход закрыт"))
        words = _("Вход открыт: %(who)s.") if is_active else _("Вход закрыт: %(who)s.")
        self.message_user(request, words % {"who": person}, messages.SUCCESS)

    def second_step_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One's own is in the profile, where it asks for the password."""
        actor = agent_of(request)
        if not may_act(actor, MANAGE_STAFF):
            raise PermissionDenied
        person = get_object_or_404(User, pk=pk)
        if person == actor or not may_act(actor, MANAGE_STAFF, over=person):
            raise PermissionDenied
        if request.method == "POST":
            if second_factor.reset(user=person, origin=origin_of(request)):
                self.log_change(request, person, _("Сброшен второй шаг входа"))
                text = _("Второй шаг входа сброшен, вход завершён везде. Человеку уходит письмо.")
                self.message_user(request, text, messages.SUCCESS)
            else:
                text = _("Второго шага у этого человека нет: сбрасывать нечего.")
                self.message_user(request, text, messages.WARNING)
            return redirect("admin:accounts_user_change", pk)
        since = second_factor.since_when(person)
        title = _("Второй шаг входа")
        return self._act_page(request, person, "second_step", title=title, since=since)

    def _act_page(
        self, request: HttpRequest, person: User, name: str, **context: object
    ) -> TemplateResponse:
        context |= {**self.admin_site.each_context(request), "opts": self.opts, "person": person}
        return TemplateResponse(request, f"admin/accounts/user/{name}.html", context)
