"""What agents find at their desk; Django looks for this module."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group as Role
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import (
    ApiToken,
    BotRegistration,
    JoinRequest,
    MessengerAccount,
    Organization,
    SecurityEvent,
    User,
)
from desk import overview, own_tokens, reports, task_queue
from desk.announcements import AnnouncementAdmin
from desk.canned import CannedAnswerAdmin
from desk.consents import BotRegistrationAdmin, MessengerAccountAdmin
from desk.deliveries import DeliveryAdmin
from desk.login import DeskLogin
from desk.organizations import JoinRequestAdmin, OrganizationAdmin
from desk.people import UserAdmin
from desk.products import ProductAdmin, TargetAdmin
from desk.roles import RoleAdmin
from desk.security import SecurityEventAdmin
from desk.telegram import BotHeartbeatAdmin, DialogAdmin, GroupAdmin, IncomingUpdateAdmin
from desk.tickets import TicketAdmin
from desk.tokens import ApiTokenAdmin
from desk.webhooks import EndpointAdmin
from telegram_bot.models import BotHeartbeat, Dialog, Group, IncomingUpdate
from tickets.models import Announcement, CannedAnswer, Delivery, Product, Target, Ticket
from webhooks.models import Endpoint

admin.site.site_header = gettext_lazy("Рабочее место поддержки")
admin.site.site_title = gettext_lazy("Поддержка")
admin.site.index_title = gettext_lazy("Разделы")
admin.site.enable_nav_sidebar = False  # the sections stand in the header

admin.site.register(Ticket, TicketAdmin)
admin.site.register(CannedAnswer, CannedAnswerAdmin)
admin.site.register(Announcement, AnnouncementAdmin)
admin.site.register(Product, ProductAdmin)
admin.site.register(Target, TargetAdmin)
admin.site.register(Delivery, DeliveryAdmin)
admin.site.register(User, UserAdmin)
admin.site.unregister(Role)
admin.site.register(Role, RoleAdmin)
admin.site.register(Organization, OrganizationAdmin)
admin.site.register(JoinRequest, JoinRequestAdmin)
admin.site.register(BotRegistration, BotRegistrationAdmin)
admin.site.register(MessengerAccount, MessengerAccountAdmin)
admin.site.register(ApiToken, ApiTokenAdmin)
admin.site.register(Endpoint, EndpointAdmin)
admin.site.register(SecurityEvent, SecurityEventAdmin)
admin.site.register(IncomingUpdate, IncomingUpdateAdmin)
admin.site.register(Dialog, DialogAdmin)
admin.site.register(BotHeartbeat, BotHeartbeatAdmin)
admin.site.register(Group, GroupAdmin)


make_sections = admin.site.get_app_list


def sections(request: HttpRequest, app_label: str | None = None) -> Any:
    """Made where they are shown, not for every page: they ask for all rights to all tables."""
    return SimpleLazyObject(lambda: make_sections(request, app_label))


admin.site.get_app_list = sections  # type: ignore[method-assign]

all_sections = admin.site.index


def land(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """Whoever works with tickets lands in the queue; «Все разделы» asks for the sections."""
    if "sections" in request.GET or not request.user.has_perm("tickets.view_ticket"):
        return all_sections(request, extra_context)
    return redirect("admin:tickets_ticket_changelist")


admin.site.index = land  # type: ignore[assignment, method-assign]


pages_of_models = admin.site.get_urls


def every_page() -> list[Any]:
    """Pages that are about no single table stand before those of the models."""
    view = admin.site.admin_view
    return [
        path("overview/", view(overview.overview), name="overview"),
        path("overview/letter/", view(overview.send_test_letter), name="test_letter"),
        path("report/", view(reports.report_page), name="report"),
        path("report/csv/", view(reports.report_csv), name="report_csv"),
        path("tasks/", view(task_queue.task_queue), name="task_queue"),
        path("tokens/", view(own_tokens.own_tokens), name="own_tokens"),
        path("tokens/<int:number>/revoke/", view(own_tokens.revoke), name="own_token_revoke"),
        *pages_of_models(),
    ]


admin.site.get_urls = every_page  # type: ignore[method-assign]


def change_own_password(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    """One door for one's own password: it counts wrong ones and tells of the change."""
    return redirect("password_change")


admin.site.password_change = change_own_password  # type: ignore[assignment, method-assign]

admin.site.login = DeskLogin.as_view()  # type: ignore[assignment, method-assign]

# Its pages show the secrets of the second step.
admin.site.unregister(TOTPDevice)

# The queue's own pages unpickle what is stored and execute any dotted name.
for model in apps.get_app_config("django_q").get_models():
    if admin.site.is_registered(model):
        admin.site.unregister(model)
