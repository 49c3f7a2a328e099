"""The way from the portal to a messenger: how far a person has come, and news of PINs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import BotRegistration, LinkPin, MessengerAccount, User


@dataclass(frozen=True)
class LinkState:
    """What exists already of registration, PIN and link; `name` says where that leaves a person."""

    registration: BotRegistration | None = None
    account: MessengerAccount | None = None
    pin: LinkPin | None = None

    @property
    def name(self) -> str:
        if self.registration is None:
            return "unregistered"
        if self.account:
            return "linked"
        if self.pin is None:
            return "waiting_for_phone"
        if self.pin.sent_at is None:
            return "pin_leaving"
        expired = self.pin.expires_at is None or self.pin.has_expired(timezone.now())
        return "pin_expired" if expired else "pin_sent"

    @property
    def step(self) -> int:
        """Which of the three steps on the page comes next; 4 when all are done."""
        return {"unregistered": 1, "waiting_for_phone": 2, "linked": 4}.get(self.name, 3)


def link_state(user: User, channel: str) -> LinkState:
    registration = user.registrations.filter(channel=channel, withdrawn_at=None).first()
    if registration is None:
        return LinkState()
    if account := MessengerAccount.objects.filter(user=user, channel=channel).first():
        return LinkState(registration, account)
    pins = LinkPin.objects.filter(registration=registration, closed_at=None)
    return LinkState(registration, None, pins.order_by("-created_at").first())


def are_pin_mails_late(since: datetime) -> bool:
    """Whether a PIN was asked for before `since` and nobody has tried to mail it yet.

    `mail_due_at` cannot tell: it moves each time the letter is queued again.
    """
    pins = LinkPin.objects.filter(closed_at=None, registration__user__is_active=True)
    return pins.filter(mail_attempts=0, created_at__lt=since).exists()


class PinNews(models.TextChoices):
    """News for the chat where a PIN was asked for; each value is a kind of delivery."""

    DELAYED = "pin_delayed", _("письмо с ПИН-кодом задерживается")
    FAILED = "pin_failed", _("письмо с ПИН-кодом не ушло")


PinTeller = Callable[[LinkPin, PinNews, bool], object]
_tellers: list[PinTeller] = []


def tell_pin_news_by(teller: PinTeller) -> None:
    """Called once at start by the app that sends messages: accounts do not know which one it is."""
    _tellers[:] = [teller]


def tell_of_pin(pin: LinkPin, news: PinNews, address_refused: bool = False) -> None:
    """Give the news to whoever sends messages, in the caller's transaction."""
    for tell in _tellers:
        tell(pin, news, address_refused)
