"""How far a person has come on the way from the portal to the bot."""

from dataclasses import dataclass

from django.utils import timezone

from accounts.models import BotRegistration, LinkPin, TelegramAccount, User


@dataclass(frozen=True)
class LinkState:
    """How far a person has come on the way from the portal to Telegram."""

    registration: BotRegistration | None = None
    telegram: TelegramAccount | None = None
    pin: LinkPin | None = None

    @property
    def name(self) -> str:
        if self.registration is None:
            return "unregistered"
        if self.telegram:
            return "linked"
        if self.pin is None:
            return "waiting_for_phone"
        if self.pin.sent_at is None:
            return "pin_leaving"
        expired = self.pin.expires_at is None or self.pin.expires_at <= timezone.now()
        return "pin_expired" if expired else "pin_sent"

    @property
    def step(self) -> int:
        """The step of the stepper that is to be done; 4 when all three are."""
        return {"unregistered": 1, "waiting_for_phone": 2, "linked": 4}.get(self.name, 3)


def link_state(user: User) -> LinkState:
    registration = user.registrations.filter(withdrawn_at=None).first()
    if registration is None:
        return LinkState()
    if telegram := TelegramAccount.objects.filter(user=user).first():
        return LinkState(registration, telegram)
    pins = LinkPin.objects.filter(registration=registration, closed_at=None)
    return LinkState(registration, None, pins.order_by("-created_at").first())
