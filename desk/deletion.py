"""Deleting what others still need: says why not, and what to do instead."""

from typing import Any

from django.contrib import admin
from django.db.models import PROTECT, Model
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.models import ApiToken
from webhooks.models import Endpoint


class DeletionPages(admin.ModelAdmin):
    """Asks the tables that hold on to a row one by one, instead of collecting all their rows."""

    delete_confirmation_template = "admin/deletion.html"
    delete_selected_confirmation_template = "admin/deletion_of_many.html"
    deletion_advice = ""  # a template: what to do instead

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        kept = [row for row in objs if holders_of(row)]
        if kept:
            return [], {}, set(), [str(row) for row in kept]
        rows, counts, lacking, protected = super().get_deleted_objects(objs, request)
        for model in (ApiToken, Endpoint):  # nobody deletes one here, but it has no other use
            lacking.discard(model._meta.verbose_name)
        return rows, counts, lacking, protected

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        context["holders"] = holders_of(context["object"]) if context["protected"] else []
        context["advice"] = self.deletion_advice
        if context["protected"] or context["perms_lacking"]:
            context["title"] = _("Удалить нельзя")
        return super().render_delete_form(request, context)


def holders_of(row: Model) -> list[str]:
    """Names of the tables whose rows would lose what they are about."""
    found = []
    for relation in row._meta.related_objects:
        if getattr(relation, "on_delete", None) is not PROTECT:
            continue
        model: Any = relation.related_model
        if model._base_manager.filter(**{relation.field.name: row.pk}).exists():
            found.append(str(capfirst(model._meta.verbose_name_plural)))
    return sorted(set(found))
