"""Organizations at the desk, and who asks to be taken into one."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.identity import RightMissing
from accounts.mail_domains import as_servers_know
from accounts.models import JoinRequest, Organization, User
from accounts.organizations import OrganizationRefused, decide_join, note_sharing, take_in
from accounts.quotas import QuotaReached
from accounts.rights import CHANGE_PEOPLE, DECIDE_JOINS
from accounts.security import origin_of
from desk.deletion import DeletionPages
from desk.lists import DeskAdmin, DeskSelect, ReadOnlyAdmin
from tickets.queries import latest_of

PEOPLE_SHOWN = 50
TICKETS_SHOWN = 10


class OrganizationForm(forms.ModelForm):
    def clean_mail_domain(self) -> str:
        return as_servers_know(str(self.cleaned_data["mail_domain"]).strip().removeprefix("@"))


class PersonForm(forms.Form):
    person = forms.ModelChoiceField(
        User.objects.all(),
        label=gettext_lazy("Кого"),
        help_text=gettext_lazy("Начните вводить имя, фамилию, логин или почту."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["person"]
        field.widget = DeskSelect(JoinRequest._meta.get_field("user"), admin.site)
        field.widget.choices = field.choices


class OrganizationAdmin(DeletionPages, DeskAdmin):
    """An organization on one page: its switches, its people, its latest tickets."""

    form = OrganizationForm
    deletion_advice = "admin/accounts/organization/_instead.html"
    list_display = ("name", "email", "mail_domain", "shares_tickets")
    search_fields = ("^name", "^email", "=mail_domain")
    fields = ("name", "email", "mail_domain", "shares_tickets")

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.people_view)
        return [
            path("<int:pk>/people/", page, name="accounts_organization_people"),
            *super().get_urls(),
        ]

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "shares_tickets" in form.changed_data:
            note_sharing(obj, origin=origin_of(request))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if organization := kwargs.get("obj"):
            context |= _of_organization(organization)
            context["may_add_people"] = self._may_add_people(request)
        return super().render_change_form(request, context, *args, **kwargs)

    def people_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take somebody in who has an account already."""
        organization = get_object_or_404(Organization, pk=pk)
        if not self._may_add_people(request):
            raise PermissionDenied
        form = PersonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            person = form.cleaned_data["person"]
            try:
                self._take_in(request, person, organization)
                return redirect("admin:accounts_organization_change", pk)
            except (OrganizationRefused, RightMissing) as refusal:
                form.add_error("person", str(refusal))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Добавить человека"),
            "opts": self.opts,
            "organization": organization,
            "form": form,
        }
        return TemplateResponse(request, "admin/accounts/organization/people.html", context)

    def _take_in(self, request: HttpRequest, person: User, organization: Organization) -> None:
        if take_in(person=person, organization=organization, origin=origin_of(request)):
            self.log_change(request, organization, _("Добавлен человек"))
        text = _("%(person)s теперь в организации «%(organization)s».")
        words = {"person": person, "organization": organization}
        self.message_user(request, text % words, messages.SUCCESS)

    def _may_add_people(self, request: HttpRequest) -> bool:
        return request.user.has_perm(CHANGE_PEOPLE)


def _of_organization(organization: Organization) -> dict[str, Any]:
    """Administrators first, as many as one reads; the lists behind the links have them all."""
    rows = organization.users.order_by("organization_role", "last_name", "pk")
    people = list(rows[: PEOPLE_SHOWN + 1])
    tickets = latest_of(organization, TICKETS_SHOWN + 1)
    return {
        "people": people[:PEOPLE_SHOWN],
        "has_more_people": len(people) > PEOPLE_SHOWN,
        "tickets": tickets[:TICKETS_SHOWN],
        "has_more_tickets": len(tickets) > TICKETS_SHOWN,
    }


class JoinRequestAdmin(ReadOnlyAdmin):
    """Who waits to be taken into an organization; its own administrators decide, too."""

    list_display = ("user", "email", "organization", "asked_at")
    list_select_related = ("user", "organization")
    search_fields = ("^user__email", "^organization__name")
    ordering = ("-id",)
    actions = ("accept", "refuse")

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(DECIDE_JOINS)

    @admin.display(description=gettext_lazy("почта"))
    def email(self, row: JoinRequest) -> str:
        return row.user.email

    @admin.action(description=gettext_lazy("Принять в организацию"), permissions=["end"])
    def accept(self, request: HttpRequest, queryset: QuerySet[JoinRequest]) -> None:
        self._decide(request, queryset, accepts=True)

    @admin.action(description=gettext_lazy("Отклонить"), permissions=["end"])
    def refuse(self, request: HttpRequest, queryset: QuerySet[JoinRequest]) -> None:
        self._decide(request, queryset, accepts=False)

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[JoinRequest], *, accepts: bool
    ) -> None:
        for row in queryset.select_related("user", "organization")[: self.list_per_page]:
            words = {"user": row.user, "organization": row.organization}
            try:
                decide_join(request=row, accepts=accepts, origin=origin_of(request), at_desk=True)
            except (OrganizationRefused, RightMissing, QuotaReached) as refusal:
                self.message_user(request, f"{row.user}: {refusal}", messages.WARNING)
                continue
            text = _("%(user)s теперь в организации «%(organization)s».")
            refused = _("Просьба отклонена: %(user)s, «%(organization)s».")
            self.message_user(request, (text if accepts else refused) % words, messages.SUCCESS)
