"""What lies before the agents: tickets by whose turn it is, what is due first on top."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from config.compiled import Compiled
from tickets.models import CUSTOMER_ANSWERED, Ticket, TicketEvent
from tickets.queries import COUNTED, CountOf
from tickets.status import TicketStatus

BACK_SHOWN = 20
BACK_LOOKED_AT = 500
NEWS_LOOKED_AT = 500  # events
Order = tuple[str | OrderBy, ...]


class Queue(models.TextChoices):
    MINE = "mine", _("Мои")
    FREE = "free", _("Без исполнителя")
    ANSWERED = "answered", _("Клиент ответил")
    LATE = "late", _("Просрочены")
    WAITING = "waiting", _("Ждут клиента")
    OPEN = "open", _("Все открытые")
    CLOSED = "closed", _("Закрытые")


# By all columns of the index that a queue is read by. What waits has no due time: the oldest first.
DUE_FIRST: Order = (F("next_due_at").asc(nulls_last=True), "id")
BY_NUMBER: Order = ("-id",)
ORDERS: dict[Queue, Order] = {
    Queue.MINE: ("assignee_id", *DUE_FIRST),
    Queue.FREE: ("assignee_id", *DUE_FIRST),
    Queue.WAITING: ("-status", "id"),
    Queue.CLOSED: ("status", "-id"),
}


def order_of(queue: Queue) -> Order:
    return ORDERS.get(queue, DUE_FIRST)


def in_queue(rows: QuerySet[Ticket], queue: Queue, agent: User) -> QuerySet[Ticket]:
    """What is put off until later is left out where agents look for their next work."""
    return _in_queue(rows, queue, agent.pk, timezone.now())


def _in_queue(rows: QuerySet[Ticket], queue: Queue, agent: int, now: datetime) -> QuerySet[Ticket]:
    is_open = ~Q(status=TicketStatus.CLOSED)  # as the indexes say it
    match queue:
        case Queue.MINE:
            return rows.filter(is_open, _is_awake(now), assignee=agent)
        case Queue.FREE:  # what is done needs nobody
            free = rows.filter(is_open, _is_awake(now), assignee=None)
            return free.exclude(status=TicketStatus.RESOLVED)
        case Queue.ANSWERED:
            return rows.filter(CUSTOMER_ANSWERED, _is_awake(now))
        case Queue.LATE:
            return rows.filter(is_open, next_due_at__lte=now)
        case Queue.WAITING:
            return rows.filter(status=TicketStatus.WAITING)
        case Queue.CLOSED:
            return rows.filter(status=TicketStatus.CLOSED)
    return rows.filter(is_open)


def _is_awake(now: datetime) -> Q:
    return Q(snoozed_until=None) | Q(snoozed_until__lte=now)


def back_from_snooze(rows: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """Those whose time has come and that no agent has touched since, the longest waiting first.

    Looked for among the first BACK_LOOKED_AT of the whole desk: the rest keep their place by due
    time. Of many at most BACK_SHOWN are put on top.
    """
    due = Ticket.objects.filter(snoozed_until__lte=timezone.now()).order_by("snoozed_until")
    found = rows.filter(pk__in=due.values("pk")[:BACK_LOOKED_AT])
    return found.order_by("snoozed_until", "id")[:BACK_SHOWN]


def count_queues(agent: User) -> dict[Queue, int]:
    """How many tickets each queue holds, to one more than COUNTED, in one query."""
    return dict(zip(Queue, next(COUNTS.rows(agent.pk, timezone.now())), strict=True))


def _counts(agent: int, now: datetime) -> QuerySet[User, Any]:
    rows = Ticket.objects.all()
    numbered = {
        queue: _in_queue(rows, queue, agent, now).order_by(*order_of(queue)).values("pk")
        for queue in Queue
    }
    counts = [CountOf(tickets[: COUNTED + 1]) for tickets in numbered.values()]
    return User.objects.filter(pk=agent).values_list(*counts)


COUNTS = Compiled(_counts, int, datetime)


# What has come since


def newest_event() -> int:
    """The id of the newest event there is, 0 without any: what a list that is made now knows."""
    newest = TicketEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
    return newest or 0


def news_in_queue(rows: QuerySet[Ticket], queue: Queue, agent: User, since: int) -> int:
    """How many of the rows are in a queue that others have changed after an event.

    Bounded: to one more than COUNTED, among the newest events only. What a clock noted counts
    where tickets are late by it. Tickets that are back from a snooze have an event that says so.
    """
    events = TicketEvent.objects.filter(pk__gt=since).exclude(actor=agent)
    if queue != Queue.LATE:
        events = events.exclude(kind=TicketEvent.Kind.DUE)
    changed = set(events.order_by("-pk").values_list("ticket", flat=True)[:NEWS_LOOKED_AT])
    if not changed:
        return 0
    found = in_queue(rows.filter(pk__in=changed), queue, agent)
    return len(found.order_by().values("pk")[: COUNTED + 1])
