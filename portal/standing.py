"""What menu and lists tell of the person who looks, in one query."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, QuerySet
from django.utils import timezone

from accounts.models import BotRegistration, MessengerAccount, User
from config.compiled import Compiled
from portal.requests import PortalRequest
from telegram_bot.models import TELEGRAM
from tickets.announcements import announced_columns
from tickets.queries import awaiting_count, bounded


@dataclass(frozen=True)
class Standing:
    awaiting: int  # tickets that wait for the person, counted as far as `bounded` shows
    link: str  # with the bot: unregistered, registered or linked
    shares: bool  # whether the organization lets its members read each other's tickets
    announced: list[str]  # what all customers are told now, the newest first


def standing_of(request: PortalRequest) -> Standing:
    """Read once a request."""
    known = getattr(request, "standing", None)
    if known is None:
        known = request.standing = _read(request.user)
    return known


def awaiting_badge(request: PortalRequest) -> str:
    """What the menu shows beside «Заявки»."""
    awaiting = standing_of(request).awaiting
    return bounded(awaiting) if awaiting else ""


def _read(user: User) -> Standing:
    awaiting, is_registered, is_linked, shares, *announced = next(
        COLUMNS.rows(user.pk, timezone.now())
    )
    link = "linked" if is_linked else "registered"
    texts = [text for text in announced if text]
    return Standing(awaiting, link if is_registered else "unregistered", bool(shares), texts)


def _columns(user: int, now: datetime) -> QuerySet[User, Any]:
    registrations = BotRegistration.objects.filter(user=user, channel=TELEGRAM, withdrawn_at=None)
    accounts = MessengerAccount.objects.filter(user=user, channel=TELEGRAM)
    return User.objects.filter(pk=user).values_list(
        awaiting_count(User(pk=user)),
        Exists(registrations),
        Exists(accounts),
        "organization__shares_tickets",
        *announced_columns(now),
    )


COLUMNS = Compiled(_columns, int, datetime)
