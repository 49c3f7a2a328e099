"""What became of the tickets of a period, as figures. It only reads, and by indexes of time.

Merged tickets do not count: they go on in the one they were merged into. A ticket is solved when
it comes to «Выполнена», or to «Закрыта» without having been there. Spans are told apart in
seconds and put together here, not by the database, so that all databases give the same figures.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from django.db.models import BigIntegerField, CharField, Count, Func, Model, Prefetch, Q, QuerySet
from django.db.models.functions import TruncDate
from django.db.models.lookups import Exact, In
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from accounts.models import User
from tickets.models import Product, Ticket, TicketEvent
from tickets.queries import Place
from tickets.status import TicketStatus

DONE = (TicketStatus.RESOLVED, TicketStatus.CLOSED)
WORKED_ON = tuple(status for status in TicketStatus if status not in DONE)
STILL = (TicketStatus.WAITING, *DONE)  # the clock of the solution does not run
FINISHED = Q(new_value__in=DONE) & ~Q(old_value__in=DONE)
REOPENED = Q(old_value__in=DONE) & ~Q(new_value__in=DONE)
MEDIAN, NINE_OF_TEN = 0.5, 0.9
SCORES = range(1, 6)


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

    def moves(self) -> QuerySet[TicketEvent]:
        """Changes of status, at any time. The kind is a word of the query, for SQLite's index."""
        kind = Func(template=f"'{TicketEvent.Kind.STATUS.value}'", output_field=CharField())
        return TicketEvent.objects.filter(self._chosen("ticket__"), kind=kind)

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
class Spans:
    """How long something took, in seconds, and how often it was in time."""

    seconds: list[float] = field(default_factory=list)
    in_time: int = 0

    def add(self, took: timedelta, *, in_time: bool) -> None:
        self.seconds.append(took.total_seconds())
        self.in_time += in_time

    @property
    def number(self) -> int:
        return len(self.seconds)

    @property
    def median(self) -> float | None:
        return quantile(self.seconds, MEDIAN)

    @property
    def nine_of_ten(self) -> float | None:
        return quantile(self.seconds, NINE_OF_TEN)

    @property
    def share_in_time(self) -> float | None:
        return self.in_time / self.number if self.number else None


def quantile(values: Iterable[float], share: float) -> float | None:
    """What this share of the values does not exceed; between two of them, on the line."""
    ordered = sorted(values)
    if not ordered:
        return None
    whole, rest = divmod((len(ordered) - 1) * share, 1)
    lower, upper = ordered[int(whole)], ordered[min(int(whole) + 1, len(ordered) - 1)]
    return lower + (upper - lower) * rest


@dataclass
class Figures:
    """Of all tickets of a report, of a product, or of an agent."""

    created: int = 0
    solved: int = 0
    reopened: int = 0
    answers: Spans = field(default_factory=Spans)
    solutions: Spans = field(default_factory=Spans)
    scores: Counter[int] = field(default_factory=Counter)

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
    total = Figures()
    products: dict[int, Figures] = defaultdict(Figures)
    agents: dict[int, Figures] = defaultdict(Figures)
    for product, number in _created(scope):
        for figures in (total, products[product]):
            figures.created += number
    for product, number in _reopened(scope):
        for figures in (total, products[product]):
            figures.reopened += number
    for product, took, in_time in _answers(scope):
        for figures in (total, products[product]):
            figures.answers.add(took, in_time=in_time)
    for solution in solutions(scope):
        solvers = [agents[solution.agent]] if solution.agent else []
        for figures in (total, products[solution.product], *solvers):
            figures.solved += 1
            figures.solutions.add(solution.took, in_time=solution.in_time)
    for product, agent, score, number in _scores(scope):
        rated = [agents[agent]] if agent else []
        for figures in (total, products[product], *rated):
            figures.scores[score] += number
    return Report(total, backlog(scope), _named(Product, products), _named(User, agents))


def _named(model: type[Any], figures: dict[int, Figures]) -> list[tuple[Any, Figures]]:
    """Who solved, or of what was solved, the most first."""
    rows: dict[int, Model] = model.objects.in_bulk(figures)
    found = [(rows[pk], of_row) for pk, of_row in figures.items() if pk in rows]
    return sorted(found, key=lambda row: (-row[1].solved, -row[1].created, str(row[0])))


def _created(scope: Scope) -> Iterable[tuple[int, int]]:
    rows = scope.tickets().filter(scope.within("created_at")).order_by()
    return rows.values_list("product").annotate(Count("pk"))


def _reopened(scope: Scope) -> Iterable[tuple[int, int]]:
    rows = scope.moves().filter(REOPENED, scope.within("created_at")).order_by()
    return rows.values_list("ticket__product").annotate(Count("pk"))


def _answers(scope: Scope) -> Iterator[tuple[int, timedelta, bool]]:
    """Of tickets that were first answered in the period: product, span, whether it was in time."""
    names = ("product", "created_at", "answered_at", "answer_breached_at")
    rows = scope.tickets().filter(scope.within("answered_at")).order_by()
    for product, created_at, answered_at, late_at in rows.values_list(*names).iterator():
        yield product, max(timedelta(), answered_at - created_at), late_at is None


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
    now_open = scope.tickets().filter(status__in=WORKED_ON, created_at__lt=end).count()
    since = scope.moves().filter(created_at__gte=end, ticket__created_at__lt=end).order_by()
    counts = since.aggregate(
        finished=Count("pk", filter=FINISHED), reopened=Count("pk", filter=REOPENED)
    )
    return int(now_open + counts["finished"] - counts["reopened"])


def created_by_day(scope: Scope) -> list[tuple[date, int]]:
    rows = scope.tickets().filter(scope.within("created_at")).order_by()
    found = dict(rows.values_list(TruncDate("created_at", tzinfo=scope.zone)).annotate(Count("pk")))
    days = (scope.last - scope.first).days + 1
    every = [scope.first + timedelta(days=number) for number in range(days)]
    return [(day, found.get(day, 0)) for day in every]


# Solutions, by what happened to a ticket until the end of the period


@dataclass(frozen=True)
class Solution:
    """How a ticket was solved, the last time within a period."""

    ticket: int
    product: int
    at: datetime
    took: timedelta  # from its creation, without what the clock stood still
    in_time: bool
    agent: int | None  # who solved it; its requester may have closed it

    reopened: int = 0  # how often it came back until the period ended


Move = tuple[Any, ...]
MOVE = (
    "ticket", "ticket__product", "ticket__created_at", "ticket__solution_breached_at",
    "created_at", "old_value", "new_value", "actor", "by_agent",
)  # fmt: skip


def finished(scope: Scope) -> QuerySet[TicketEvent]:
    return scope.moves().filter(FINISHED, scope.within("created_at")).order_by()


def solutions(scope: Scope) -> Iterator[Solution]:
    """Of all tickets solved in the period. Only those begun before it are read from before it."""
    earlier: dict[int, list[Move]] = defaultdict(list)
    begun = scope.moves().filter(created_at__lt=scope.begin, ticket__created_at__lt=scope.begin)
    for move in _read(begun.filter(ticket__in=finished(scope).values("ticket"))):
        earlier[move[0]].append(move)
    return _solutions(_read(scope.moves().filter(scope.within("created_at"))), scope, earlier)


def solutions_of(scope: Scope, tickets: Sequence[int]) -> Iterator[Solution]:
    moves = scope.moves().filter(created_at__lt=scope.end, ticket__in=tickets)
    return _solutions(_read(moves), scope, {})


def _read(moves: QuerySet[TicketEvent]) -> Iterator[Move]:
    return moves.order_by("ticket_id", "pk").values_list(*MOVE).iterator(chunk_size=5000)


def _solutions(
    moves: Iterable[Move], scope: Scope, earlier: Mapping[int, list[Move]]
) -> Iterator[Solution]:
    for ticket, of_ticket in groupby(moves, key=itemgetter(0)):
        solution = _solution(chain(earlier.get(ticket, ()), of_ticket))
        if solution and solution.at >= scope.begin:
            yield solution


def _solution(moves: Iterable[Move]) -> Solution | None:
    """Play a ticket's life: its clock runs from the creation and stands still in STILL."""
    found, ran, since, reopened = None, timedelta(), None, 0
    for ticket, product, created_at, late_at, at, old, new, actor, by_agent in moves:
        since = since or created_at
        if old not in STILL and new in STILL:
            ran += max(timedelta(), at - since)
        elif old in STILL and new not in STILL:
            since = at
        reopened += old in DONE and new not in DONE
        if old not in DONE and new in DONE:
            in_time = late_at is None or late_at > at
            found = Solution(ticket, product, at, ran, in_time, actor if by_agent else None)
    return replace(found, reopened=reopened) if found else None


# The tickets behind the figures


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
    numbers |= set(finished(scope).values_list("ticket", flat=True))
    ordered = sorted(numbers, reverse=True)
    for place in range(0, len(ordered), TOLD_AT_ONCE):
        some = ordered[place : place + TOLD_AT_ONCE]
        solved = {solution.ticket: solution for solution in solutions_of(scope, some)}
        for ticket in Ticket.objects.filter(pk__in=some).only(*TOLD).prefetch_related(*BESIDE):
            yield Told(ticket, solved.get(ticket.pk))
