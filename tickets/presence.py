"""Who has the card of a ticket open at the desk, and who is writing there."""

from __future__ import annotations  # QuerySet[Presence] is generic for the type checker only

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import User
from tickets.models import Presence, Ticket, TicketEvent
from tickets.queries import news_to_agents

HERE_FOR = timedelta(seconds=8)  # since the last sign; open cards give one every two seconds
WRITES_FOR = timedelta(seconds=6)  # since the last key
RENEWED_AFTER = timedelta(seconds=3)  # a younger row is not written again
KEPT_FOR = timedelta(minutes=10)
ROWS_A_CALL = 1000
PEOPLE_NAMED = 5
NEWS_COUNTED = 30

Kind = TicketEvent.Kind


@dataclass(frozen=True)
class Other:
    name: str
    writes: bool


def give_sign(*, user: User, ticket: Ticket, writes: bool) -> list[Other]:
    """Say that a person has the card open, and whether they write; returns who else has.

    One query, and one more to write where the row is older than RENEWED_AFTER or says less.
    """
    now = timezone.now()
    rows = list(
        Presence.objects.filter(ticket=ticket, seen_at__gt=now - HERE_FOR)
        .select_related("user")
        .order_by("pk")[: PEOPLE_NAMED + 1]
    )
    own = next((row for row in rows if row.user_id == user.pk), None)
    if own is None or _is_old(own, writes, now):
        _write(user, ticket, now, now if writes else None)
    return [
        Other(row.user.short_name, _writes(row, now)) for row in rows if row.user_id != user.pk
    ][:PEOPLE_NAMED]


def _is_old(own: Presence, writes: bool, now: datetime) -> bool:
    if writes != _writes(own, now):
        return True
    said_at = own.wrote_at if writes and own.wrote_at else own.seen_at
    return now - said_at > RENEWED_AFTER


def _writes(row: Presence, now: datetime) -> bool:
    return row.wrote_at is not None and now - row.wrote_at < WRITES_FOR


def _write(user: User, ticket: Ticket, now: datetime, wrote_at: datetime | None) -> None:
    row = Presence(user=user, ticket=ticket, seen_at=now, wrote_at=wrote_at)
    Presence.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["user", "ticket"],
        update_fields=["seen_at", "wrote_at"],
    )


def leave(*, user: User, ticket: Ticket) -> None:
    Presence.objects.filter(user=user, ticket=ticket).delete()


def delete_old_presences() -> None:
    old = Presence.objects.filter(seen_at__lt=timezone.now() - KEPT_FOR)
    Presence.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:ROWS_A_CALL])).delete()


# What came while a card was open


@dataclass(frozen=True)
class DeskNews:
    """What happened after an event; due times are no news: nobody said or did anything."""

    by_customers: int = 0
    by_agents: int = 0
    by_oneself: int = 0  # in another tab
    notes: int = 0
    changes: int = 0

    @property
    def number(self) -> int:
        return self.by_customers + self.by_agents + self.by_oneself + self.notes + self.changes


def news_for_desk(ticket: Ticket, seen: int, reader: User) -> DeskNews:
    found = (
        news_to_agents(seen, ticket)
        .order_by("pk")
        .only("kind", "by_agent", "comment", "is_internal", "actor")
    )
    events = list(found[:NEWS_COUNTED])
    said = [event for event in events if event.comment_id and event.kind != Kind.EDITED]
    others = [event for event in said if event.actor_id != reader.pk]
    notes = sum(event.is_internal for event in others)
    by_agents = sum(event.by_agent for event in others) - notes
    return DeskNews(
        by_customers=len(others) - notes - by_agents,
        by_agents=by_agents,
        by_oneself=len(said) - len(others),
        notes=notes,
        changes=len(events) - len(said),
    )
