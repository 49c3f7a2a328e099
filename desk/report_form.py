"""What a report is asked about, as its address says it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from desk.assignee import offered
from desk.queue import PRODUCTS_OFFERED
from tickets.models import Product
from tickets.reports import Scope, last_days
from tickets.search import organizations_named
from tickets.text import clean_line

LONGEST = 366  # days
USUAL = 30
EARLIEST = date(2000, 1, 1)
NAME_LENGTH = 100
FIELDS = ("since", "until", "product", "agent", "organization")


class Day(forms.DateField):
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    input_formats = ("%Y-%m-%d", "%d.%m.%Y")  # the latter from a browser without a calendar


class ReportForm(forms.Form):
    """Comes by the address, so that a report can be kept and passed on."""

    since = Day(label=gettext_lazy("С"), input_formats=Day.input_formats)
    until = Day(label=gettext_lazy("По"), input_formats=Day.input_formats)
    product = forms.TypedChoiceField(
        required=False, label=gettext_lazy("Продукт"), coerce=int, empty_value=None
    )
    agent = forms.TypedChoiceField(
        required=False, label=gettext_lazy("Исполнитель"), coerce=int, empty_value=None
    )
    organization = forms.CharField(
        required=False, max_length=NAME_LENGTH, label=gettext_lazy("Организация"),
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("часть названия")}),
    )  # fmt: skip

    def __init__(self, given: QueryDict) -> None:
        usual = last_days(USUAL)
        asked = {"since": usual.first.isoformat(), "until": usual.last.isoformat()}
        if "since" in given or "until" in given:  # one of them that was emptied is an error
            asked = {}
        super().__init__(asked | {name: given[name] for name in FIELDS if name in given})
        products = {row.pk: str(row) for row in Product.objects.all()[:PRODUCTS_OFFERED]}
        self.fields["product"].choices = _choices(products)  # type: ignore[attr-defined]
        staff = offered(User.objects.filter(is_staff=True))
        self.fields["agent"].choices = _choices(staff)  # type: ignore[attr-defined]

    def clean_since(self) -> date:
        since: date = self.cleaned_data["since"]
        if since < EARLIEST:
            raise forms.ValidationError(_("Слишком давно: так рано заявок ещё не было."))
        return since

    def clean_until(self) -> date:
        until: date = self.cleaned_data["until"]
        if until > timezone.localdate():
            raise forms.ValidationError(_("Этот день ещё не наступил."))
        return until

    def clean_organization(self) -> list[int] | None:
        """The organizations that were meant; None for all of them."""
        name = clean_line(self.cleaned_data["organization"])
        if not name:
            return None
        found = organizations_named(name)
        if not found:
            raise forms.ValidationError(_("Организации с таким названием нет."))
        return found

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        since, until = given.get("since"), given.get("until")
        if since and until and since > until:
            self.add_error("until", _("Конец периода раньше начала."))
        elif since and until and (until - since).days >= LONGEST:
            self.add_error("until", _("Период не длиннее %(days)d дней.") % {"days": LONGEST})
        return given

    @property
    def scope(self) -> Scope:
        """Of a form that is valid."""
        given = self.cleaned_data
        return Scope(
            given["since"],
            given["until"],
            product=given["product"],
            agent=given["agent"],
            organizations=given["organization"],
        )

    def address(self, **other: str) -> str:
        """The same report, with something else about it."""
        asked = {name: self.data.get(name, "") for name in FIELDS} | other
        return "?" + urlencode({name: value for name, value in asked.items() if value})


def _choices(names: Mapping[int, str]) -> list[tuple[Any, Any]]:
    return [("", gettext_lazy("все")), *names.items()]


@dataclass(frozen=True)
class Preset:
    label: str
    url: str
    is_current: bool


def presets(form: ReportForm) -> Iterator[Preset]:
    """Usual periods, the rest of what was asked kept."""
    for label, first, last in _usual_periods(timezone.localdate()):
        days = {"since": first.isoformat(), "until": last.isoformat()}
        is_current = all(form.data.get(name) == day for name, day in days.items())
        yield Preset(label, form.address(**days), is_current)


def _usual_periods(today: date) -> list[tuple[str, date, date]]:
    month = today.replace(day=1)
    last_month = month - timedelta(days=1)
    return [
        (_("7 дней"), today - timedelta(days=6), today),
        (_("30 дней"), today - timedelta(days=USUAL - 1), today),
        (_("Этот месяц"), month, today),
        (_("Прошлый месяц"), last_month.replace(day=1), last_month),
        (_("90 дней"), today - timedelta(days=89), today),
        (_("Год"), today - timedelta(days=364), today),
    ]
