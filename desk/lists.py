"""What every list of the admin shares, and every form behind it."""

from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from desk.unchanged import UnchangedForm, UnchangedRowForm


class BoundedPaginator(Paginator):
    """Counts, and so offers, at most LIMIT rows: no page costs more on a larger table."""

    LIMIT = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return rows.order_by()[: self.LIMIT].count()


class DeskAdmin(admin.ModelAdmin):
    """A list that stays fast on a large table, and forms that overwrite nobody."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 50
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """A row that is about to be changed is nobody else's until that is done."""
        row = super().get_object(request, object_id, from_field)
        if row is None or request.method != "POST":
            return row
        if not transaction.get_connection().in_atomic_block:
            return row
        self.model._base_manager.select_for_update().filter(pk=row.pk).first()
        return super().get_object(request, object_id, from_field)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        return type(form)(form.__name__, (UnchangedForm, form), {}) if change else form

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        return super().get_changelist_form(request, **{"form": UnchangedRowForm, **kwargs})

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        """Under a title that needs no other case of the name: «Организация: изменение»."""
        may_change = self.has_change_permission(request, obj)
        what = _("добавление") if add else _("изменение") if may_change else _("просмотр")
        context["title"] = f"{capfirst(self.opts.verbose_name)}: {what}"
        return super().render_change_form(request, context, add, change, form_url, obj)


class ReadOnlyAdmin(DeskAdmin):
    """Rows that only services write."""

    actions: Any = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
