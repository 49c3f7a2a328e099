from collections.abc import Iterable
from functools import partial
from smtplib import SMTPDataError, SMTPRecipientsRefused
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import BaseUserCreationForm, UserChangeForm
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.letters import password_letter
from accounts.models import BotRegistration, MessengerAccount, User
from accounts.services import unlink_messenger, withdraw_registration
from config.mail import ImpossibleAddress
from desk.lists import DeskAdmin, ReadOnlyAdmin


class OrganizationAdmin(DeskAdmin):
    list_display = ("name", "email")
    search_fields = ("^name", "^email")


class UniqueEmailMixin(forms.ModelForm):
    """Says beside the field what the database would say of the whole form."""

    def clean_email(self) -> str:
        email = self.cleaned_data["email"]
        if User.objects.by_email(email).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("Пользователь с такой почтой уже есть."))
        return email


class UserAddForm(UniqueEmailMixin, BaseUserCreationForm):
    """A new person; without a password they are invited to set their own."""

    class Meta:
        model = User
        fields = ("email", "first_name", "last_name", "organization", "username")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].required = False
        self.fields["username"].help_text = _("Если не указать, логином станет почта.")
        self.fields["password1"].required = self.fields["password2"].required = False
        self.fields["password1"].help_text = _(
            "Если не указать, человек получит письмо со ссылкой, чтобы задать пароль самому."
        )
        self.fields["password2"].help_text = ""

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or self.cleaned_data
        if not data.get("username") and "email" in data:
            data["username"] = data["email"]
        if bool(data.get("password1")) != bool(data.get("password2")):
            self.add_error("password2", self.error_messages["password_mismatch"])
        self.needs_invitation = not data.get("password1")
        if self.needs_invitation:
            # An unusable one would shut «Забыли пароль?» when the invitation has expired.
            data["password1"] = get_random_string(50)
        return data


class UserEditForm(UniqueEmailMixin, UserChangeForm):
    pass


class UserAdmin(DeskAdmin, DjangoUserAdmin):
    """Agents see everyone and manage customers; only superusers touch staff and rights."""

    add_form = UserAddForm
    form = UserEditForm
    list_display = ("username", "full_name", "email", "organization", "is_active", "is_staff")
    list_select_related = ("organization",)
    list_filter = ("is_active", "is_staff")
    search_fields = ("^username", "^email", "^first_name", "^last_name")
    ordering = ("-id",)
    autocomplete_fields = ("organization",)
    filter_horizontal = ("groups",)
    readonly_fields = ("last_login", "date_joined")
    actions = ("invite",)
    add_fieldsets = (
        (None, {"fields": ("email", "first_name", "last_name", "organization")}),
        (gettext_lazy("Вход"), {"fields": ("username", "password1", "password2")}),
    )

    PERSON = (
        (None, {"fields": ("email", "first_name", "last_name", "organization")}),
        (
            gettext_lazy("Вход"),
            {"fields": ("username", "is_active", "last_login", "date_joined")},
        ),
    )
    RIGHTS = (
        (gettext_lazy("Права"), {"fields": ("password", "is_staff", "is_superuser", "groups")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        return self.PERSON + self.RIGHTS if request.user.is_superuser else self.PERSON

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_manage(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_manage(request, obj)

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        if not request.user.is_superuser:  # a known password would be a way into an account
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        invite = not change and form.needs_invitation
        super().save_model(request, obj, form, change)
        if invite:
            transaction.on_commit(partial(self._invite, request, [obj]))

    @admin.action(description=gettext_lazy("Отправить приглашение"), permissions=["change"])
    def invite(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        chosen = queryset.filter(is_active=True)[: self.list_per_page]
        people = [user for user in chosen if self.has_change_permission(request, user)]
        if people:
            self._invite(request, people)

    def _invite(self, request: HttpRequest, people: Iterable[User]) -> None:
        """Mail the invitations. A mail server that is down is waited for once, not per person."""
        waiting = list(people)
        try:
            with get_connection() as server:
                while waiting:
                    self._invite_one(request, waiting[0], server)
                    del waiting[0]
        except OSError:
            text = _("Почта недоступна. Приглашение не ушло: %(emails)s. Отправьте его позже.")
            emails = ", ".join(user.email for user in waiting)
            self.message_user(request, text % {"emails": emails}, messages.ERROR)

    def _invite_one(self, request: HttpRequest, user: User, server: BaseEmailBackend) -> None:
        try:
            letter = password_letter("invitation", user)
            letter.connection = server
            letter.send()
        except (SMTPRecipientsRefused, SMTPDataError, ImpossibleAddress):
            text = _("Почтовый сервер не принял письмо для %(email)s. Проверьте адрес.")
            self.message_user(request, text % {"email": user.email}, messages.ERROR)
        else:
            text = _("Приглашение отправлено на %(email)s.")
            self.message_user(request, text % {"email": user.email}, messages.SUCCESS)

    @admin.display(description=gettext_lazy("имя"))
    def full_name(self, user: User) -> str:
        return user.get_full_name()


def _may_manage(request: HttpRequest, person: User | None) -> bool:
    is_customer = person is None or not (person.is_staff or person.is_superuser)
    return bool(request.user.is_superuser or is_customer)


class PersonalRecordAdmin(ReadOnlyAdmin):
    """Records of a person's consent and link: shown as they are, ended by an action."""

    list_select_related = ("user",)
    search_fields = ("^user__email", "^user__username")
    ordering = ("-id",)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")


class BotRegistrationAdmin(PersonalRecordAdmin):
    list_display = ("user", "phone", "consented_at", "withdrawn_at", "consent_version")
    search_fields = ("=phone", "^user__email")
    actions = ("withdraw",)

    @admin.action(description=gettext_lazy("Отозвать"), permissions=["end"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[BotRegistration]) -> None:
        in_force = queryset.filter(withdrawn_at=None).select_related("user")[: self.list_per_page]
        for registration in in_force:
            withdraw_registration(user=registration.user, channel=registration.channel)
            text = _("Регистрация отозвана: %(user)s.") % {"user": registration.user}
            self.message_user(request, text, messages.SUCCESS)
        if not in_force:
            self.message_user(request, _("Выбранные регистрации уже отозваны."), messages.WARNING)


class MessengerAccountAdmin(PersonalRecordAdmin):
    list_display = ("user", "channel", "username", "address", "linked_at", "unreachable_at")
    actions = ("unlink",)

    @admin.action(description=gettext_lazy("Отвязать"), permissions=["end"])
    def unlink(self, request: HttpRequest, queryset: QuerySet[MessengerAccount]) -> None:
        for account in queryset.select_related("user")[: self.list_per_page]:
            unlink_messenger(user=account.user, channel=account.channel)
            text = _("Мессенджер отвязан: %(user)s.") % {"user": account.user}
            self.message_user(request, text, messages.SUCCESS)
