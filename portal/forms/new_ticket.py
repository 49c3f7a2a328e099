from collections.abc import Collection
from typing import Any, cast

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tickets.form_fields import BodyField, FilesField, TitleField, tell_lost_files
from tickets.models import TITLE_LIMIT, Product
from tickets.refusals import ProductUnavailable

MOST_TILES = 12  # more products go into a list
PRODUCT_MISSING = gettext_lazy("Выберите продукт.")


class NewTicketForm(forms.Form):
    """`keeps_files`: the page's script will have them still when the form comes back."""

    product = forms.ChoiceField(
        label=gettext_lazy("Продукт"),
        error_messages={
            "required": PRODUCT_MISSING,
            "invalid_choice": ProductUnavailable.words,
        },
    )
    title = TitleField(
        label=gettext_lazy("Кратко о проблеме"),
        help_text=format_lazy(
            gettext_lazy("До {limit} символов: это заголовок заявки."), limit=TITLE_LIMIT
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Напишите заголовок в нескольких словах.")},
    )
    description = BodyField(
        label=gettext_lazy("Подробно"),
        help_text=gettext_lazy(
            "Что делали, что получилось, когда началось. Можно вставить текст ошибки."
        ),
        widget=forms.Textarea(attrs={"rows": 8}),
        error_messages={"required": gettext_lazy("Опишите проблему.")},
    )
    attachments = FilesField()

    def __init__(
        self, *args: Any, products: Collection[Product], keeps_files: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        cast(FilesField, self.fields["attachments"]).are_lost = not keeps_files
        self.offer(products)

    def offer(self, products: Collection[Product]) -> None:
        """Let one of these be chosen; the only one is chosen already."""
        self.products = {str(product.pk): product for product in products}
        self.has_tiles = len(products) <= MOST_TILES
        empty = [] if self.has_tiles else [("", _("Выберите продукт"))]
        choices = [(key, f"{row.icon} {row.name}".strip()) for key, row in self.products.items()]
        field = cast(forms.ChoiceField, self.fields["product"])
        field.widget = forms.RadioSelect() if self.has_tiles else forms.Select()
        field.choices = [*empty, *choices]
        if len(products) == 1:
            field.initial = choices[0][0]

    def clean_product(self) -> Product:
        return self.products[self.cleaned_data["product"]]

    def note_lost_files(self) -> None:
        if self.errors:
            tell_lost_files(self)
