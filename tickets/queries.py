"""What people may see of tickets. No face filters notes itself."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.db.models import (
    Exists,
    FilteredRelation,
    IntegerField,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)

from accounts.models import Organization, User
from config.compiled import Compiled
from tickets.models import Attachment, Comment, Ticket, TicketEvent
from tickets.status import TicketStatus

NUMBER_DIGITS = 18  # a longer one fits no row
TIMELINE_SIZE = 30  # events
COUNTED = 99  # rows of a list that are counted; of more it is said that there are more
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# Whose tickets a list holds: the column before the others in the index that lists are read by
REQUESTER, ORGANIZATION = "requester_id", "organization_id"
Kind = TicketEvent.Kind
Row = TypeVar("Row", bound=Model)


def read_number(text: str) -> int | None:
    """The number of a row as an address or a form has it; None for what is none."""
    is_plain = text.isascii() and text.isdecimal() and len(text) <= NUMBER_DIGITS
    return int(text) if is_plain else None


def newest_page(rows: QuerySet[Row], before: int | None, size: int) -> tuple[list[Row], int | None]:
    """The newest `size` rows with an id under `before`, and what to pass for the page after."""
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: size + 1])
    return found[:size], found[size - 1].pk if len(found) > size else None


# Lists of tickets, the last change that customers can see first


@dataclass(frozen=True)
class Place:
    """Where a ticket stands in the order of lists: it holds while other tickets move."""

    changed_at: datetime
    number: int

    @property
    def ids(self) -> tuple[int, int]:
        """For an address or a button; microseconds since 1970 and the number."""
        return (self.changed_at - EPOCH) // MICROSECOND, self.number


def place_of(ticket: Ticket) -> Place:
    return Place(ticket.changed_at, ticket.pk)


def read_place(ids: Sequence[int]) -> Place | None:
    """The place that `Place.ids` named, None for what names none."""
    if len(ids) != 2:
        return None
    try:
        return Place(EPOCH + ids[0] * MICROSECOND, ids[1])
    except OverflowError:
        return None


@dataclass(frozen=True)
class TicketPage:
    tickets: list[Ticket]
    after: Place | None  # the page is what comes after it; None: the list begins here
    newer: Place | None  # for the page before this one
    older: Place | None  # for the page after this one


def in_order(tickets: QuerySet[Ticket], owner: str) -> QuerySet[Ticket]:
    """By all columns of the index: else PostgreSQL walks the whole table where there are none."""
    return tickets.order_by(owner, "-changed_at", "-id")


def page_after(tickets: QuerySet[Ticket], owner: str, size: int, place: Place | None) -> TicketPage:
    """The page that follows a place, the first one without."""
    rows = in_order(tickets, owner)
    if place:
        same = Q(changed_at=place.changed_at, pk__gte=place.number)
        rows = rows.filter(changed_at__lte=place.changed_at).exclude(same)
    found = list(rows[: size + 1])
    shown = found[:size]
    return TicketPage(
        shown,
        after=place,
        newer=place_of(shown[0]) if place and shown else None,
        older=place_of(shown[-1]) if len(found) > size else None,
    )


def page_before(
    tickets: QuerySet[Ticket], owner: str, size: int, place: Place
) -> TicketPage | None:
    """The page that ends before a place, None where that is the first one."""
    same = Q(changed_at=place.changed_at, pk__lte=place.number)
    rows = in_order(tickets, owner).filter(changed_at__gte=place.changed_at).exclude(same)
    found = list(rows.reverse()[: size + 1])
    if len(found) <= size:
        return None
    *shown, previous = found
    shown.reverse()
    return TicketPage(
        shown, after=place_of(previous), newer=place_of(shown[0]), older=place_of(shown[-1])
    )


def beside_place(
    parts: Sequence[QuerySet[Ticket]],
    size: int,
    place: Place | None,
    *,
    newest_first: bool,
    owner: str | None = None,
) -> tuple[list[Ticket], bool]:
    """The `size` tickets that come next after a place in this order, and whether more do.

    Of several `parts`, each with an index of its own, together. An `owner` is the column of those
    indexes before the others, as in `in_order`.
    """
    sign, to = ("-", "lt") if newest_first else ("", "gt")
    order = [f"{sign}{name}" for name in (*([owner] if owner else []), "changed_at", "id")]
    found: list[Ticket] = []
    for tickets in parts:
        if place:
            same = Q(changed_at=place.changed_at)
            tickets = tickets.filter(**{f"changed_at__{to}e": place.changed_at})
            tickets = tickets.exclude(same & ~Q(**{f"pk__{to}": place.number}))
        found += tickets.order_by(*order)[: size + 1]
    found.sort(key=lambda ticket: (ticket.changed_at, ticket.pk), reverse=newest_first)
    return found[:size], len(found) > size


class CountOf(Subquery):
    """How many rows a query has, as a column of another: sliced, it counts no further."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def count_of(tickets: QuerySet[Ticket], owner: str, most: int = COUNTED) -> CountOf:
    """Counts to one more than `most`."""
    return CountOf(in_order(tickets, owner).values("pk")[: most + 1])


def count_lists(user: User, **lists: CountOf) -> dict[str, int]:
    """Several counts in one query."""
    found = User.objects.filter(pk=user.pk).values_list(*lists.values()).get()
    return dict(zip(lists, found, strict=True))


def bounded(count: int, most: int = COUNTED) -> str:
    """`12`, or `99+`"""
    return f"{most}+" if count > most else str(count)


def awaiting_count(user: User) -> CountOf:
    """«Ждут вас»: of one's own tickets, those with a question or a result not rated yet."""
    return count_of(Ticket.objects.own(user).awaiting(), REQUESTER)


def cards(user: User) -> QuerySet[Ticket]:
    """Tickets as a person's page of one shows them, with `is_parent_visible`."""
    readable = Ticket.objects.visible_to(user)
    parent = Exists(readable.filter(pk=OuterRef("parent_id")))
    related = readable.select_related("requester", "organization", "product", "assignee")
    return related.annotate(is_parent_visible=parent)


def led_ticket(readable: QuerySet[Ticket], number: int) -> Ticket | None:
    """The ticket of a number; of one that was merged, the ticket it was merged into.

    Every face finds one ticket by this. Who may not see the other one any more finds the merged.
    """
    return _led(lambda one: _one(readable, one), number)


class TicketFinder:
    """`led_ticket` by a query that is compiled once. `rows`: what a reader may see, as it is shown.

    They may depend on the reader's id and organization only.
    """

    def __init__(self, rows: Callable[[User], QuerySet[Ticket]]) -> None:
        def one(number: int, reader: int, organization: int | None = None) -> QuerySet[Ticket]:
            user = User(pk=reader, organization_id=organization)
            return rows(user).filter(pk=number).order_by()

        self._own, self._shared = Compiled(one, int, int), Compiled(one, int, int, int)

    def find(self, reader: User, number: int) -> Ticket | None:
        if len(str(number)) > NUMBER_DIGITS:
            return None
        if reader.organization_id is None:
            return _led(lambda one: self._own.first(one, reader.pk), number)
        place = reader.pk, reader.organization_id
        return _led(lambda one: self._shared.first(one, *place), number)


def _led(find: Callable[[int], Ticket | None], number: int) -> Ticket | None:
    found = find(number)
    while found and found.merged_into_id:
        into = find(found.merged_into_id)
        if into is None:
            break
        found = into
    return found


def _one(tickets: QuerySet[Ticket], number: int) -> Ticket | None:
    """Not by `first`, which has the one row put in order."""
    try:
        return tickets.get(pk=number)
    except Ticket.DoesNotExist:
        return None


def closed_parent(readable: QuerySet[Ticket], number: int) -> Ticket | None:
    """The ticket that a new one may go on from."""
    return readable.filter(pk=number, status=TicketStatus.CLOSED).first()


def timeline(ticket: Ticket, before: int | None) -> tuple[list[TicketEvent], int | None]:
    """What happened after the creation, oldest first, each event with its comment or none."""
    events, older = newest_page(_told(ticket), before, TIMELINE_SIZE)
    return events[::-1], older


def events_after(ticket: Ticket, version: int) -> list[TicketEvent]:
    """What a timeline that ends with this event goes on with, as long as a page of it."""
    return list(_told(ticket).filter(pk__gt=version).order_by("pk")[:TIMELINE_SIZE])


def history(
    ticket: Ticket, after: int, size: int, *, internal: bool
) -> tuple[list[TicketEvent], bool]:
    """What happened after an event, oldest first, and whether there is more; agents see all."""
    happened = TicketEvent.objects.filter(ticket=ticket).exclude(kind=Kind.CREATED)
    rows = happened if internal else _told(ticket)
    return _after(rows.select_related("actor", "comment__author"), after, size)


def conversation(
    ticket: Ticket, after: int, size: int, *, internal: bool
) -> tuple[list[Comment], bool]:
    """Comments after one, oldest first, and whether there are more; agents see notes, too."""
    rows = Comment.objects.all() if internal else Comment.objects.public()
    rows = rows.filter(ticket=ticket).select_related("author").prefetch_related("attachments")
    return _after(rows, after, size)


def enclosed(
    ticket: Ticket, after: int, size: int, *, internal: bool
) -> tuple[list[Attachment], bool]:
    """The same of files, of the description and of comments."""
    return _after(files_of(Ticket.objects.filter(pk=ticket.pk), internal=internal), after, size)


def _after(rows: QuerySet[Row], after: int, size: int) -> tuple[list[Row], bool]:
    found = list(rows.filter(pk__gt=after).order_by("pk")[: size + 1])
    return found[:size], len(found) > size


def _told(ticket: Ticket) -> QuerySet[TicketEvent]:
    """The description tells of the creation; words of a note are kept back with their event."""
    told = public_events().filter(ticket=ticket).exclude(kind=Kind.CREATED)
    said = Q(comment=None) | Q(comment__is_internal=False)
    return told.filter(said).select_related("actor", "comment")


def answers(ticket: Ticket) -> QuerySet[TicketEvent]:
    """Events with public words of an agent."""
    return _told(ticket).filter(by_agent=True).exclude(comment=None)


def files_beside(
    ticket: Ticket, events: Iterable[TicketEvent], *, description: bool = True
) -> dict[int | None, list[Attachment]]:
    """Files by the comment they came with; those of the description under None."""
    shown = Q(comment__in=[event.comment_id for event in events if event.comment_id])
    if description:
        shown |= Q(comment=None)
    found: dict[int | None, list[Attachment]] = {}
    for file in ticket.attachments.filter(shown):
        found.setdefault(file.comment_id, []).append(file)
    return found


@dataclass(frozen=True)
class News:
    """What a page that shows a ticket does not show yet; the person's own doing counts apart."""

    answers: int = 0
    comments: int = 0
    changes: int = 0
    own: int = 0

    def __bool__(self) -> bool:
        return bool(self.answers or self.comments or self.changes or self.own)

    @property
    def number(self) -> int:
        return self.answers + self.comments or min(self.changes, 1)


def news_of(user: User, number: int, version: int) -> News | None:
    """What came to a ticket after this event, in one query; None where it is not to be seen."""
    later = Q(events__pk__gt=version, events__is_internal=False)
    fresh = Ticket.objects.visible_to(user).filter(pk=number)
    fresh = fresh.annotate(fresh=FilteredRelation("events", condition=later))
    names = ("fresh__kind", "fresh__by_agent", "fresh__actor", "fresh__comment")
    rows = list(fresh.values_list(*names)[:TIMELINE_SIZE])
    told = [row for row in rows if row[0] and row[0] != Kind.EDITED]
    others = [row for row in told if row[2] != user.pk]
    said = [by_agent for _kind, by_agent, _actor, comment in others if comment]
    if not rows:
        return None
    return News(
        answers=sum(said),
        comments=len(said) - sum(said),
        changes=len(others) - len(said),
        own=len(told) - len(others),
    )


def changed_since(user: User, moment: datetime, *, of_organization: bool) -> int:
    """How many tickets of a person's list others have changed since, as far as a badge shows."""
    mine = Ticket.objects.own(user)
    lists = [mine.open(), mine.closed()]  # each has an index
    if of_organization:
        lists = [Ticket.objects.of_organization(user)]
    news = [
        rows.filter(changed_at__gt=moment).exclude(changed_by=user).order_by().values("pk")
        for rows in lists
    ]
    return len(news[0].union(*news[1:])[: COUNTED + 1])


def may_see(user: User, ticket: Ticket) -> bool:
    """Whether a person may see a ticket at this moment, whatever was read of them before."""
    reader = User.objects.filter(pk=user.pk, is_active=True).first()
    return reader is not None and Ticket.objects.visible_to(reader).filter(pk=ticket.pk).exists()


def public_events() -> QuerySet[TicketEvent]:
    """What a timeline tells customers; one of a comment still needs that comment to be public."""
    return TicketEvent.objects.filter(is_internal=False).exclude(kind=Kind.EDITED)


def news_to_agents(seen: int, *tickets: Ticket) -> QuerySet[TicketEvent]:
    """What an agent who has seen all before has to know; what a clock notes changes nothing."""
    later = TicketEvent.objects.filter(ticket__in=tickets, pk__gt=seen)
    return later.exclude(actor=None, is_internal=True)


def public_files() -> QuerySet[Attachment]:
    """Files beside words that customers may see, in any state."""
    return Attachment.objects.filter(Q(comment=None) | Q(comment__in=Comment.objects.public()))


def files_of(tickets: QuerySet[Ticket], *, internal: bool) -> QuerySet[Attachment]:
    """Files of tickets that somebody may read, in any state; agents see those of notes, too."""
    files = Attachment.objects.all() if internal else public_files()
    return files.filter(ticket__in=tickets)


def readable_files(user: User) -> QuerySet[Attachment]:
    """Files whose contents a person may read: agents all, others those of their tickets."""
    if user.is_staff and user.has_perm("tickets.view_ticket"):
        return Attachment.objects.filter(state=Attachment.State.READY)
    files = files_of(Ticket.objects.visible_to(user), internal=False)
    return files.filter(state=Attachment.State.READY)


def own_files(user: User) -> QuerySet[Attachment]:
    """Files that a person brought along as a customer, in any state."""
    own_words = Q(comment__author=user, comment__by_agent=False, comment__is_internal=False)
    return Attachment.objects.filter(Q(comment=None, ticket__requester=user) | own_words)


def latest_of(organization: Organization, limit: int) -> list[Ticket]:
    """For the desk: the organization's tickets that customers saw change last."""
    rows = Ticket.objects.filter(organization=organization).order_by("-changed_at", "-id")
    return list(rows.select_related("requester", "product")[:limit])
