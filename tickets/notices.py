"""What to tell of a ticket event, and whom. Pure: reads the event, writes nothing."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _

from tickets.models import TicketEvent
from tickets.status import TicketStatus

Kind = TicketEvent.Kind

LOUD_STATUSES = {TicketStatus.WAITING, TicketStatus.RESOLVED}
LAST_PARTS = timedelta(seconds=60)  # time for more messages to join a comment, before it is told


class NoticeKind(models.TextChoices):
    """Every kind of notice, with its name for staff; it also names the channels' templates."""

    STATUS = "status", _("статус")
    RESOLVED = "resolved", _("выполнена")
    COMMENT = "comment", _("ответ")
    PRIORITY = "priority", _("приоритет")
    ASSIGNED = "assigned", _("исполнитель")
    REMINDER = "reminder", _("напоминание о закрытии")
    OFFERS_END = "buttons", _("кнопки прежних сообщений")
    PUBLIC_STATUS = "group_status", _("статус для группы")
    STAFF_NEW = "staff_new", _("специалистам: новая заявка")
    STAFF_COMMENT = "staff_comment", _("специалистам: комментарий")
    STAFF_RETURN = "staff_return", _("специалистам: возврат")
    EVENT = "event", _("событие заявки")


class Audience(StrEnum):
    CUSTOMER = "customer"
    STAFF = "staff"
    PUBLIC = "public"  # where the ticket was opened before others: status only
    SYSTEMS = "systems"  # programs: every public event, also what the requester did


MOVES_OF_A_TICKET = {
    Kind.PRIORITY: NoticeKind.PRIORITY,
    Kind.ASSIGNED: NoticeKind.ASSIGNED,
    Kind.COMMENTED: NoticeKind.COMMENT,
    Kind.REMINDED: NoticeKind.REMINDER,
}


@dataclass(frozen=True)
class Notice:
    """One thing to say to one audience."""

    kind: NoticeKind
    event: TicketEvent
    audience: Audience = Audience.CUSTOMER
    loud: bool = False  # rings; the rest arrives silently
    delay: timedelta = timedelta()


def notices_of(event: TicketEvent) -> list[Notice]:
    """Customers hear of agents and of the system, agents of customers; nobody of themselves."""
    by_requester = event.actor_id == event.ticket.requester_id
    found = _for_staff(event) if by_requester and not event.by_agent else []
    if not by_requester:
        found += _for_customer(event)
    if event.kind == Kind.STATUS:
        found.append(Notice(NoticeKind.PUBLIC_STATUS, event, Audience.PUBLIC))
    if event.kind == Kind.STATUS and event.old_value == TicketStatus.RESOLVED:
        found.append(Notice(NoticeKind.OFFERS_END, event))  # earlier offers to rate or return
    if not event.is_internal:
        found.append(Notice(NoticeKind.EVENT, event, Audience.SYSTEMS))
    return found


def _for_customer(event: TicketEvent) -> list[Notice]:
    if event.kind == Kind.STATUS:
        is_resolved = event.new_value == TicketStatus.RESOLVED
        kind = NoticeKind.RESOLVED if is_resolved else NoticeKind.STATUS
        return [Notice(kind, event, loud=event.new_value in LOUD_STATUSES)]
    if event.kind == Kind.ASSIGNED and not event.new_value:
        return []
    found = MOVES_OF_A_TICKET.get(Kind(event.kind))
    return [Notice(found, event)] if found else []


def _for_staff(event: TicketEvent) -> list[Notice]:
    if event.kind == Kind.CREATED:
        return [Notice(NoticeKind.STAFF_NEW, event, Audience.STAFF)]
    if event.kind == Kind.COMMENTED:
        return [Notice(NoticeKind.STAFF_COMMENT, event, Audience.STAFF, delay=LAST_PARTS)]
    returned = event.kind == Kind.STATUS and event.old_value == TicketStatus.RESOLVED
    if returned and event.new_value == TicketStatus.IN_PROGRESS:
        return [Notice(NoticeKind.STAFF_RETURN, event, Audience.STAFF, delay=LAST_PARTS)]
    return []
