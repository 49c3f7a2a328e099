"""Webhooks of customers, for agents: where they lead and how they fare, never their secrets."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from desk.lists import ReadOnlyAdmin
from tickets.models import Delivery
from webhooks.models import Endpoint
from webhooks.services import CHANNEL, deliveries_of

SEE = "tickets.view_delivery"  # who sees deliveries sees where those of webhooks go


class EndpointAdmin(ReadOnlyAdmin):
    list_display = ("id", "place", "owner", "state_", "hears", "created_at", "deliveries")
    list_select_related = ("user", "organization")
    list_filter = ("is_on",)
    search_fields = ("^user__email", "^user__username", "^organization__name", "=id")
    search_help_text = gettext_lazy("Начало почты, логина или организации")
    fields = (
        "place", "owner", "state_", "off_because", "switched_off_at", "failing_since", "hears",
        "created_at", "deliveries",
    )  # fmt: skip
    readonly_fields = ("place", "owner", "state_", "hears", "deliveries")
    ordering = ("-id",)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(SEE)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(SEE)

    @admin.display(description=gettext_lazy("куда"))
    def place(self, endpoint: Endpoint) -> str:
        """Without its path, which may be a key."""
        return endpoint.place

    @admin.display(description=gettext_lazy("чей"))
    def owner(self, endpoint: Endpoint) -> str:
        return str(endpoint.organization or endpoint.user)

    @admin.display(description=gettext_lazy("состояние"))
    def state_(self, endpoint: Endpoint) -> str:
        if not endpoint.is_on:
            return _("отключён")
        return _("не отвечает") if endpoint.failing_since else _("включён")

    @admin.display(description=gettext_lazy("о чём"))
    def hears(self, endpoint: Endpoint) -> str:
        return ", ".join(endpoint.kind_labels)

    @admin.display(description=gettext_lazy("доставки"))
    def deliveries(self, endpoint: Endpoint) -> SafeString:
        asked = urlencode({"channel": CHANNEL, "q": str(endpoint.pk)})
        page = reverse("admin:tickets_delivery_changelist")
        return format_html('<a href="{}?{}">{}</a>', page, asked, _("показать"))


def exchange(delivery: Delivery) -> str:
    """What was said to a program, and what it answered, for the page of a delivery."""
    endpoint = Endpoint(pk=int(delivery.address))
    row = deliveries_of(endpoint).filter(pk=delivery.pk).first()
    return render_to_string("admin/_webhook.html", {"row": row})
