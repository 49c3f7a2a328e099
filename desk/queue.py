"""The list an agent lands on: tabs, filters and a page, all of them in its address."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy

from accounts.models import User
from desk.lists import BoundedPaginator, DeskList
from desk.queue_rows import Rows
from tickets.models import Face, Priority, Product, Ticket
from tickets.queries import bounded, read_number
from tickets.queue import (
    BY_NUMBER,
    Order,
    Queue,
    back_from_snooze,
    count_queues,
    in_queue,
    newest_event,
    order_of,
)
from tickets.reads import with_reads
from tickets.saved_views import views_of
from tickets.search import organizations_named
from tickets.text import clean_line

LANDING = Queue.OPEN  # what is due first, whoever has it: nothing lies unseen
KEPT = ("tab", "product", "priority", "organization", "channel", "rating", SEARCH_VAR, PAGE_VAR)
KEPT_LENGTH = 100  # characters of each
PRODUCTS_OFFERED = 200
NAMES = ("username", "first_name", "last_name")
SHOWN = (
    "title", "status", "priority", "face", "score", "next_due_at", "last_word_at", "closed_at",
    "snoozed_until", "desk_version", "desk_version_before", "desk_changed_by",
    "product__name", "product__icon", "organization__name",
    *(f"{person}__{name}" for person in ("requester", "assignee") for name in NAMES),
)  # fmt: skip


# What an address asks for


def kept(params: QueryDict) -> dict[str, str]:
    """What makes a list the one it is, as far as an address says it."""
    given = {name: clean_line(params.get(name, "")).strip()[:KEPT_LENGTH] for name in KEPT}
    return {name: value for name, value in given.items() if value}


def query_of(choice: dict[str, Any]) -> str:
    return "?" + urlencode({name: choice[name] for name in KEPT if choice.get(name)})


def list_behind(request: HttpRequest) -> str:
    """The address of the list that a card was opened from: made anew, so it leads nowhere else."""
    choice = kept(QueryDict(request.GET.get("list", "")))
    return reverse("admin:tickets_ticket_changelist") + (query_of(choice) if choice else "")


def from_list(choice: dict[str, str]) -> str:
    """What the address of a card carries, so that its way back leads to this list."""
    return "?" + urlencode({"list": urlencode(choice)}) if choice else ""


def same_list(request: HttpRequest) -> str:
    """The same for a page that a card leads to."""
    return from_list(kept(QueryDict(request.GET.get("list", ""))))


# Filters


class TabFilter(admin.SimpleListFilter):
    """Words and numbers are looked for in all tickets, whatever tab was open."""

    title = gettext_lazy("очередь")
    parameter_name = "tab"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return Queue.choices

    @property
    def queue(self) -> Queue:
        return read_queue(self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> QuerySet[Ticket]:
        if is_search(request):
            return queryset
        return in_queue(queryset, self.queue, cast(User, request.user))


class ChoiceFilter(admin.SimpleListFilter):
    """One of a few values of a column; another value is as if there were none."""

    column: str
    options: Iterable[tuple[Any, Any]] = ()
    is_typed = False

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return self.options

    @property
    def chosen(self) -> str:
        value = self.value() or ""
        return value if value in {str(offered) for offered, _label in self.lookup_choices} else ""

    @property
    def offered(self) -> list[tuple[str, Any, bool]]:
        chosen = self.chosen
        return [(value, label, str(value) == chosen) for value, label in self.lookup_choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> QuerySet[Ticket]:
        return queryset.filter(**{self.column: self.chosen}) if self.chosen else queryset


class ProductFilter(ChoiceFilter):
    title = gettext_lazy("Продукт")
    parameter_name = column = "product"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        products = Product.objects.values_list("pk", "name")[:PRODUCTS_OFFERED]
        return [(str(number), name) for number, name in products]


class PriorityFilter(ChoiceFilter):
    title = gettext_lazy("Приоритет")
    parameter_name = column = "priority"
    options = Priority.choices


class FaceFilter(ChoiceFilter):
    title = gettext_lazy("Канал")
    parameter_name = "channel"
    column = "face"
    options = Face.choices


class RatingFilter(ChoiceFilter):
    title = gettext_lazy("Оценка")
    parameter_name = "rating"
    column = "score"
    options = [(str(score), f"{score} ★") for score in range(5, 0, -1)]


class OrganizationFilter(ChoiceFilter):
    """By a part of the name: there are too many to choose from."""

    title = gettext_lazy("Организация")
    parameter_name = "organization"
    is_typed = True

    def has_output(self) -> bool:
        return True

    @property
    def chosen(self) -> str:
        return clean_line(self.value() or "")[:KEPT_LENGTH].strip()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> QuerySet[Ticket]:
        if not self.chosen:
            return queryset
        return queryset.filter(organization__in=organizations_named(self.chosen))


def narrowed(rows: QuerySet[Ticket], choice: dict[str, str]) -> QuerySet[Ticket]:
    """Rows by what an address asks for, as the filters of the list have it."""
    wanted: dict[str, Any] = {
        one.column: choice[one.parameter_name]
        for one in (PriorityFilter, FaceFilter, RatingFilter)
        if choice.get(one.parameter_name) in {value for value, _label in one.options}
    }
    if product := read_number(choice.get("product", "")):
        wanted["product"] = product
    if name := choice.get("organization"):
        wanted["organization__in"] = organizations_named(name)
    return rows.filter(**wanted)


FILTERS = (
    TabFilter, ProductFilter, PriorityFilter, OrganizationFilter, FaceFilter, RatingFilter,
)  # fmt: skip


def is_search(request: HttpRequest) -> bool:
    return bool(request.GET.get(SEARCH_VAR, "").strip())


# The list


@dataclass(frozen=True)
class Tab:
    label: str
    count: str
    url: str
    is_current: bool


class QueueList(DeskList):
    """Pages without a count of what is in them: a row more than a page tells whether it goes on."""

    has_next = False

    def get_filters(self, request: HttpRequest) -> Any:
        self.choice = kept(request.GET)
        self.agent = cast(User, request.user)
        self.may_tick = self.model_admin.has_change_permission(request)
        self.queue = None if is_search(request) else read_queue(self.choice.get("tab"))
        self.newest_event = newest_event()  # before the rows are read: nothing falls between
        return super().get_filters(request)

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        """Rows of an action are those that were ticked, also when they have left the tab since."""
        rows = super().get_queryset(request, exclude_parameters)
        is_ticked = request.method == "POST" and request.POST.get("select_across") != "1"
        return self.apply_select_related(self.root_queryset) if is_ticked else rows

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> Order:  # type: ignore[override]
        return order_of(self.queue) if self.queue else BY_NUMBER

    def get_results(self, request: HttpRequest) -> None:
        pages = max(1, BoundedPaginator.LIMIT // self.list_per_page)
        if not 0 < self.page_num <= pages:
            raise IncorrectLookupParameters
        found = self._page()
        if not found and self.page_num > 1:  # what was there has gone meanwhile
            self.page_num = 1
            found = self._page()
        self.result_list = found[: self.list_per_page]
        self.has_next = len(found) > self.list_per_page and self.page_num < pages
        self.result_count = len(self.result_list)
        self.full_result_count = None
        self.show_full_result_count = self.multi_page = self.can_show_all = False
        self.show_admin_actions = True

    def _page(self) -> list[Ticket]:
        """Tickets that are back from a snooze stand before all others, whatever is due."""
        begin = (self.page_num - 1) * self.list_per_page
        end = begin + self.list_per_page + 1
        woken = self._woken()
        if not woken:
            return self._cut(self.queryset, begin, end)
        back = sorted(
            self._shown(self.queryset.filter(pk__in=woken)), key=lambda row: woken.index(row.pk)
        )
        rest = self.queryset.exclude(pk__in=woken)
        return back[begin:end] + self._cut(rest, max(0, begin - len(back)), end - len(back))

    def _cut(self, rows: QuerySet[Ticket], begin: int, end: int) -> list[Ticket]:
        """A later page by its numbers: else the rows before it are joined with their people."""
        if not begin:
            return list(self._shown(rows)[:end])
        return list(self._shown(rows.filter(pk__in=rows.values("pk")[begin:end])))

    def _shown(self, rows: QuerySet[Ticket]) -> QuerySet[Ticket]:
        return with_reads(rows, self.agent).only(*SHOWN)

    def _woken(self) -> list[int]:
        """Only their ids: mostly there are none, and a row of the list is costly to ask for."""
        if self.queue in (None, Queue.CLOSED):
            return []
        return list(back_from_snooze(self.queryset).values_list("pk", flat=True))

    # For the template

    @property
    def rows(self) -> Rows:
        return Rows(
            self.result_list,
            self.agent,
            from_list=self.from_list,
            may_tick=self.may_tick,
        )

    @property
    def filters(self) -> list[Any]:
        return [one for one in self.filter_specs if not isinstance(one, TabFilter)]

    @property
    def is_filtered(self) -> bool:
        return any(one.chosen for one in self.filters)

    def tabs(self) -> list[Tab]:
        counts = count_queues(self.agent)
        chosen = self._without(SEARCH_VAR, PAGE_VAR)
        return [
            Tab(
                str(queue.label),
                bounded(counts[queue]),
                query_of(chosen | {"tab": queue.value}),
                queue == self.queue,
            )
            for queue in Queue
        ]

    def views(self) -> list[Tab]:
        shown = self._without(PAGE_VAR)
        return [
            Tab(view.name, "", query_of(choice), choice == shown)
            for view in views_of(self.agent)
            for choice in [kept(QueryDict(view.query))]
        ]

    @property
    def heading(self) -> str:
        return str(self.queue.label) if self.queue else f"«{self.query.strip()}»"

    @property
    def first_page(self) -> str:
        return query_of({**self._without(PAGE_VAR), "tab": self.tab})

    @property
    def news_query(self) -> str:
        return f"{self.first_page}&{urlencode({'since': self.newest_event})}"

    @property
    def unfiltered(self) -> str:
        return query_of({"tab": self.tab})

    @property
    def from_list(self) -> str:
        return from_list(self.choice)

    @property
    def previous_url(self) -> str:
        return self._page_url(self.page_num - 1) if self.page_num > 1 else ""

    @property
    def next_url(self) -> str:
        return self._page_url(self.page_num + 1) if self.has_next else ""

    def _page_url(self, page: int) -> str:
        return query_of({**self._without(PAGE_VAR), "tab": self.tab, PAGE_VAR: page})

    @property
    def tab(self) -> str:
        return self.choice.get("tab", LANDING.value)

    def _without(self, *names: str) -> dict[str, Any]:
        return {name: value for name, value in self.choice.items() if name not in names}


def read_queue(tab: str | None) -> Queue:
    return Queue(tab) if tab in Queue.values else LANDING
