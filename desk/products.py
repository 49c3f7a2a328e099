from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from desk.deletion import DeletionPages
from desk.lists import DeskAdmin
from tickets.models import Product

LONGEST_TARGET = 366 * 24 * 60  # minutes; a far larger number ends after the last year there is


class ProductAdmin(DeletionPages, DeskAdmin):
    deletion_advice = "admin/tickets/product/_instead.html"
    list_display = ("name", "icon", "position", "is_active")
    list_editable = ("position", "is_active")
    search_fields = ("^name",)
    ordering = ("position", "name")

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.off_view)
        return [path("<int:pk>/off/", page, name="tickets_product_off"), *super().get_urls()]

    def off_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """«Отключить продукт»: instead of a deletion."""
        product = get_object_or_404(Product, pk=pk)
        if not self.has_change_permission(request, product):
            raise PermissionDenied
        if request.method != "POST":  # from the login, after a session that had ended
            return redirect("admin:tickets_product_change", pk)
        if Product.objects.filter(pk=pk, is_active=True).update(is_active=False):
            self.log_change(request, product, _("Продукт отключён"))
        text = _("Продукт «%(name)s» отключён: в новых заявках его нет.") % {"name": product.name}
        self.message_user(request, text, messages.SUCCESS)
        return redirect("admin:tickets_product_change", pk)


class TargetAdmin(DeskAdmin):
    list_display = ("product", "priority", "answer_minutes", "solution_minutes")
    list_display_links = ("priority",)
    list_editable = ("answer_minutes", "solution_minutes")
    list_select_related = ("product",)
    ordering = ("product__name", "priority")
    empty_value_display = gettext_lazy("все продукты")

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name.endswith("_minutes"):
            kwargs["max_value"] = LONGEST_TARGET
        return super().formfield_for_dbfield(db_field, request, **kwargs)
