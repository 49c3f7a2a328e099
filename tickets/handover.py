"""Tickets of an agent who serves no more go back to the desk, which is told once, with a list.

Found by looking at who has open tickets, so no way of losing one's place is forgotten.
"""

import time
from collections.abc import Iterator

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from config.queue import enqueue
from tickets.agents import serving
from tickets.delivery import tell_desk
from tickets.models import Ticket, TicketEvent
from tickets.notices import NoticeKind
from tickets.queries import COUNTED
from tickets.recording import SYSTEM, Kind, lock, one_change, record

TICKETS_A_BATCH = 20
LISTED = 30  # in the message to the desk; the rest is a number and a link


def wake_handover() -> None:
    if leavers():
        enqueue("tickets.tasks.hand_over")


def wake_handover_of(person: User) -> None:
    """The same at once, for somebody whose rights have just changed."""
    if _open_of(person.pk).exists() and not serving().filter(pk=person.pk).exists():
        enqueue("tickets.tasks.hand_over")


def leavers() -> list[int]:
    """Who has open tickets and serves no more."""
    having = list(_assignees())
    stay = set(serving().filter(pk__in=having).values_list("pk", flat=True))
    return [pk for pk in having if pk not in stay]


def _assignees() -> Iterator[int]:
    """Everybody who has an open ticket: a step over the index for each, however many they have."""
    last = 0
    opened = Ticket.objects.open().order_by("assignee_id").values_list("assignee_id", flat=True)
    while found := opened.filter(assignee__gt=last).first():
        yield found
        last = found


def _open_of(agent: int) -> QuerySet[Ticket]:
    return Ticket.objects.open().filter(assignee=agent).order_by("pk")


def hand_over_for_a_slice(end: float) -> bool:
    """Batch after batch, each a transaction, until `end` (monotonic); False when none is left."""
    for agent in leavers():
        while _hand_over_batch(agent=agent):
            if time.monotonic() >= end:
                return True
    return False


@one_change
def _hand_over_batch(*, agent: int) -> bool:
    with transaction.atomic():
        # The person first, as everybody locks: nobody is made an agent again meanwhile
        person = User.objects.select_for_update(of=("self",), no_key=True).get(pk=agent)
        if serving().filter(pk=agent).exists():
            return False
        tickets = list(_open_of(agent)[:TICKETS_A_BATCH])
        if tickets:
            _tell(person)
        for ticket in tickets:
            _free(ticket, person)
        return bool(tickets)


def _tell(person: User) -> None:
    """Before the first batch, with all the tickets; batches after it are told by the same key.

    The newest ticket goes last, so its newest assignment names this handover and no other.
    """
    numbers = list(_open_of(person.pk).values_list("pk", flat=True)[: COUNTED + 1])
    newest = _open_of(person.pk).reverse().values_list("pk", flat=True)[0]
    assigned = TicketEvent.objects.filter(ticket=newest, kind=Kind.ASSIGNED).last()
    tell_desk(
        kind=NoticeKind.STAFF_FREED,
        key=f"freed:{person.pk}:{newest}:{assigned.pk if assigned else 0}",
        data={"agent": person.pk, "count": len(numbers), "tickets": numbers[:LISTED]},
    )


def _free(ticket: Ticket, person: User) -> None:
    ticket = lock(ticket)
    if ticket.assignee_id == person.pk and not ticket.is_closed:
        ticket.assignee = None
        record(ticket, Kind.ASSIGNED, SYSTEM, old=person.short_name, changed=["assignee"])
