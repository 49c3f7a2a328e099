"""«Отчёт»: what became of the tickets of a period, for those who lead."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from desk.charts import Bars
from desk.report_csv import lines
from desk.report_form import ReportForm, presets
from tickets.queries import Place, read_number, read_place
from tickets.reports import Figures, Report, rating_words, report
from tickets.spans import Spans

VIEW_REPORT = "tickets.view_report"
WORDS_SHOWN = 20
NOTHING = "—"


@dataclass(frozen=True)
class Card:
    """A figure with what it means."""

    label: str
    number: str
    hint: str = ""


@dataclass(frozen=True)
class Line:
    """One product, or one agent, as the table shows it."""

    name: str
    cells: Sequence[str]


def report_page(request: HttpRequest) -> HttpResponse:
    form = _form(request)
    context = {
        **admin.site.each_context(request),
        "title": _("Ошибка: ") * bool(form.errors) + _("Отчёт"),
        "section": "report",
        "form": form,
        "presets": list(presets(form)),
    }
    if form.is_valid():
        context |= _figures(form) | _words(request, form)
    return TemplateResponse(request, "admin/report.html", context)


def report_csv(request: HttpRequest) -> HttpResponseBase:
    """The tickets behind the figures, one a line, sent while they are read."""
    form = _form(request)
    if not form.is_valid():
        return HttpResponseRedirect(reverse("admin:report") + form.address())
    scope = form.scope
    name = f"report-{scope.first:%Y-%m-%d}-{scope.last:%Y-%m-%d}.csv"
    response = StreamingHttpResponse(lines(scope), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _form(request: HttpRequest) -> ReportForm:
    if not request.user.has_perm(VIEW_REPORT):
        raise PermissionDenied
    return ReportForm(request.GET)


def _figures(form: ReportForm) -> dict[str, Any]:
    found = report(form.scope)
    return {
        "cards": list(_cards(found)),
        "ratings": Bars.of_scores(found.total.scores),
        "by_product": [_product_line(name, figures) for name, figures in found.by_product],
        "by_agent": [_agent_line(name, figures) for name, figures in found.by_agent],
        "csv": reverse("admin:report_csv") + form.address(),
        "zone": timezone.localtime(),
    }


def _cards(found: Report) -> Iterator[Card]:
    total = found.total
    yield Card(_("Создано"), str(total.created))
    yield Card(_("Выполнено"), str(total.solved))
    yield Card(_("Возвращено в работу"), str(total.reopened))
    yield Card(_("Осталось в работе"), str(found.backlog), _("к концу периода"))
    yield _span_card(_("Первый ответ, медиана"), total.answers)
    yield _span_card(_("Решение, медиана"), total.solutions)


def _span_card(label: str, spans: Spans) -> Card:
    if not spans.number:
        return Card(label, NOTHING)
    hint = _("90 %% — до %(span)s; в срок %(share)s, n=%(number)d") % {
        "span": span(spans.nine_of_ten),
        "share": percent(spans.share_in_time),
        "number": spans.number,
    }
    return Card(label, span(spans.median), hint)


def _product_line(product: Any, figures: Figures) -> Line:
    counts = [str(number) for number in (figures.created, figures.solved, figures.reopened)]
    return Line(str(product), [*counts, *_spans(figures.answers), *_solved(figures)])


def _agent_line(agent: Any, figures: Figures) -> Line:
    return Line(str(agent), [str(figures.solved), *_solved(figures)])


def _solved(figures: Figures) -> list[str]:
    average = figures.average_score
    rating = NOTHING
    if average is not None:
        rating = f"{average:.2f} (n={figures.rated})".replace(".", ",")
    return [*_spans(figures.solutions), percent(figures.solutions.share_in_time), rating]


def _spans(spans: Spans) -> list[str]:
    return [span(spans.median), span(spans.nine_of_ten)]


def span(seconds: float | None) -> str:
    """«2 ч 05 мин»: from a minute on without seconds, from two days on in days."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return _("%(seconds)d с") % {"seconds": round(seconds)}
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return _("%(minutes)d мин") % {"minutes": minutes}
    if hours < 48:
        return _("%(hours)d ч %(minutes)02d мин") % {"hours": hours, "minutes": minutes}
    return _("%(days)d д %(hours)d ч") % {"days": hours // 24, "hours": hours % 24}


def percent(share: float | None) -> str:
    return NOTHING if share is None else f"{100 * share:.0f} %"


def _words(request: HttpRequest, form: ReportForm) -> dict[str, Any]:
    asked = [read_number(part) for part in request.GET.get("before", "").split(".")]
    numbers = [number for number in asked if number is not None]
    place = read_place(numbers) if len(numbers) == len(asked) else None
    tickets, older = rating_words(form.scope, place, WORDS_SHOWN)
    return {
        "words": tickets,
        "is_later_page": place is not None,
        "newest_words": form.address(),
        "older_words": form.address(before=_name_of(older)) if older else "",
    }


def _name_of(place: Place) -> str:
    return ".".join(map(str, place.ids))
