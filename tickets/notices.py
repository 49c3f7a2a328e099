"""What to tell of a ticket event, and whom. Pure: reads the event, writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from tickets.models import Face, TicketEvent
from tickets.status import TicketStatus

Kind = TicketEvent.Kind

LOUD_STATUSES = {TicketStatus.WAITING, TicketStatus.RESOLVED}
LAST_PARTS = timedelta(seconds=60)  # time for more messages to join a comment, before it is told


class NoticeKind(models.TextChoices):
    """Every kind of notice, with its name for staff; it also names the channels' templates."""

    OPENED = "opened", _("создана поддержкой")
    STATUS = "status", _("статус")
    RESOLVED = "resolved", _("выполнена")
    COMMENT = "comment", _("ответ")
    COLLEAGUE = "colleague", _("слова коллеги")
    PRIORITY = "priority", _("приоритет")
    ASSIGNED = "assigned", _("исполнитель")
    TITLE = "title", _("тема")
    PRODUCT = "product", _("продукт")
    REMINDER = "reminder", _("напоминание о закрытии")
    MERGED = "merged", _("заявка объединена")
    OFFERS_END = "buttons", _("кнопки прежних сообщений")
    PUBLIC_STATUS = "group_status", _("статус для группы")
    PUBLIC_MERGED = "group_merged", _("объединение для группы")
    STAFF_NEW = "staff_new", _("специалистам: новая заявка")
    STAFF_COMMENT = "staff_comment", _("специалистам: комментарий")
    STAFF_RETURN = "staff_return", _("специалистам: возврат")
    STAFF_DUE = "staff_due", _("специалистам: срок")
    STAFF_MENTION = "staff_mention", _("специалисту: упомянут в заметке")
    STAFF_FOLLOWED = "staff_followed", _("специалисту: новое в заявке, за которой следит")
    STAFF_WOKEN = "staff_woken", _("специалистам: отложенная вернулась")
    STAFF_CLOSED = "staff_closed", _("специалистам: клиент закрыл")
    STAFF_ASSIGNED = "staff_assigned", _("специалисту: заявка назначена")
    STAFF_PASSED = "staff_passed", _("специалисту: заявка передана")
    STAFF_FREE = "staff_free", _("специалистам: снова без исполнителя")
    STAFF_FREED = "staff_freed", _("специалистам: заявки ушедшего специалиста")
    EVENT = "event", _("событие заявки")


STAFF_KINDS = {kind for kind in NoticeKind if kind.startswith("staff_")}


class Audience(StrEnum):
    CUSTOMER = "customer"
    FOLLOWERS = "followers"  # colleagues of the requester: all but what only the requester can do
    STAFF = "staff"
    WATCHERS = "watchers"  # agents who follow
    PUBLIC = "public"  # where the ticket was opened before others: status only
    SYSTEMS = "systems"  # programs: every public event, also what the requester did


TO_AGENTS = (Audience.STAFF, Audience.WATCHERS)
MOVES_OF_A_TICKET = {
    Kind.PRIORITY: NoticeKind.PRIORITY,
    Kind.ASSIGNED: NoticeKind.ASSIGNED,
    Kind.TITLE: NoticeKind.TITLE,
    Kind.PRODUCT: NoticeKind.PRODUCT,
    Kind.COMMENTED: NoticeKind.COMMENT,
    Kind.REMINDED: NoticeKind.REMINDER,
}
FOLLOWED = {  # what agents who follow a ticket hear of, beside those whom it concerns anyway
    Kind.COMMENTED, Kind.NOTED, Kind.STATUS, Kind.PRIORITY, Kind.ASSIGNED, Kind.RATED, Kind.TITLE,
    Kind.PRODUCT,
}  # fmt: skip
# By the requester. A rating of what was resolved ends work that is done: nobody waits for it
MOVES_FOR_STAFF: dict[tuple[str, str], NoticeKind] = {
    (TicketStatus.RESOLVED, TicketStatus.IN_PROGRESS): NoticeKind.STAFF_RETURN,
    (TicketStatus.NEW, TicketStatus.CLOSED): NoticeKind.STAFF_CLOSED,
    (TicketStatus.IN_PROGRESS, TicketStatus.CLOSED): NoticeKind.STAFF_CLOSED,
    (TicketStatus.WAITING, TicketStatus.CLOSED): NoticeKind.STAFF_CLOSED,
}


@dataclass(frozen=True)
class Notice:
    """One thing to say to one audience."""

    kind: NoticeKind
    event: TicketEvent
    audience: Audience = Audience.CUSTOMER
    loud: bool = False  # rings; the rest arrives silently
    delay: timedelta = timedelta()
    resumes: bool = False  # words that take a waiting ticket back to work: told as one
    people: tuple[User, ...] = ()  # the agents it is for, where it is neither assignee nor desk

    @property
    def key(self) -> str:
        """Tells the notices of one event apart."""
        is_second = self.audience == Audience.FOLLOWERS
        return f"{self.audience}:{self.kind}" if is_second else str(self.kind)

    @property
    def marks(self) -> dict[str, bool]:
        """What goes with each of its deliveries."""
        return {"loud": self.loud} | ({"resumes": True} if self.resumes else {})


def notices_of(event: TicketEvent, concerned: Sequence[User] = ()) -> list[Notice]:
    """Customers hear of agents, of the system and of colleagues, agents of customers.

    Agents hear of each other, too, where a ticket changes hands. `concerned` are the agents whom
    the event is about beside the assignee: who had the ticket before. Nobody hears of themselves:
    who did it is no follower of that event.
    """
    by_requester = event.actor_id == event.ticket.requester_id
    if event.kind == Kind.DUE and event.actor_id is None:
        return [_to_staff(NoticeKind.STAFF_DUE, event)]
    if event.kind == Kind.SNOOZED and event.actor_id is None:
        return [_to_staff(NoticeKind.STAFF_WOKEN, event)]
    found = _for_staff(event, concerned)
    if not by_requester:
        found += _for_customer(event)
    found += _for_followers(event)
    found += _for_public(event)
    if event.kind == Kind.STATUS and event.old_value == TicketStatus.RESOLVED:
        found.append(Notice(NoticeKind.OFFERS_END, event))  # earlier offers to rate or return
    if event.kind in FOLLOWED and not _is_told_with_words(event):
        delay = LAST_PARTS if _is_word_of_customers(event) else timedelta()
        found.append(Notice(NoticeKind.STAFF_FOLLOWED, event, Audience.WATCHERS, delay=delay))
    if not event.is_internal:
        found.append(Notice(NoticeKind.EVENT, event, Audience.SYSTEMS, delay=_growing(event)))
    return found


def _for_customer(event: TicketEvent) -> list[Notice]:
    if _is_word_of_customers(event):
        resumes = event.ticket.status == TicketStatus.WAITING
        return [Notice(NoticeKind.COLLEAGUE, event, delay=_growing(event), resumes=resumes)]
    if _is_told_with_words(event):
        return []
    if event.kind == Kind.MERGED:
        return [Notice(NoticeKind.MERGED, event)] if event.new_value else []
    if event.kind == Kind.STATUS and _is_end_of_merged(event):
        return []
    if _is_first_answer(event):
        return [Notice(NoticeKind.COMMENT, event)]
    if event.kind == Kind.STATUS:
        is_resolved = event.new_value == TicketStatus.RESOLVED
        kind = NoticeKind.RESOLVED if is_resolved else NoticeKind.STATUS
        return [Notice(kind, event, loud=event.new_value in LOUD_STATUSES)]
    if event.kind == Kind.ASSIGNED and not event.new_value:
        return []
    if event.kind == Kind.CREATED and event.by_agent:
        return [Notice(NoticeKind.OPENED, event, loud=True)]
    found = MOVES_OF_A_TICKET.get(Kind(event.kind))
    return [Notice(found, event)] if found else []


def _is_end_of_merged(event: TicketEvent) -> bool:
    """That a ticket ends as it is merged is told by the merge: once."""
    is_end = event.new_value == TicketStatus.CLOSED
    return is_end and event.ticket.merged_into_id is not None


def _is_first_answer(event: TicketEvent) -> bool:
    """That an answer took a new ticket to work is no news beside its words."""
    moves = (event.kind, event.old_value) == (Kind.STATUS, TicketStatus.NEW)
    return moves and event.new_value == TicketStatus.IN_PROGRESS and bool(event.comment_id)


def _for_public(event: TicketEvent) -> list[Notice]:
    if event.kind == Kind.MERGED and event.new_value:
        return [Notice(NoticeKind.PUBLIC_MERGED, event, Audience.PUBLIC)]
    if event.kind == Kind.STATUS and not _is_end_of_merged(event):
        return [Notice(NoticeKind.PUBLIC_STATUS, event, Audience.PUBLIC)]
    return []


def _for_followers(event: TicketEvent) -> list[Notice]:
    """As the requester hears it, but silently; also what the requester does."""
    alone = (NoticeKind.REMINDER, NoticeKind.OPENED)  # nobody follows a ticket before it is there
    told = [row for row in _for_customer(event) if row.kind not in alone]
    return [replace(row, audience=Audience.FOLLOWERS, loud=False) for row in told]


def _is_word_of_customers(event: TicketEvent) -> bool:
    return event.kind == Kind.COMMENTED and bool(event.actor_id) and not event.by_agent


def _growing(event: TicketEvent) -> timedelta:
    """How long customers' words may still grow, which come from a chat part by part.

    A row that waits holds up the others of its conversation.
    """
    from_chat = event.face in (Face.BOT, Face.GROUP)
    return LAST_PARTS if from_chat and _is_word_of_customers(event) else timedelta()


def _is_told_with_words(event: TicketEvent) -> bool:
    """That a customer's words took a waiting ticket back to work is told with them."""
    moves = (event.kind, event.old_value) == (Kind.STATUS, TicketStatus.WAITING)
    by_customer = bool(event.actor_id) and not event.by_agent
    is_back = event.new_value == TicketStatus.IN_PROGRESS
    return moves and is_back and by_customer and event.comment_id is None


def _for_staff(event: TicketEvent, concerned: Sequence[User]) -> list[Notice]:
    if event.kind in (Kind.CREATED, Kind.ASSIGNED):
        return _of_hands(event, concerned)
    if event.kind == Kind.NOTED and concerned:
        return [_to_staff(NoticeKind.STAFF_MENTION, event, people=tuple(concerned))]
    if event.actor_id is None or event.by_agent:
        return []
    if event.kind == Kind.COMMENTED:
        return [_to_staff(NoticeKind.STAFF_COMMENT, event, delay=LAST_PARTS)]
    found = MOVES_FOR_STAFF.get((event.old_value, event.new_value))
    if event.kind == Kind.STATUS and found:
        return [_to_staff(found, event, delay=LAST_PARTS)]
    return []


def _of_hands(event: TicketEvent, before: Sequence[User]) -> list[Notice]:
    """Who has a ticket now, who had it before, and the desk where it is nobody's.

    What the system takes from an agent who has left is told as one list instead.
    """
    found = []
    if before:
        found.append(_to_staff(NoticeKind.STAFF_PASSED, event, people=tuple(before)))
    if event.ticket.assignee:
        given = (event.ticket.assignee,)
        found.append(_to_staff(NoticeKind.STAFF_ASSIGNED, event, people=given))
    elif event.kind == Kind.CREATED:
        found.append(_to_staff(NoticeKind.STAFF_NEW, event))
    elif event.actor_id:
        found.append(_to_staff(NoticeKind.STAFF_FREE, event))
    return found


def _to_staff(
    kind: NoticeKind,
    event: TicketEvent,
    delay: timedelta = timedelta(),
    people: tuple[User, ...] = (),
) -> Notice:
    """It rings for whose ticket it is; what is for the whole desk does not."""
    is_own = bool(people or event.ticket.assignee_id)
    return Notice(kind, event, Audience.STAFF, loud=is_own, delay=delay, people=people)
