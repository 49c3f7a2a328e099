from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from desk.lists import ReadOnlyAdmin
from telegram_bot.models import (
    Group,
    GroupProduct,
    GroupTicket,
    IncomingUpdate,
)

TICKETS_SHOWN = 20


class ProgressFilter(admin.SimpleListFilter):
    title = _("обработка")
    parameter_name = "progress"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("waiting", _("ждут")), ("given_up", _("не удалось"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[IncomingUpdate]
    ) -> QuerySet[IncomingUpdate]:
        if self.value() == "waiting":
            return queryset.filter(processed_at=None)
        if self.value() == "given_up":
            return queryset.filter(processed_at__isnull=False).exclude(error="")
        return queryset


class IncomingUpdateAdmin(ReadOnlyAdmin):
    """How updates fare. What people wrote stays out of sight: payload and replies."""

    list_display = ("update_id", "telegram_id", "received_at", "processed_at", "attempts", "error")
    list_filter = (ProgressFilter,)
    search_fields = ("=telegram_id", "=update_id")
    ordering = ("-id",)
    fields = (
        "update_id", "telegram_id", "chat_id", "received_at", "attempts", "due_at",
        "processed_at", "error", "reply_attempts",
    )  # fmt: skip


class DialogAdmin(ReadOnlyAdmin):
    """Where people are. Their drafts stay out of sight."""

    list_display = ("telegram_id", "chat_id", "step", "updated_at")
    search_fields = ("=telegram_id",)
    ordering = ("-id",)
    fields = ("telegram_id", "chat_id", "step", "updated_at")


class BotHeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("username", "bot_id", "seen_at")
    fields = ("username", "bot_id", "seen_at")


class ReadOnlyInline(admin.TabularInline):
    template = "admin/readonly_rows.html"
    extra = max_num = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class GroupProductInline(ReadOnlyInline):
    model = GroupProduct
    fields = ("product", "place", "chosen_by", "chosen_at")
    readonly_fields = ("place",)
    ordering = ("topic",)

    @admin.display(description=_("где"))
    def place(self, row: GroupProduct) -> str:
        return str(_("тема %(topic)s") % {"topic": row.topic} if row.topic else _("вся группа"))


class LastTickets(BaseInlineFormSet):
    @cached_property
    def _last(self) -> list[GroupTicket]:
        return list(super().get_queryset()[:TICKETS_SHOWN])

    def get_queryset(self) -> Any:
        return self._last


class GroupTicketInline(ReadOnlyInline):
    model = GroupTicket
    formset = LastTickets
    verbose_name_plural = _("последние заявки")
    fields = readonly_fields = ("number", "title", "status", "requester")

    def get_queryset(self, request: HttpRequest) -> QuerySet[GroupTicket]:
        return super().get_queryset(request).select_related("ticket__requester").order_by("-pk")

    @admin.display(description="№")
    def number(self, row: GroupTicket) -> SafeString:
        card = reverse("admin:tickets_ticket_change", args=[row.ticket_id])
        return format_html('<a href="{}">{}</a>', card, row.ticket_id)

    @admin.display(description=_("тема"))
    def title(self, row: GroupTicket) -> str:
        return row.ticket.title

    @admin.display(description=_("статус"))
    def status(self, row: GroupTicket) -> str:
        return row.ticket.get_status_display()

    @admin.display(description=_("инициатор"))
    def requester(self, row: GroupTicket) -> str:
        return str(row.ticket.requester)


class GroupAdmin(ReadOnlyAdmin):
    """Groups are set up in Telegram; here staff see how they stand and what came from them."""

    list_display = ("name", "chosen", "bot_is_admin", "added_at", "removed_at")
    search_fields = ("title", "=chat_id")
    ordering = ("-id",)
    fields = ("title", "chat_id", "bot_is_admin", "added_at", "removed_at")
    inlines = (GroupProductInline, GroupTicketInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).prefetch_related("products__product")

    @admin.display(description=_("группа"))
    def name(self, group: Group) -> str:
        return str(group)

    @admin.display(description=_("услуги"))
    def chosen(self, group: Group) -> str:
        return ", ".join(str(row.product) for row in group.products.all()) or "—"
