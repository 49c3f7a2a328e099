"""Roles at the desk."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy

from desk.lists import DeskAdmin
from tickets.models import Comment

ACTS = {
    "add": gettext_lazy("добавление"),
    "change": gettext_lazy("изменение"),
    "delete": gettext_lazy("удаление"),
    "view": gettext_lazy("просмотр"),
}
# Those that are no act of the four; others say in Russian themselves what they are.
NAMES = {
    "manage_staff": gettext_lazy("специалисты и их роли"),
    "change_user_email": gettext_lazy("смена чужой почты"),
    "handle_personal_data": gettext_lazy("архив и удаление личных данных"),
}


class RightsField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, right: Permission) -> str:
        """«Заявки: просмотр» for what Django calls “Can view заявка”."""
        model = right.content_type.model_class()
        about = model._meta.verbose_name_plural if model else right.content_type.model
        act = ACTS.get(right.codename.split("_")[0]) if _is_plain(right) else None
        return f"{capfirst(str(about))}: {act or NAMES.get(right.codename, right.name)}"


def _is_plain(right: Permission) -> bool:
    return right.codename.split("_", 1)[1:] == [right.content_type.model]


class RoleAdmin(DeskAdmin, DjangoGroupAdmin):
    """Groups of rights, as every other list of the desk.

    Whoever writes them could have any right, so superusers do.
    """

    filter_horizontal = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(request.user.is_superuser)

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any
    ) -> Any:
        if db_field.name == "permissions":
            kwargs |= {"form_class": RightsField, "queryset": rights_worth_giving()}
            kwargs["widget"] = forms.CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **kwargs)


def rights_worth_giving() -> QuerySet[Permission]:
    """Of what has a page at the desk, and those a role holds already: nothing is lost by saving."""
    models = [*admin.site._registry, Comment]
    types = ContentType.objects.get_for_models(*models).values()
    rights = Permission.objects.filter(Q(content_type__in=types) | Q(group__isnull=False))
    ordered = rights.order_by("content_type__app_label", "content_type__model", "codename")
    return ordered.distinct().select_related("content_type")
