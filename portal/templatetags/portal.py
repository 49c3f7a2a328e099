"""What portal templates need beside Django's own tags."""

from typing import Any

import segno
from django import template
from django.db.models import Exists, OuterRef

from accounts.models import BotRegistration, MessengerAccount, User
from accounts.phone import mask_email, mask_phone
from telegram_bot.models import TELEGRAM
from tickets.models import Ticket, TicketEvent
from tickets.status import TicketStatus

register = template.Library()
register.filter("mask_email", mask_email)
register.filter("mask_phone", mask_phone)

BADGE_LIMIT = 9
MENU_SECTIONS = {
    "ticket": "tickets",
    "bot": "bot",
    "group": "groups",
    "profile": "profile",
    "password": "profile",
}


@register.inclusion_tag("portal/_menu.html", takes_context=True)
def menu(context: template.RequestContext) -> dict[str, Any]:
    request = context["request"]
    match = request.resolver_match
    page = (match.url_name if match else "").partition("_")[0]
    return {
        "user": request.user,
        "section": MENU_SECTIONS.get(page, ""),
        "awaiting": _awaiting(request.user),
        "link": _link(request.user),
    }


def _awaiting(user: User) -> str:
    """How many tickets wait for the person: counted as far as the badge can show."""
    waiting = Ticket.objects.visible_to(user).open().filter(status=TicketStatus.WAITING)
    number = len(waiting.order_by("-pk").values_list("pk")[: BADGE_LIMIT + 1])
    return f"{BADGE_LIMIT}+" if number > BADGE_LIMIT else str(number or "")


def _link(user: User) -> str:
    mine = BotRegistration.objects.filter(user=user, channel=TELEGRAM, withdrawn_at=None)
    account = MessengerAccount.objects.filter(user=OuterRef("user"), channel=TELEGRAM)
    linked = list(mine.values_list(Exists(account), flat=True)[:1])
    if not linked:
        return "unregistered"
    return "linked" if linked[0] else "registered"


@register.filter
def is_return(event: TicketEvent) -> bool:
    return event.old_value == TicketStatus.RESOLVED and event.new_value == TicketStatus.IN_PROGRESS


@register.filter
def qr_code(url: str) -> str:
    """A data URI, which the content security policy lets an image show."""
    return segno.make(url, error="m", micro=False).svg_data_uri(scale=5, dark="#1b2433")
