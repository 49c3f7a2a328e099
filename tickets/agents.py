"""Who serves tickets, and whom of them a notice is for. A channel only adds where it finds them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, FilteredRelation, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from config.compiled import Compiled
from tickets.channels import Cancelled
from tickets.models import RIGHT, Delivery, Follower, Ticket, serving
from tickets.notices import STAFF_KINDS, Notice, NoticeKind
from tickets.preferences import DEFAULTS, Choice, Topic, Way, staff_topic
from tickets.queries import bounded
from tickets.refusals import AssigneeCannotServe

DESK_LIMIT = 200  # agents told of what nobody has: the first ones; STAFF_EMAIL reaches any number


def is_serving(user: User) -> bool:
    """The same of one person who has just been read."""
    return user.is_active and user.is_staff and user.has_perm(RIGHT)


_answers: ContextVar[dict[int, bool]] = ContextVar("_answers")


@contextmanager
def asking_once() -> Iterator[None]:
    """`require_assignable` asks about each person once in here: many tickets, one transaction."""
    outer = _answers.set({})
    try:
        yield
    finally:
        _answers.reset(outer)


def require_assignable(person: User | None) -> None:
    """Raise AssigneeCannotServe; asked of the rows as they are now, so call it under the lock."""
    answers = _answers.get({})
    if person and person.pk not in answers:
        answers[person.pk] = serving().filter(pk=person.pk).exists()
    if person and not answers[person.pk]:
        raise AssigneeCannotServe


def person_to_assign(number: int) -> User:
    """Raises AssigneeCannotServe, also where there is nobody of that id."""
    person = serving().filter(pk=number).first()
    if person is None:
        raise AssigneeCannotServe
    return person


def hearing() -> QuerySet[User]:
    """Those of them who can be told of something; asked anew before each message."""
    return serving().exclude(email="").order_by("pk")


def _choosing(topic: str) -> QuerySet[User]:
    """They with their ids and e-mails only, and with what each has chosen of a topic, if anything.

    There may be many of them for one event.
    """
    chosen = FilteredRelation("notice_preferences", condition=Q(notice_preferences__topic=topic))
    ways = {name: F(f"chosen__{name}") for name in Choice._fields}
    return hearing().only("email").annotate(chosen=chosen, **ways)


DESK = Compiled(lambda topic: _choosing(topic)[:DESK_LIMIT], str)
HEARING = Compiled(lambda topic, user: _choosing(topic).filter(pk=user), str, int)


def desk(way: Way) -> list[User]:
    """All agents who hear by this way of tickets that nobody has."""
    return _by_ways(DESK.rows(Topic.STAFF_FREE), Topic.STAFF_FREE)[way]


def _by_ways(people: Iterable[Any], topic: Topic) -> dict[Way, list[User]]:
    found: dict[Way, list[User]] = {way: [] for way in Way}
    for user in people:
        is_chosen = user.by_mail is not None
        choice = Choice(user.by_chat, user.by_mail) if is_chosen else DEFAULTS[topic]
        for way in choice.ways:
            found[way].append(user)
    return found


@dataclass(frozen=True)
class Hearers:
    """The agents who want a notice, by each way; `data` goes with each delivery, to ask again."""

    by: Mapping[Way, Sequence[User]]
    is_desk: bool = False
    data: Mapping[str, int] = field(default_factory=dict)


def hearers_of(notice: Notice) -> Hearers:
    """Those whom a notice names; else the assignee; else the desk. Never who did it.

    Read once, however many channels ask.
    """
    known: dict[str, Hearers] = notice.event.__dict__.setdefault("known_hearers", {})
    if notice.key not in known:
        known[notice.key] = _read_hearers(notice)
    return known[notice.key]


def _read_hearers(notice: Notice) -> Hearers:
    event, topic = notice.event, staff_topic(notice)

    def by_ways(people: Iterable[User]) -> dict[Way, list[User]]:
        return _by_ways((user for user in people if user.pk != event.actor_id), topic)

    if notice.kind == NoticeKind.STAFF_FOLLOWED:
        rows = Follower.objects.filter(ticket=event.ticket_id).values("user")
        people = _choosing(topic).filter(pk__in=rows) if event.is_followed else ()
        return Hearers(by_ways(people), data={"follows": 1})
    if notice.people:
        return Hearers(by_ways(_choosing(topic).filter(pk__in=[one.pk for one in notice.people])))
    assignee = event.ticket.assignee_id
    if assignee and (own := list(HEARING.rows(topic, assignee))):
        return Hearers(by_ways(own), data={"assignee": 1})
    return Hearers(by_ways(DESK.rows(topic)), is_desk=True, data={"desk": 1})


def require_hearer(delivery: Delivery) -> None:
    """Raise Cancelled when an agent may not hear of a ticket any more, or it is another's now."""
    if delivery.recipient_id is None or delivery.kind not in STAFF_KINDS:
        return
    if not hearing().filter(pk=delivery.recipient_id).exists():
        raise Cancelled(_("больше не специалист поддержки"))
    follows = Follower.objects.filter(user=delivery.recipient_id, ticket=delivery.ticket_id)
    if delivery.data.get("follows") and not follows.exists():
        raise Cancelled(_("больше не следит за заявкой"))
    assignee = delivery.event.ticket.assignee_id if delivery.event else None
    by_turn = delivery.data.get("assignee") or delivery.data.get("desk")
    if by_turn and assignee not in (None, delivery.recipient_id):
        raise Cancelled(_("заявкой занимается уже другой специалист"))


@dataclass(frozen=True)
class Freed:
    """What an agent who serves no more has left to the desk."""

    agent: User | None
    count: str  # of all, as far as they were counted
    tickets: Sequence[Ticket]  # the first of them that nobody has taken since
    are_all: bool


def freed_tickets(delivery: Delivery) -> Freed:
    """What a list to the desk says now. Raises Cancelled when nothing on it waits any more."""
    data = delivery.data
    listed = Ticket.objects.filter(pk__in=data["tickets"], assignee=None)
    tickets = list(listed.open().select_related("product", "requester").order_by("pk"))
    if not tickets:
        raise Cancelled(_("все эти заявки уже взяты или закрыты"))
    agent = User.objects.filter(pk=data["agent"]).first()
    are_all = data["count"] == len(data["tickets"])
    return Freed(agent, bounded(data["count"]), tickets, are_all)
