"""Consents to the bot and links to it, at the desk."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.identity import RightMissing
from accounts.models import BotRegistration, MessengerAccount
from accounts.quotas import QuotaReached
from accounts.security import origin_of
from accounts.services import unlink_messenger, withdraw_registration
from desk.lists import ReadOnlyAdmin


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
            try:
                withdraw_registration(
                    user=registration.user, channel=registration.channel, origin=origin_of(request)
                )
            except RightMissing as refusal:
                self.message_user(request, f"{registration.user}: {refusal}", messages.WARNING)
                continue
            except QuotaReached as refusal:
                self.message_user(request, str(refusal), messages.WARNING)
                break
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
            try:
                unlink_messenger(
                    user=account.user, channel=account.channel, origin=origin_of(request)
                )
            except RightMissing as refusal:
                self.message_user(request, f"{account.user}: {refusal}", messages.WARNING)
                continue
            except QuotaReached as refusal:
                self.message_user(request, str(refusal), messages.WARNING)
                break
            text = _("Мессенджер отвязан: %(user)s.") % {"user": account.user}
            self.message_user(request, text, messages.SUCCESS)
