"""What every list of the admin shares, and every form behind it."""

import re
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AdminSplitDateTime, AutocompleteSelect
from django.core.exceptions import SuspiciousOperation
from django.core.paginator import Paginator
from django.db import models, transaction
from django.db.models import ForeignKey, Model
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.mailboxes import MailboxField
from accounts.models import User
from desk.once import OnceAdmin
from desk.unchanged import UnchangedForm, UnchangedRowForm
from desk.wording import WordedAdmin
from tickets.form_fields import LineField
from tickets.queries import read_number

SCRIPTS = (
    "vendor/jquery/jquery.min.js", "jquery.init.js", "core.js", "admin/RelatedObjectLookups.js",
    "actions.js",
)  # fmt: skip


class BoundedPaginator(Paginator):
    """Counts, and so offers, at most LIMIT rows: no page costs more on a larger table."""

    LIMIT = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return rows.order_by()[: self.LIMIT].count()


def is_number(value: Any) -> bool:
    """Whether a value of a form can be the id of a row."""
    return read_number(str(value)) is not None


def agent_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the admin lets nobody else in
    return request.user


class DeskSelect(AutocompleteSelect):
    """Shows what was chosen; a forged choice is the field's to refuse, not to be looked up."""

    @property
    def media(self) -> forms.Media:
        return super().media + forms.Media(js=["desk/select.js"])

    def optgroups(self, name: str, value: Any, attr: dict[str, Any] | None = None) -> Any:
        return super().optgroups(name, [one for one in value if is_number(one)], attr)


class DeskList(ChangeList):
    """A list that takes no condition beside its filters: another would ask about any column."""

    def get_filters(self, request: HttpRequest) -> Any:
        found = super().get_filters(request)
        _specs, _has_filters, left, *_rest = found
        if left:
            raise IncorrectLookupParameters
        return found


class DeskAdmin(WordedAdmin, OnceAdmin):
    """A list that stays fast on a large table, and forms that overwrite nobody."""

    formfield_overrides: ClassVar = {
        models.CharField: {"form_class": LineField},
        models.EmailField: {"form_class": MailboxField},
    }
    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 50
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER

    @property
    def media(self) -> forms.Media:
        """Without what fills one field from another, which is half of what Django sends."""
        return forms.Media(js=[f"admin/js/{name}" for name in SCRIPTS])

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DeskList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        if not all(map(is_number, self._rows_named(request))):
            raise SuspiciousOperation("an id that no row can have")
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def _rows_named(self, request: HttpRequest) -> list[Any]:
        """The ids of a sent list: of rows chosen for an action, and of rows edited in it."""
        edited = re.compile(rf"form-\d+-{self.opts.pk.name}")
        ids = [value for name, value in request.POST.items() if edited.fullmatch(name)]
        return [*request.POST.getlist(ACTION_CHECKBOX_NAME), *ids]

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """With a name for each half of a time, which Django shows under one label."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and isinstance(field.widget, AdminSplitDateTime):
            for half, name in zip(field.widget.widgets, (_("дата"), _("время")), strict=True):
                half.attrs["aria-label"] = f"{capfirst(field.label)}: {name}"
        return field

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", DeskSelect(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """A row that is about to be changed is nobody else's until that is done."""
        if from_field is None and not is_number(object_id):
            return None  # one row has one address, not one for each way to write its number
        row = super().get_object(request, object_id, from_field)
        if row is None or request.method != "POST":
            return row
        if not transaction.get_connection().in_atomic_block:
            return row
        self.model._base_manager.select_for_update(of=("self",)).filter(pk=row.pk).first()
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
