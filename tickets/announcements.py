"""What all customers read while something is down: on top of the portal and of the bot's menu."""

from datetime import datetime

from django.db.models import CharField, Q, QuerySet, Subquery
from django.utils import timezone

from accounts.models import User
from accounts.rights import may_act
from tickets.models import Announcement, Ticket
from tickets.refusals import AlreadyDone, EndsTooEarly, NotYours, TextRequired, TextTooLong
from tickets.text import clean_line

ANNOUNCE = "tickets.change_announcement"
TEXT_LIMIT = 300  # characters
SHOWN = 3  # at once; of more the newest


def in_force(now: datetime | None = None) -> QuerySet[Announcement]:
    now = now or timezone.now()
    return Announcement.objects.filter(Q(until=None) | Q(until__gt=now), since__lte=now)


def announced_columns(now: datetime) -> list[Subquery]:
    """The texts in force as columns of another query, so that no page needs a query for them."""
    texts = in_force(now).order_by("-pk").values("text")
    return [Subquery(texts[place : place + 1], output_field=CharField()) for place in range(SHOWN)]


def announced() -> list[str]:
    """The texts in force, the newest first."""
    return list(in_force().order_by("-pk").values_list("text", flat=True)[:SHOWN])


def announce(
    *,
    text: str,
    by: User,
    since: datetime | None = None,
    until: datetime | None = None,
    incident: Ticket | None = None,
) -> Announcement:
    """Raises what `save_announcement` does."""
    since = since or timezone.now()
    row = Announcement(text=text, made_by=by, since=since, until=until, incident=incident)
    save_announcement(row, by=by)
    return row


def save_announcement(row: Announcement, *, by: User) -> None:
    """Keep a new or changed one. Raises NotYours, TextRequired, TextTooLong or EndsTooEarly."""
    _require_announcer(by)
    row.text = clean_line(row.text)
    if not row.text:
        raise TextRequired
    if len(row.text) > TEXT_LIMIT:
        raise TextTooLong(len(row.text), TEXT_LIMIT)
    if row.until and row.until <= row.since:
        raise EndsTooEarly
    row.save()


def end_announcement(announcement: Announcement, *, by: User) -> None:
    """Let it last no longer than till now. Raises NotYours or AlreadyDone."""
    _require_announcer(by)
    now = timezone.now()
    lasting = Announcement.objects.filter(Q(until=None) | Q(until__gt=now), pk=announcement.pk)
    if not lasting.update(until=now):
        raise AlreadyDone


def _require_announcer(user: User) -> None:
    if not may_act(user, ANNOUNCE):
        raise NotYours
