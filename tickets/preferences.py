"""By which ways a person hears of what: the person's own choice, with one promise.

That a ticket is «Выполнена» reaches its requester in any case.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from django.db import transaction
from django.db.models import prefetch_related_objects

from accounts.models import MessengerAccount, User
from accounts.quotas import CHANGES, use
from tickets.models import NoticePreference, TicketEvent
from tickets.notices import Audience, Notice, NoticeKind

Topic = NoticePreference.Topic


class Way(StrEnum):
    CHAT = "chat"
    MAIL = "mail"


class Choice(NamedTuple):
    """Whether a topic comes to the chat, and by mail."""

    by_chat: bool = True
    by_mail: bool = True

    @property
    def ways(self) -> set[Way]:
        return {way for way, is_on in zip(Way, self, strict=True) if is_on}


DEFAULTS = dict.fromkeys(Topic, Choice()) | {Topic.DETAILS: Choice(by_mail=False)}
TOPICS = {
    NoticeKind.COMMENT: Topic.ANSWERS,
    NoticeKind.STATUS: Topic.STATUS,
    NoticeKind.RESOLVED: Topic.STATUS,
    NoticeKind.MERGED: Topic.STATUS,
    NoticeKind.PRIORITY: Topic.DETAILS,
    NoticeKind.ASSIGNED: Topic.DETAILS,
    NoticeKind.TITLE: Topic.DETAILS,
    NoticeKind.PRODUCT: Topic.DETAILS,
    NoticeKind.COLLEAGUE: Topic.COLLEAGUES,
    NoticeKind.REMINDER: Topic.REMINDERS,
}
STAFF_TOPICS = (Topic.STAFF_FREE, Topic.STAFF_OWN, Topic.STAFF_DUE)  # for agents only


def choices_of(user: User) -> dict[Topic, Choice]:
    """What a person has chosen, or what counts until they choose."""
    prefetch_related_objects([user], "notice_preferences")
    rows = user.notice_preferences.all()
    return DEFAULTS | {Topic(row.topic): Choice(row.by_chat, row.by_mail) for row in rows}


def choose(*, user: User, choices: Mapping[Topic, Choice]) -> None:
    """Keep what a person wants of each topic. Raises TooManyChanges."""
    rows = [
        NoticePreference(user=user, topic=topic, by_chat=choice.by_chat, by_mail=choice.by_mail)
        for topic, choice in choices.items()
    ]
    with transaction.atomic():
        use(user, CHANGES)
        NoticePreference.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["user", "topic"],
            update_fields=["by_chat", "by_mail"],
        )


def wants(user: User, notice: Notice, way: Way) -> bool:
    """Whether a notice comes to a customer by this way; of agents `hearers_of` says it."""
    chosen = _ways(user, notice)
    is_promised = notice.kind == NoticeKind.RESOLVED and notice.audience == Audience.CUSTOMER
    if way == Way.MAIL and is_promised and way not in chosen:
        return Way.CHAT not in chosen or not can_chat(user)
    return way in chosen


def _ways(user: User, notice: Notice) -> set[Way]:
    """Words that came with a status are both, and come wherever one of them does."""
    topics = {TOPICS[notice.kind]} if notice.kind in TOPICS else set()
    if notice.event.by_agent and notice.event.comment_id:
        topics.add(Topic.ANSWERS)
    is_first = notice.kind == NoticeKind.COMMENT and notice.event.kind == TicketEvent.Kind.STATUS
    if notice.resumes or is_first:
        topics.add(Topic.STATUS)
    if not topics:
        return set(Way)
    choices = choices_of(user)
    return set().union(*(choices[topic].ways for topic in topics))


def staff_topic(notice: Notice) -> Topic:
    """What happens to a ticket that nobody has belongs to those without an assignee."""
    if notice.kind == NoticeKind.STAFF_DUE:
        return Topic.STAFF_DUE
    if notice.kind == NoticeKind.STAFF_FOLLOWED:
        return Topic.STAFF_OWN
    is_own = notice.people or notice.event.ticket.assignee_id
    return Topic.STAFF_OWN if is_own else Topic.STAFF_FREE


def can_chat(user: User) -> bool:
    """Whether a messenger is linked that still takes messages."""
    return MessengerAccount.objects.in_force().filter(user=user, unreachable_at=None).exists()
