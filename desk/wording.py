"""What Django's admin says, in words that fit names of every gender and number."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from config.numerals import plural

OUR_WORDS = "desk.our_words"  # instead of the next message of Django's
DELETE = "delete_selected"


class WordedAdmin(admin.ModelAdmin):
    """Django says «Организация был изменён» and «Удалить выбранные пользователи»."""

    def message_user(
        self,
        request: HttpRequest,
        message: Any,
        level: int | str = messages.INFO,
        extra_tags: str = "",
        fail_silently: bool = False,
    ) -> None:
        words = request.META.pop(OUR_WORDS, None) or message
        super().message_user(request, words, level, extra_tags, fail_silently)

    def response_add(
        self, request: HttpRequest, obj: Model, post_url_continue: str | None = None
    ) -> HttpResponse:
        self._say_instead(request, _("Добавлено"), obj)
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Model) -> HttpResponse:
        self._say_instead(request, _("Сохранено"), obj)
        return super().response_change(request, obj)

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        what = f"{self.opts.verbose_name} {obj_display}"
        request.META[OUR_WORDS] = _("Удалено: %(what)s.") % {"what": what}
        return super().response_delete(request, obj_display, obj_id)

    def _say_instead(self, request: HttpRequest, done: str, obj: Model) -> None:
        named: object = obj
        if self.has_view_or_change_permission(request, obj):
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
            named = format_html('<a href="{}">{}</a>', reverse(name, args=[quote(obj.pk)]), obj)
        words = format_html("{}: {} {}.", done, self.opts.verbose_name, named)
        request.META[OUR_WORDS] = words

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        if request.method == "POST" and "_save" in request.POST:
            request.META[OUR_WORDS] = _("Сохранено.")
        return super().changelist_view(request, extra_context)

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        text = _("Такой записи нет: возможно, её удалили.")
        self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(reverse("admin:index"))

    def get_actions(self, request: HttpRequest) -> Any:
        actions: Any = super().get_actions(request)
        if DELETE in actions:
            delete, name, _description = actions[DELETE]
            actions[DELETE] = (_worded(delete), name, _("Удалить отмеченное"))
        return actions


def _worded(delete: Callable[..., Any]) -> Callable[..., Any]:
    def run(modeladmin: Any, request: HttpRequest, queryset: QuerySet[Model]) -> Any:
        if "post" in request.POST:
            number = queryset.count()
            rows = plural(number, "запись", "записи", "записей")
            words = _("Удалено: %(number)d %(rows)s.") % {"number": number, "rows": rows}
            request.META[OUR_WORDS] = words
        return delete(modeladmin, request, queryset)

    return run
