"""All tokens of programs, for administrators: to look at, and to revoke."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.identity import IdentityRefused
from accounts.models import ApiToken, TokenState
from accounts.organizations import NotAdministrator
from accounts.rights import END_TOKENS
from accounts.security import origin_of
from accounts.tokens import revoke_token
from desk.lists import ReadOnlyAdmin


class StateFilter(admin.SimpleListFilter):
    title = gettext_lazy("состояние")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return TokenState.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> QuerySet[ApiToken]:
        now = timezone.now()
        conditions: dict[str | None, dict[str, Any]] = {
            TokenState.IN_FORCE: {"revoked_at": None, "expires_at__gt": now},
            TokenState.EXPIRED: {"revoked_at": None, "expires_at__lte": now},
            TokenState.REVOKED: {"revoked_at__isnull": False},
        }
        return queryset.filter(**conditions.get(self.value(), {}))


class ApiTokenAdmin(ReadOnlyAdmin):
    """Whatever is shown, never the digest."""

    list_display = (
        "name", "begins", "owner", "may", "state_", "created_at", "expires_at", "used_at",
    )  # fmt: skip
    list_select_related = ("user", "organization", "made_by")
    list_filter = (StateFilter,)
    search_fields = ("^user__email", "^user__username", "^organization__name", "=prefix")
    search_help_text = gettext_lazy(
        "Начало почты, логина или организации, первые 10 знаков токена; весь токен не вставляйте"
    )
    fields = (
        "name", "begins", "owner", "made_by", "may", "state_", "created_at", "expires_at",
        "used_at", "revoked_at",
    )  # fmt: skip
    readonly_fields = ("begins", "owner", "may", "state_")
    ordering = ("-id",)
    actions = ("revoke",)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(END_TOKENS)

    @admin.action(description=gettext_lazy("Отозвать…"), permissions=["end"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> HttpResponse | None:
        in_force = queryset.filter(revoked_at=None, expires_at__gt=timezone.now())
        tokens = list(in_force.select_related("user", "organization")[: self.list_per_page])
        if tokens and "sure" not in request.POST:
            return self._ask(request, tokens)
        for token in tokens:
            self._revoke(request, token)
        if not tokens:
            self.message_user(request, _("Отмеченные токены уже не действуют."), messages.WARNING)
        return None

    def _ask(self, request: HttpRequest, tokens: list[ApiToken]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Отозвать токены"),
            "opts": self.opts,
            "tokens": tokens,
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/revoke_tokens.html", context)

    def _revoke(self, request: HttpRequest, token: ApiToken) -> None:
        try:
            revoke_token(token, origin=origin_of(request))
        except (IdentityRefused, NotAdministrator) as refusal:
            self.message_user(request, f"{token}: {refusal}", messages.WARNING)
        else:
            text = _("Токен отозван: %(name)s.") % {"name": token}
            self.message_user(request, text, messages.SUCCESS)

    @admin.display(description=gettext_lazy("начинается с"))
    def begins(self, token: ApiToken) -> str:
        return f"{token.prefix}…"

    @admin.display(description=gettext_lazy("чей"))
    def owner(self, token: ApiToken) -> str:
        return str(token.user or token.organization)

    @admin.display(description=gettext_lazy("права"))
    def may(self, token: ApiToken) -> str:
        return ", ".join(token.scope_labels)

    @admin.display(description=gettext_lazy("состояние"))
    def state_(self, token: ApiToken) -> str:
        return str(token.state.label)
