"""People at the desk."""

from functools import partial
from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import ManyToManyField, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.identity import note_new_password, note_rights, request_email_change
from accounts.models import EmailChange, Invitation, Organization, User
from accounts.organizations import settle_membership
from accounts.rights import CHANGE_EMAIL, MANAGE_STAFF, may_manage, roles_to_give
from accounts.second_factor import since_when
from accounts.security import origin_of
from desk.access import AccessPages
from desk.deletion import DeletionPages
from desk.invitations import invitation_words, send_invitations
from desk.lists import DeskAdmin, agent_of, is_number
from desk.new_people import NewPeoplePages
from desk.person_forms import UserAddForm, UserEditForm
from desk.personal_data import PersonalDataPages


class OrganizationFilter(admin.SimpleListFilter):
    """Where the page of an organization leads; chosen nowhere else, since there may be many."""

    title = gettext_lazy("организация")
    parameter_name = "organization"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        chosen = str(self.value() or "")
        found = Organization.objects.filter(pk=chosen).first() if is_number(chosen) else None
        return [(chosen, str(found))] if found else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        chosen = str(self.value() or "")
        return queryset.filter(organization=int(chosen)) if is_number(chosen) else queryset


class UserAdmin(
    NewPeoplePages, AccessPages, PersonalDataPages, DeletionPages, DeskAdmin, DjangoUserAdmin
):
    """Agents see everyone and manage customers; administrators staff and roles, too.

    Nobody manages whoever has more rights, nor gives a role with more. Passwords of others and «все
    права» are for superusers.
    """

    add_form = UserAddForm
    deletion_advice = "admin/accounts/user/_instead.html"
    form = UserEditForm
    list_display = ("username", "full_name", "email", "organization", "is_active", "is_staff")
    list_select_related = ("organization",)
    list_filter = ("is_active", "is_staff", OrganizationFilter)
    search_fields = ("^username", "^email", "^first_name", "^last_name")
    ordering = ("-id",)
    autocomplete_fields = ("organization",)
    filter_horizontal = ()
    readonly_fields = ("may_log_in", "last_login", "date_joined", "waiting_email", "invitation_")
    actions = ("invite",)
    add_fieldsets = (
        (None, {"fields": ("email", "first_name", "last_name", "organization")}),
        (gettext_lazy("Вход"), {"fields": ("username", "password1", "password2")}),
    )

    PERSON = (
        (
            None,
            {
                "fields": (
                    "email",
                    "waiting_email",
                    "first_name",
                    "last_name",
                    "organization",
                    "organization_role",
                )
            },
        ),  # fmt: skip
        (
            gettext_lazy("Вход"),
            {"fields": ("username", "may_log_in", "invitation_", "last_login", "date_joined")},
        ),
    )
    ROLES = ((gettext_lazy("Права"), {"fields": ("is_staff", "groups")}),)
    RIGHTS = (
        (gettext_lazy("Права"), {"fields": ("password", "is_staff", "is_superuser", "groups")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        if request.user.is_superuser:
            return self.PERSON + self.RIGHTS
        return self.PERSON + self.ROLES if request.user.has_perm(MANAGE_STAFF) else self.PERSON

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Whoever sets an e-mail could ask for a reset of the password and be that person."""
        fixed = list(self.readonly_fields)
        if obj is not None and (obj == request.user or not request.user.has_perm(CHANGE_EMAIL)):
            fixed.append("email")
        if obj == request.user and not request.user.is_superuser:
            fixed += ["is_staff", "groups"]
        return fixed

    def formfield_for_manytomany(
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name == "groups":
            kwargs["queryset"] = roles_to_give(agent_of(request))
            kwargs["widget"] = forms.CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_manage(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_manage(request, obj)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        person = kwargs.get("obj")
        if person is not None and person.is_staff:
            context["second_factor_since"] = since_when(person)
        return super().render_change_form(request, context, *args, **kwargs)

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        if not request.user.is_superuser:  # a known password would be a way into an account
            raise PermissionDenied
        if id == str(request.user.pk):
            return redirect("password_change")  # which asks for the one of before
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
                user = User.objects.get(pk=id)
                note_new_password(user=user, origin=origin_of(request))
        return response

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        email = form.cleaned_data.get("email") if "email" in form.changed_data else None
        if change and email:
            obj.email = form.initial["email"]
        super().save_model(request, obj, form, change)
        if not change and form.needs_invitation:
            transaction.on_commit(partial(send_invitations, request, [obj]))
        if change and email:
            request_email_change(user=obj, email=email, origin=origin_of(request))
            text = _("Почта сменится, когда её подтвердят по ссылке, отправленной на %(email)s.")
            self.message_user(request, text % {"email": email}, messages.WARNING)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        note_rights(form.instance, form.changed_data, origin=origin_of(request))
        settle_membership(form.instance, form.changed_data, origin=origin_of(request))

    @admin.action(description=gettext_lazy("Отправить приглашение"), permissions=["change"])
    def invite(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        send_invitations(request, queryset.filter(is_active=True)[: self.list_per_page])

    @admin.display(description=gettext_lazy("вход открыт"), boolean=True)
    def may_log_in(self, user: User) -> bool:
        """Shown only: `AccessPages` open and close it."""
        return user.is_active

    @admin.display(description=gettext_lazy("почта ждёт подтверждения"))
    def waiting_email(self, user: User) -> str:
        change = EmailChange.objects.filter(user=user).first()
        return change.email if change and not change.has_expired(timezone.now()) else "—"

    @admin.display(description=gettext_lazy("приглашение"))
    def invitation_(self, user: User) -> str:
        return invitation_words(Invitation.objects.filter(user=user).first())

    @admin.display(description=gettext_lazy("имя"))
    def full_name(self, user: User) -> str:
        return user.get_full_name()


def _may_manage(request: HttpRequest, person: User | None) -> bool:
    return person is None or may_manage(agent_of(request), person)
