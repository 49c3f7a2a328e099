from ipaddress import ip_address
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.browsers import browser_name
from accounts.models import SecurityEvent, User
from desk.lists import ReadOnlyAdmin

PEOPLE_FOUND = 50


class SecurityEventAdmin(ReadOnlyAdmin):
    """Who did what to which account, and from where. For administrators."""

    list_display = ("time", "kind", "user", "actor", "address", "browser_", "details")
    list_select_related = ("user", "actor")
    list_filter = ("kind",)
    search_fields = ("=address",)  # shows the box; get_search_results says what it finds
    search_help_text = _("IP-адрес целиком, логин или почта человека")
    ordering = ("-id",)
    fields = ("time", "kind", "user", "actor", "address", "browser", "details")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[SecurityEvent], search_term: str
    ) -> tuple[QuerySet[SecurityEvent], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(address=str(ip_address(term))), False
        except ValueError:
            return queryset.filter(user__in=_people(term)), False

    @admin.display(description=_("время"))
    def time(self, event: SecurityEvent) -> str:
        """To the second: what belongs together happened within one minute."""
        return f"{timezone.localtime(event.created_at):%d.%m.%Y %H:%M:%S}"

    @admin.display(description=_("браузер"))
    def browser_(self, event: SecurityEvent) -> str:
        return browser_name(event.browser)


def _people(term: str) -> list[Any]:
    """Ids of the people whose login or e-mail begins like this."""
    found = User.objects.filter(Q(username__startswith=term) | Q(email__istartswith=term))
    return list(found.values_list("pk", flat=True)[:PEOPLE_FOUND])
