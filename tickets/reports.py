"""What became of the tickets of a period, as figures. It only reads, and by indexes of time.

Merged tickets do not count: they go on in the one they were merged into. A ticket is solved when
it comes to «Выполнена», or to «Закрыта» without having been there; `due` keeps with each such move
how long that took, so that the database can work the figures out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    Count,
    F,
    Func,
    Model,
    Prefetch,
    Q,
    QuerySet,
    When,
)
from django.db.models.functions import Greatest, TruncDate
from django.db.models.lookups import Exact, In
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from accounts.models import User
from tickets.models import Product, Ticket, TicketEvent
from tickets.queries import Place
from tickets.spans import ALL, SecondsBetween, Spans, spans_by
from tickets.status import DONE, TicketStatus

WORKED_ON = tuple(status for status in TicketStatus if status not in DONE)
SCORES = range(1, 6)


def _word(value: str) -> Func:
    """A word of the query, not a parameter: else SQLite does not find the index."""
    return Func(template=f"'{value}'", output_field=CharField())


RETURNED = Q(
    kind=_word(TicketEvent.Kind.STATUS),
    old_value__in=[_word(status) for status in DONE],
    new_value__in=[_word(status) for status in WORKED_ON],
)


class Searched(Func):
    """A column that rows are picked by among those of a period.

    SQLite would rather take the column's own index, and read all that a product ever had.
    """

    arity = 1
    template = "%(expressions)s"
    output_field = BigIntegerField()

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="+%(expressions)s", **context)


@dataclass(frozen=True)
class Scope:
    """Which tickets a report is about, and when: whole days of the reader's time zone.

    The zone is kept, for those who read on after the request.
    """

    first: date
    last: date
    product: int | None = None
    agent: int | None = None  # who has the ticket now
    organizations: Sequence[int] | None = None
    zone: tzinfo = field(default_factory=timezone.get_current_timezone)

    @property
    def begin(self) -> datetime:
        return self._midnight(self.first)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return self._midnight(self.last + timedelta(days=1))

    def _midnight(self, day: date) -> datetime:
        return timezone.make_aware(datetime.combine(day, time()), self.zone)

    def within(self, name: str) -> Q:
        return Q(**{f"{name}__gte": self.begin, f"{name}__lt": self.end})

    def tickets(self) -> QuerySet[Ticket]:
        return Ticket.objects.filter(self._chosen(""))

    def solved(self) -> QuerySet[TicketEvent]:
        """The moves that solved a ticket, at any time."""
        return TicketEvent.objects.filter(self._chosen("ticket__"), solved_in__isnull=False)

    def returned(self) -> QuerySet[TicketEvent]:
        return TicketEvent.objects.filter(self._chosen("ticket__"), RETURNED)

    def _chosen(self, prefix: str) -> Q:
        # said so that SQLite does not take the index of what is merged, which leads to all the rest
        chosen = ~Q(**{f"{prefix}merged_into__gt": 0})
        if self.product is not None:
            chosen &= Q(Exact(Searched(f"{prefix}product"), self.product))
        if self.agent is not None:
            chosen &= Q(Exact(Searched(f"{prefix}assignee"), self.agent))
        if self.organizations is not None:
            chosen &= Q(In(Searched(f"{prefix}organization"), self.organizations))
        return chosen


def last_days(number: int) -> Scope:
    today = timezone.localdate()
    return Scope(today - timedelta(days=number - 1), today)


# Figures


@dataclass
class Figures:
    """Of all tickets of a report, of a product, or of an agent."""

    created: int = 0
    reopened: int = 0
    answers: Spans = field(default_factory=Spans)
    solutions: Spans = field(default_factory=Spans)
    scores: Counter[int] = field(default_factory=Counter)

    @property
    def solved(self) -> int:
        return self.solutions.number

    @property
    def rated(self) -> int:
        return self.scores.total()

    @property
    def average_score(self) -> float | None:
        total = sum(score * number for score, number in self.scores.items())
        return total / self.rated if self.rated else None


@dataclass
class Report:
    total: Figures
    backlog: int
    by_product: list[tuple[Product, Figures]]
    by_agent: list[tuple[User, Figures]]


def report(scope: Scope) -> Report:
    answers = spans_by(_answers(scope), "product")
    solved = spans_by(_solved(scope), "product", "agent")
    total = Figures(answers=answers[ALL][None], solutions=solved[ALL][None])
    products: dict[int | None, Figures] = defaultdict(Figures)
    agents: dict[int | None, Figures] = defaultdict(Figures)
    for product, number in _created(scope):
        for figures in (total, products[product]):
            figures.created += number
    for product, number in _returned(scope):
        for figures in (total, products[product]):
            figures.reopened += number
    for of, spans in answers["product"].items():
        products[of].answers = spans
    for of, spans in solved["product"].items():
        products[of].solutions = spans
    for of, spans in solved["agent"].items():
        agents[of].solutions = spans
    for product, agent, score, number in _scores(scope):
        for figures in (total, products[product], agents[agent]):
            figures.scores[score] += number
    return Report(total, backlog(scope), _named(Product, products), _named(User, agents))


def _named(model: type[Any], figures: dict[int | None, Figures]) -> list[tuple[Any, Figures]]:
    """Who solved, or of what was solved, the most first; what is nobody's is left out."""
    rows: dict[int | None, Model] = model.objects.in_bulk(filter(None, figures))
    found = [(rows[pk], of_row) for pk, of_row in figures.items() if pk in rows]
    return sorted(found, key=lambda row: (-row[1].solved, -row[1].created, str(row[0])))


def _created(scope: Scope) -> Iterable[tuple[int, int]]:
    rows = scope.tickets().filter(scope.within("created_at")).order_by()
    return rows.values_list("product").annotate(Count("pk"))


def _returned(scope: Scope) -> Iterable[tuple[int, int]]:
    rows = scope.returned().filter(scope.within("created_at")).order_by()
    return rows.values_list("ticket__product").annotate(
        number=Count("*")
    )  # no column: by the index


def _answers(scope: Scope) -> QuerySet[Any, Any]:
    """Of tickets that were first answered in the period: product, seconds, whether in time."""
    rows = scope.tickets().filter(scope.within("answered_at")).order_by()
    took = Greatest(0.0, SecondsBetween("created_at", "answered_at"))
    in_time = Q(answer_breached_at=None)
    return rows.annotate(took=took, in_time=in_time).values_list("product", "took", "in_time")


def _solved(scope: Scope) -> QuerySet[Any, Any]:
    return _solutions(scope).values_list("ticket__product", "agent", "solved_in", "in_time")


def _solutions(scope: Scope) -> QuerySet[Any, Any]:
    """Of each ticket solved in the period the last move there that did it.

    `agent` is who solved it; its requester may have closed it.
    """
    is_last = Q(solved_again_at=None) | Q(solved_again_at__gte=scope.end)
    late_at = "ticket__solution_breached_at"
    return (
        scope.solved()
        .filter(is_last, scope.within("created_at"))
        .annotate(
            agent=Case(When(by_agent=True, then="actor")),
            in_time=Q(**{late_at: None}) | Q(**{f"{late_at}__gt": F("created_at")}),
        )
        .order_by()
    )


def _scores(scope: Scope) -> Iterable[tuple[int, int | None, int, int]]:
    names = ("product", "assignee", "score")
    return rated(scope).order_by().values_list(*names).annotate(Count("pk"))


def rated(scope: Scope) -> QuerySet[Ticket]:
    """A rating closes its ticket, so that is when it was given."""
    return scope.tickets().filter(scope.within("closed_at"), score__isnull=False)


def ratings(scope: Scope) -> Counter[int]:
    rows = rated(scope).order_by().values_list("score").annotate(Count("pk"))
    return Counter(dict(rows))


def rating_words(scope: Scope, place: Place | None, size: int) -> tuple[list[Ticket], Place | None]:
    """What was written with ratings, newest first, after a place; and the place of what is left."""
    rows = rated(scope).exclude(rating_comment="").order_by("-closed_at", "-pk")
    if place:
        same = Q(closed_at=place.changed_at, pk__gte=place.number)
        rows = rows.filter(closed_at__lte=place.changed_at).exclude(same)
    found = list(rows.select_related("product", "assignee")[: size + 1])
    last = found[size - 1] if len(found) > size else None
    return found[:size], Place(last.closed_at, last.pk) if last and last.closed_at else None


def backlog(scope: Scope) -> int:
    """How many tickets were being worked on when the period ended, or are now.

    Counted back from now, by what has happened since: of all that ever was only the open is read.
    """
    end = min(scope.end, timezone.now())
    born = {"ticket__created_at__lt": end}
    now_open = scope.tickets().filter(status__in=WORKED_ON, created_at__lt=end).count()
    solved = scope.solved().filter(created_at__gte=end, **born).count()
    return now_open + solved - scope.returned().filter(created_at__gte=end, **born).count()


def created_by_day(scope: Scope) -> list[tuple[date, int]]:
    rows = scope.tickets().filter(scope.within("created_at")).order_by()
    found = dict(rows.values_list(TruncDate("created_at", tzinfo=scope.zone)).annotate(Count("pk")))
    days = (scope.last - scope.first).days + 1
    every = [scope.first + timedelta(days=number) for number in range(days)]
    return [(day, found.get(day, 0)) for day in every]


# The tickets behind the figures


@dataclass(frozen=True)
class Solution:
    """How a ticket was solved, the last time within a period."""

    reopened: int  # how often it came back until the period ended
    at: datetime
    agent: int | None
    seconds: float  # from its creation, without what its clock stood still
    in_time: bool


@dataclass(frozen=True)
class Told:
    """A ticket that was created or solved in a period, and how it was solved."""

    ticket: Ticket
    solution: Solution | None


TOLD_AT_ONCE = 1000
TOLD = (
    "title", "status", "priority", "face", "score", "rating_comment", "created_at", "answered_at",
    "answer_breached_at", "product", "organization", "requester", "assignee",
)  # fmt: skip
PEOPLE = User.objects.only("username", "first_name", "last_name")
BESIDE = (
    "product", "organization", Prefetch("requester", PEOPLE), Prefetch("assignee", PEOPLE),
)  # fmt: skip


def tickets_behind(scope: Scope) -> Iterator[Told]:
    """Newest first. Only the numbers are held all at once."""
    created = scope.tickets().filter(scope.within("created_at")).order_by()
    numbers = set(created.values_list("pk", flat=True))
    numbers |= set(_solutions(scope).values_list("ticket", flat=True))
    ordered = sorted(numbers, reverse=True)
    for place in range(0, len(ordered), TOLD_AT_ONCE):
        some = ordered[place : place + TOLD_AT_ONCE]
        solved = _solutions_of(scope, some)
        for ticket in Ticket.objects.filter(pk__in=some).only(*TOLD).prefetch_related(*BESIDE):
            yield Told(ticket, solved.get(ticket.pk))


def _solutions_of(scope: Scope, tickets: Sequence[int]) -> dict[int, Solution]:
    returned = scope.returned().filter(ticket__in=tickets, created_at__lt=scope.end).order_by()
    times = dict(returned.values_list("ticket").annotate(Count("pk")))
    rows = _solutions(scope).filter(ticket__in=tickets)
    names = ("ticket", "created_at", "agent", "solved_in", "in_time")
    return {
        ticket: Solution(times.get(ticket, 0), *solution)
        for ticket, *solution in rows.values_list(*names)
    }
