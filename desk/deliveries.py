from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from desk.lists import ReadOnlyAdmin
from desk.queue import same_list
from desk.webhooks import exchange
from tickets.delivery import channel_of, channels, may_go_again, resend
from tickets.models import Delivery
from tickets.templatetags.labels import addressee
from webhooks.services import CHANNEL

RESEND = "tickets.change_delivery"


class ChannelFilter(admin.SimpleListFilter):
    title = gettext_lazy("канал")
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, channel.label) for name, channel in channels().items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return queryset.filter(channel=self.value()) if self.value() else queryset


class DeliveryAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "state_", "channel_", "kind_", "ticket_", "to", "attempts", "due_at", "sent_at",
        "error",
    )  # fmt: skip
    list_select_related = ("event__ticket", "recipient")
    list_filter = ("state", ChannelFilter, "created_at")
    search_fields = ("=address",)
    search_help_text = gettext_lazy("Адрес целиком")
    ordering = ("-id",)
    fields = (
        "channel_", "kind_", "ticket_", "recipient", "address", "state", "attempts", "due_at",
        "created_at", "first_tried_at", "sent_at", "error",
    )  # fmt: skip
    readonly_fields = ("channel_", "kind_", "ticket_", "endpoint_", "exchange_")
    actions = ("send_again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return super().get_queryset(request).prefetch_related("recipient__messengers")

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(RESEND)

    def get_urls(self) -> list[URLPattern]:
        again = self.admin_site.admin_view(self.resend_view)
        return [
            path("<int:pk>/resend/", again, name="tickets_delivery_resend"),
            *super().get_urls(),
        ]

    def resend_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """«Повторить» of a ticket's card: back to that card, also after a login in between."""
        if not self.has_resend_permission(request):
            raise PermissionDenied
        delivery = get_object_or_404(Delivery.objects.select_related("event", "recipient"), pk=pk)
        if request.method == "POST":
            self._send_again(request, [delivery])
        if delivery.event is None:
            return HttpResponseRedirect(reverse("admin:tickets_delivery_changelist"))
        card = reverse("admin:tickets_ticket_change", args=[delivery.event.ticket_id])
        return HttpResponseRedirect(f"{card}{same_list(request)}#event-{delivery.event_id}")

    @admin.action(description=gettext_lazy("Отправить ещё раз"), permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        self._send_again(request, queryset[: self.list_per_page])

    def _send_again(self, request: HttpRequest, deliveries: Iterable[Delivery]) -> None:
        chosen = [delivery for delivery in deliveries if may_go_again(delivery)]
        refusals = {row: channel_of(row).why_not_again(row) for row in chosen}
        again = [delivery for delivery, refusal in refusals.items() if not refusal]
        for delivery in again:
            resend(delivery)
        for text in sorted({refusal for refusal in refusals.values() if refusal}):
            self.message_user(request, text, messages.WARNING)
        if again:
            text = _("Снова в очереди: %(number)d.") % {"number": len(again)}
            self.message_user(request, text, messages.SUCCESS)
        if not chosen:
            text = _("Повторять нечего: уведомления отправлены или ждут очереди.")
            self.message_user(request, text, messages.WARNING)

    def get_fields(self, request: HttpRequest, obj: Delivery | None = None) -> Any:
        if obj is None or obj.channel != CHANNEL:
            return self.fields
        fields = ["endpoint_" if name == "address" else name for name in self.fields]
        return (*fields, "exchange_")

    @admin.display(description=gettext_lazy("вебхук"))
    def endpoint_(self, delivery: Delivery) -> SafeString:
        page = reverse("admin:webhooks_endpoint_change", args=[delivery.address])
        return format_html('<a href="{}">{}</a>', page, addressee(delivery))

    @admin.display(description=gettext_lazy("запрос и ответы"))
    def exchange_(self, delivery: Delivery) -> str:
        return exchange(delivery)

    @admin.display(description=gettext_lazy("состояние"))
    def state_(self, delivery: Delivery) -> SafeString:
        return format_html(
            '<span class="delivery delivery-{}">{}</span>',
            delivery.state, delivery.get_state_display(),
        )  # fmt: skip

    @admin.display(description=gettext_lazy("что"))
    def kind_(self, delivery: Delivery) -> str:
        return channel_of(delivery).kind_label(delivery.kind)

    @admin.display(description=gettext_lazy("канал"))
    def channel_(self, delivery: Delivery) -> str:
        return str(channel_of(delivery).label)

    @admin.display(description=gettext_lazy("кому"))
    def to(self, delivery: Delivery) -> str:
        return addressee(delivery)

    @admin.display(description=gettext_lazy("заявка"))
    def ticket_(self, delivery: Delivery) -> SafeString | str:
        if delivery.ticket_id is None:
            return "—"
        card = reverse("admin:tickets_ticket_change", args=[delivery.ticket_id])
        return format_html('<a href="{}">№ {}</a>', card, delivery.ticket_id)
