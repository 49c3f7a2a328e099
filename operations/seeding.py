"""A database of invented tickets for benchmarks.

It writes rows past the services, which would take days for a million tickets: `ticket_stories`
keeps the rows as the services would have left them. Only an empty database is filled.
"""

import secrets
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from operator import itemgetter
from random import Random

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Model, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Organization, User
from operations.ticket_stories import TITLES, Kind, Row, Storyteller
from tickets.models import Comment, Delivery, Product, Ticket, TicketEvent
from tickets.status import TicketStatus

CUSTOMER, NOBODY, AGENT = "benchmark", "benchmark-empty", "benchmark-agent"
AGENT_GROUP = "Специалист поддержки"
OPEN_OF_CUSTOMER, CLOSED_OF_CUSTOMER = 2_000, 5_000  # and no more than a tenth and a quarter
SPAN = timedelta(days=730)
SETTLED = timedelta(days=60)  # after which a life of the usual length has ended
BATCH_SIZE = 5_000  # tickets
ENDINGS = {  # of a hundred tickets
    TicketStatus.NEW: 1,
    TicketStatus.IN_PROGRESS: 2,
    TicketStatus.WAITING: 2,
    TicketStatus.RESOLVED: 1,
    TicketStatus.CLOSED: 94,
}
DELIVERIES_KEPT = timedelta(days=90)  # as `tickets.delivery` keeps them
FIRST_NAMES = ("Анна", "Мария", "Ольга", "Елена", "Дарья", "Ирина", "Юлия", "Вера")
LAST_NAMES = ("Иванова", "Петрова", "Смирнова", "Орлова", "Волкова", "Зайцева", "Морозова")
TABLES: tuple[type[Model], ...] = (Ticket, Comment, TicketEvent, Delivery)  # in order of writing


class NotEmpty(Exception):
    """There are people or tickets already, which might be real."""


@dataclass(frozen=True)
class People:
    agents: list[User]
    customers: list[User]  # who have tickets; the first of them has the most


def seed_tickets(number: int, *, seed: int, progress: Callable[[int], None]) -> str:
    """Fill an empty database with tickets, all or nothing; the password of its three logins.

    The same seed tells the same stories; their times count back from now. Raises NotEmpty.
    """
    rng = Random(seed)  # noqa: S311 - deterministic on purpose
    password = secrets.token_urlsafe(9)
    with transaction.atomic():
        if User.objects.exists() or Ticket.objects.exists():
            raise NotEmpty
        with _one_filling(), _bare_tables():
            people = _create_people(rng, number, make_password(password))
            _write_tickets(rng, number, people, progress)
        _finish_tables()
        _mark_newest_events(people.customers[0])
    return password


# People and products


def _create_people(rng: Random, tickets: int, password: str) -> People:
    customers = max(20, tickets // 500)
    organizations = Organization.objects.bulk_create(
        Organization(name=f"ООО «Клиент {n}»", email=f"office{n}@client.example")
        for n in range(1, max(3, customers // 6) + 1)
    )
    logins = [
        _person(rng, CUSTOMER, password, organizations[0]),
        _person(rng, NOBODY, password, organizations[0]),
        _person(rng, AGENT, password, is_staff=True),
    ]
    agents = [_person(rng, f"agent{n}", "", is_staff=True) for n in range(max(3, customers // 40))]
    others = [
        _person(rng, f"customer{n}", "", rng.choice([*organizations, None]))
        for n in range(customers - 1)
    ]
    User.objects.bulk_create([*logins, *agents, *others], batch_size=1000)
    agents.append(logins[2])
    for group in Group.objects.filter(name=AGENT_GROUP):
        group.user_set.add(*agents)
    return People(agents, [logins[0], *others])


def _person(
    rng: Random,
    username: str,
    password: str,
    organization: Organization | None = None,
    *,
    is_staff: bool = False,
) -> User:
    """Without a password nobody can log in."""
    return User(
        username=username,
        email=f"{username}@people.example",
        first_name=rng.choice(FIRST_NAMES),
        last_name=rng.choice(LAST_NAMES),
        organization=organization,
        is_staff=is_staff,
        password=password or make_password(None),
    )


def _create_products() -> list[Product]:
    for position, name in enumerate(TITLES, start=1):
        Product.objects.get_or_create(name=name, defaults={"position": position})
    return list(Product.objects.filter(name__in=TITLES))


# Tickets


def _write_tickets(
    rng: Random, number: int, people: People, progress: Callable[[int], None]
) -> None:
    now = timezone.now()
    timeline = Timeline(now)
    write_tickets = _writer(Ticket)
    tickets: list[Row] = []
    for ticket, events in _stories(rng, number, people, now):
        tickets.append(ticket)
        timeline.add(events)
        is_last = ticket["id"] == number
        if len(tickets) == BATCH_SIZE or is_last:
            write_tickets(tickets)
            timeline.write(before=None if is_last else ticket["created_at"])
            tickets.clear()
            progress(ticket["id"])


def _stories(
    rng: Random, number: int, people: People, now: datetime
) -> Iterator[tuple[Row, list[Row]]]:
    """Every ticket with its events, the oldest ticket first."""
    storyteller = Storyteller(rng, now, people.agents)
    products = _create_products()
    owned = _endings_of_the_customer(rng, number)
    customer, *others = people.customers
    endings = rng.choices(list(ENDINGS), list(ENDINGS.values()), k=number)
    for place in range(number):
        yield storyteller.tell(
            number=place + 1,
            requester=customer if place in owned else rng.choice(others),
            product=rng.choice(products),
            created_at=now - SPAN + SPAN * ((place + rng.random()) / number),
            ending=owned.get(place) or endings[place],
        )


def _endings_of_the_customer(rng: Random, number: int) -> dict[int, TicketStatus]:
    """Which tickets, by place in time, are the benchmark customer's, and how they end."""
    opened = min(OPEN_OF_CUSTOMER, number // 10)
    closed = min(CLOSED_OF_CUSTOMER, number // 4)
    places = rng.sample(range(int(number * (1 - SETTLED / SPAN))), opened + closed)
    open_endings = rng.choices(list(ENDINGS)[:-1], list(ENDINGS.values())[:-1], k=opened)
    return dict(zip(places, [*open_endings, *[TicketStatus.CLOSED] * closed], strict=True))


class Timeline:
    """Writes events in the order of time over all tickets, as they would have come to be."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.waiting: list[Row] = []
        self.event_ids, self.comment_ids, self.letter_ids = count(1), count(1), count(1)
        self.writers = [_writer(Comment), _writer(TicketEvent), _writer(Delivery)]

    def add(self, events: list[Row]) -> None:
        self.waiting += events

    def write(self, *, before: datetime | None) -> None:
        """Write what happened before a moment, or all: nothing earlier may be added any more."""
        when = itemgetter("created_at")
        self.waiting.sort(key=when)
        end = bisect_left(self.waiting, before, key=when) if before else len(self.waiting)
        events, self.waiting = self.waiting[:end], self.waiting[end:]
        comments, letters = [], []
        for event in events:
            requester, comment = event.pop("requester"), event.pop("comment")
            event["id"] = next(self.event_ids)
            if comment:
                comment["id"] = event["comment_id"] = next(self.comment_ids)
                comments.append(comment)
            if self._is_told(event):
                letters.append(self._letter(event, requester))
        for write, rows in zip(self.writers, (comments, events, letters), strict=True):
            write(rows)

    def _is_told(self, event: Row) -> bool:
        """Only the letters of the last months are kept; all are sent: nobody is written to."""
        is_recent = event["created_at"] > self.now - DELIVERIES_KEPT
        return is_recent and event["by_agent"] and event["kind"] in (Kind.STATUS, Kind.COMMENTED)

    def _letter(self, event: Row, requester: User) -> Row:
        kind = "comment" if event["kind"] == Kind.COMMENTED else "status"
        return {
            "id": next(self.letter_ids),
            "channel": "email",
            "kind": "resolved" if event["new_value"] == TicketStatus.RESOLVED else kind,
            "event_id": event["id"],
            "ticket_id": event["ticket_id"],
            "recipient_id": requester.pk,
            "address": requester.email,
            "key": f"event:{event['id']}:email:{kind}:0:0",
            "due_at": event["created_at"],
            "attempts": 1,
            "state": Delivery.State.SENT,
            "created_at": event["created_at"],
            "first_tried_at": event["created_at"],
            "sent_at": event["created_at"],
        }


# Rows into tables


def _writer(model: type[Model]) -> Callable[[list[Row]], None]:
    """What writes rows of a model; columns a row does not name take the model's defaults."""
    return Copy(model) if connection.vendor == "postgresql" else Inserts(model)


class Inserts:
    def __init__(self, model: type[Model]) -> None:
        self.model = model

    def __call__(self, rows: list[Row]) -> None:
        self.model._default_manager.bulk_create(self.model(**row) for row in rows)


class Copy:
    """PostgreSQL's COPY."""

    def __init__(self, model: type[Model]) -> None:
        quote = connection.ops.quote_name
        fields = [field for field in model._meta.concrete_fields if not field.generated]
        self.defaults = {
            field.attname: field.get_db_prep_save(field.get_default(), connection)
            for field in fields
        }
        columns = ", ".join(quote(str(field.column)) for field in fields)
        self.statement = f"COPY {quote(model._meta.db_table)} ({columns}) FROM STDIN"

    def __call__(self, rows: list[Row]) -> None:
        with connection.cursor() as cursor, cursor.copy(self.statement) as copy:
            for row in rows:
                copy.write_row((self.defaults | row).values())


@contextmanager
def _bare_tables() -> Iterator[None]:
    """On PostgreSQL the tables lose indexes and foreign keys while they are filled.

    That saves two fifths of the time; making them again checks every row. All of it is one
    transaction, so a stopped run leaves them as they were.
    """
    if connection.vendor != "postgresql":
        yield
        return
    tables = [model._meta.db_table for model in TABLES]
    with connection.cursor() as cursor:
        cursor.execute(FOREIGN_KEYS, [tables])
        keys = cursor.fetchall()
        for table, name, _definition in keys:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        with _without_indexes(tables):
            yield
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no check may wait for a changed table
        for table, name, definition in keys:
            cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')


@contextmanager
def _without_indexes(tables: list[str]) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(INDEXES, [tables])
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
        for _name, definition in indexes:
            cursor.execute(definition)


@contextmanager
def _one_filling() -> Iterator[None]:
    """On PostgreSQL the search learns of all tickets at the end, not row by row from triggers."""
    if connection.vendor != "postgresql":
        yield
        return
    tables = [model._meta.db_table for model in (Ticket, Comment)]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        with _without_indexes(["tickets_ticketsearch"]):
            cursor.execute("SELECT ticket_search_fill()")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _mark_newest_events(customer: User) -> None:
    """What is unread of the tickets that are looked at; those of others would take minutes."""
    public = TicketEvent.objects.filter(ticket=OuterRef("pk"), is_internal=False)
    newest = Subquery(public.order_by("-pk").values("pk")[:1])
    Ticket.objects.own(customer).update(version=Coalesce(newest, 0))


FOREIGN_KEYS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype = 'f' AND conrelid = ANY(%s::regclass[])
"""
INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes
    WHERE schemaname = current_schema() AND tablename = ANY(%s)
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)
"""


def _finish_tables() -> None:
    """Let new rows follow the written ones, and let the planner know what there is."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), TABLES):
            cursor.execute(statement)
        cursor.execute("ANALYZE")
