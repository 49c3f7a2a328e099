"""Ready answers at the desk: their list and their form."""

import json
from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from desk.lists import DeskAdmin, agent_of, is_number
from tickets import canned
from tickets.form_fields import BodyField, FilesField, tell_lost_files
from tickets.models import CannedAnswer, CannedFile, Product
from tickets.refusals import TooManyFiles, VariableUnknown


class OwnFilter(admin.SimpleListFilter):
    title = gettext_lazy("чей")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("own", gettext_lazy("мои")), ("all", gettext_lazy("для всех"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[CannedAnswer]
    ) -> QuerySet[CannedAnswer]:
        if self.value() in ("own", "all"):
            return queryset.filter(owner__isnull=self.value() == "all")
        return queryset


class ProductFilter(admin.SimpleListFilter):
    title = gettext_lazy("продукт")
    parameter_name = "product"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        products = Product.objects.order_by("position", "name").values_list("pk", "name")
        return [(str(pk), name) for pk, name in products]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[CannedAnswer]
    ) -> QuerySet[CannedAnswer]:
        chosen = self.value()
        if not chosen:
            return queryset
        return queryset.filter(product=int(chosen)) if is_number(chosen) else queryset.none()


class AnswerForm(forms.ModelForm):
    for_all = forms.BooleanField(label=gettext_lazy("Для всех"), required=False)
    body = BodyField(
        label=gettext_lazy("Текст"),
        widget=forms.Textarea(attrs={"rows": 10, "class": "vLargeTextField"}),
        help_text=gettext_lazy(
            "Подставляются: {имя} — имя клиента, {номер} — номер заявки, {тема}, {продукт}, "
            "{специалист} — кто отвечает. Остальное уходит как написано, и скобки в журналах."
        ),
    )
    attachments = FilesField()
    dropped = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Убрать файлы"),
        queryset=CannedFile.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        answer = self.instance
        if answer.pk:
            self.initial["for_all"] = answer.owner_id is None
        dropped = self.fields.get("dropped")
        if isinstance(dropped, forms.ModelMultipleChoiceField) and answer.pk:
            dropped.queryset = answer.files.all()

    def clean_body(self) -> str:
        body = str(self.cleaned_data["body"])
        try:
            canned.require_known(body)
        except VariableUnknown as refusal:
            raise ValidationError(str(refusal)) from None
        return body

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or {}
        kept = self.instance.files.count() if self.instance.pk else 0
        number = kept - len(data.get("dropped") or ()) + len(data.get("attachments") or ())
        if number > canned.MAX_FILES:
            self.add_error("attachments", str(TooManyFiles(canned.MAX_FILES)))
        if self.errors:
            tell_lost_files(self)
        return data


class CannedAnswerAdmin(DeskAdmin):
    """One's own and everybody's; other people's own are seen by nobody else."""

    form = AnswerForm
    list_display = ("title", "whose", "product", "updated_at")
    list_select_related = ("product",)
    list_filter = (OwnFilter, ProductFilter)
    search_fields = ("title",)  # shows the box; `get_search_results` decides
    search_help_text = gettext_lazy("Слова из названия или текста")
    ordering = ("title", "id")
    empty_value_display = gettext_lazy("любой")

    class Media:
        js = ("desk/canned_form.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CannedAnswer]:
        usable = CannedAnswer.objects.usable_by(agent_of(request))
        return usable.order_by(*self.ordering)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[CannedAnswer], search_term: str
    ) -> tuple[QuerySet[CannedAnswer], bool]:
        return canned.found(queryset, search_term), False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and _is_ours(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _is_ours(request, obj)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if not self._may_edit(request, obj):
            return ["title", "product", "whose", "body", "preview", "files"]
        whose = ["for_all"] if agent_of(request).has_perm(canned.SHARE) else []
        files = ["dropped"] if obj and obj.files.exists() else []
        return ["title", "product", *whose, "body", "preview", "attachments", *files]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return ["preview"] if self._may_edit(request, obj) else ["whose", "preview", "files"]

    def _may_edit(self, request: HttpRequest, obj: Any) -> bool:
        if obj is None:
            return self.has_add_permission(request)
        return self.has_change_permission(request, obj)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        unasked = {"for_all", "dropped"}.difference(self.get_fields(request, obj))
        form = type(form)(form.__name__, (form,), dict.fromkeys(unasked))
        if "product" in form.base_fields:  # one chooses here; products are kept elsewhere
            widget = form.base_fields["product"].widget
            widget.can_add_related = widget.can_change_related = widget.can_view_related = False
        return form

    def save_model(self, request: HttpRequest, obj: CannedAnswer, form: Any, change: bool) -> None:
        data = form.cleaned_data
        was_for_all = change and obj.owner_id is None
        canned.save_answer(
            answer=obj,
            actor=agent_of(request),
            for_all=data.get("for_all", was_for_all),
            files=data.get("attachments", ()),
            dropped=data.get("dropped", ()),
        )

    def delete_model(self, request: HttpRequest, obj: CannedAnswer) -> None:
        canned.delete_answer(answer=obj, actor=agent_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[CannedAnswer]) -> None:
        for answer in queryset:
            canned.delete_answer(answer=answer, actor=agent_of(request))

    @admin.display(description=gettext_lazy("чей"))
    def whose(self, answer: CannedAnswer) -> str:
        return _("мой") if answer.owner_id else _("для всех")

    @admin.display(description=gettext_lazy("Как увидит клиент"))
    def preview(self, answer: CannedAnswer) -> SafeString:
        """Filled with invented values; a script keeps it up with what is typed."""
        values = canned.sample_values()
        return format_html(
            '<div class="words" data-preview data-values="{}">{}</div>',
            json.dumps(values), canned.fill(answer.body, values),
        )  # fmt: skip

    @admin.display(description=gettext_lazy("файлы"))
    def files(self, answer: CannedAnswer) -> str:
        return ", ".join(str(file) for file in answer.files.all()) or "—"


def _is_ours(request: HttpRequest, obj: Model | None) -> bool:
    return not isinstance(obj, CannedAnswer) or canned.may_change(agent_of(request), obj)
