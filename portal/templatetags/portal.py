"""What portal templates need beside Django's own tags."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import segno
from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.browsers import browser_name
from accounts.models import User
from accounts.phone import mask_email, mask_phone
from portal.listing import Choice, Tab, from_list, list_behind
from portal.standing import awaiting_badge, standing_of
from tickets import reads
from tickets.file_kinds import PICTURES
from tickets.models import Attachment, Face, Ticket, TicketEvent
from tickets.status import TicketStatus
from tickets.templatetags.labels import zone_name

register = template.Library()
register.filter("mask_email", mask_email)
register.filter("mask_phone", mask_phone)
register.filter("browser_name", browser_name)

LARGEST_PICTURE = 1024**2  # bytes
FACE_ICONS = {
    Face.PORTAL: "globe",
    Face.BOT: "telegram",
    Face.GROUP: "telegram",
    Face.API: "key",
}
MENU_SECTIONS = {
    "ticket": "tickets",
    "new": "new",
    "bot": "bot",
    "group": "groups",
    "organization": "organization",
    "notifications": "notifications",
    "integrations": "integrations",
    "help": "help",
    "profile": "profile",
    "password": "profile",
    "personal": "profile",
    "email": "profile",
}


@register.inclusion_tag("portal/_menu.html", takes_context=True)
def menu(context: template.RequestContext) -> dict[str, Any]:
    request = context["request"]
    match = request.resolver_match
    page = (match.url_name if match else "").partition("_")[0]
    return {
        "user": request.user,
        "section": MENU_SECTIONS.get(page, ""),
        "awaiting": awaiting_badge(request),
        "link": standing_of(request).link,
    }


@register.filter
def is_return(event: TicketEvent) -> bool:
    return event.old_value == TicketStatus.RESOLVED and event.new_value == TicketStatus.IN_PROGRESS


@register.filter
def moment(at: datetime) -> SafeString:
    """A time to the minute in the zone that is in force, with its year and that zone."""
    local = timezone.localtime(at)
    return _time(local, f"{date_format(local, 'j E Y, H:i')} {zone_name(local)}")


def _time(local: datetime, words: str) -> SafeString:
    machine = local.isoformat(timespec="seconds")
    return format_html('<time datetime="{}">{}</time>', machine, words)


@register.filter
def of(found: Mapping[Any, Any], key: object) -> Any:
    """What belongs to a key, or nothing."""
    return found.get(key) if found else None


@register.filter
def anchor(event: TicketEvent) -> str:
    """Where an event stands on its page: words by their comment, which those who wrote it know."""
    return f"comment-{event.comment_id}" if event.comment_id else f"event-{event.pk}"


@register.filter
def face_icon(face: str) -> str:
    """For where customers are; empty for the desk and for the clock."""
    return FACE_ICONS.get(Face(face), "")


@register.filter
def is_picture(file: Attachment) -> bool:
    """Whether a file is shown beside its name: a browser takes its type, and it is small."""
    is_ready = file.state == Attachment.State.READY
    return is_ready and file.content_type in PICTURES and file.size <= LARGEST_PICTURE


@register.filter
def qr_code(url: str) -> str:
    """A data URI, which the content security policy lets an image show."""
    return segno.make(url, error="m", micro=False).svg_data_uri(scale=5, dark="#1b2433")


# Lists of tickets

A_MOMENT = timedelta(minutes=1)  # a word and the change that came with it are one


@register.filter
def is_unread(ticket: Ticket, reader: User) -> bool:
    return reads.is_unread(ticket, reader)


@register.filter
def awaits(ticket: Ticket, reader: User) -> bool:
    return ticket.awaits(reader)


@register.filter
def last_speaker(ticket: Ticket, reader: User) -> str:
    """Who spoke last, as the reader knows them: names are short, no e-mails."""
    person = ticket.last_word_by
    if person is not None and person.pk == reader.pk:
        return _("вы")
    if ticket.last_word_by_agent:
        name = person.first_name if person else ""
        return _("поддержка · %(name)s") % {"name": name} if name else _("поддержка")
    return _("коллега %(name)s") % {"name": person.short_name} if person else ""


@register.filter
def changed_since(ticket: Ticket) -> bool:
    """Whether something but words has moved it since the last of them."""
    return ticket.changed_at - ticket.last_word_at > A_MOMENT


@register.filter
def day_and_time(moment: datetime) -> SafeString:
    """With the year when it is not this one; in the time zone that is active."""
    local = timezone.localtime(moment)
    is_this_year = local.year == timezone.localtime().year
    return _time(local, date_format(local, "j E, H:i" if is_this_year else "j E Y, H:i"))


# The way back from a card


@register.simple_tag(takes_context=True)
def this_list(context: template.RequestContext) -> str:
    """For the addresses of a card's forms: the query that keeps the list behind it."""
    behind = list_behind(context["request"].GET)
    return from_list(behind) if behind else ""


@register.inclusion_tag("portal/_back_to_list.html", takes_context=True)
def back_to_list(context: template.RequestContext, ticket: Ticket) -> dict[str, Any]:
    """Where the card was opened from; else the tab that holds the ticket."""
    request = context["request"]
    behind = list_behind(request.GET)
    if behind is None or (behind.tab == Tab.ORGANIZATION and not standing_of(request).shares):
        behind = Choice(_tab_of(ticket, request.user))
    return {"choice": behind}


def _tab_of(ticket: Ticket, reader: User) -> Tab:
    if ticket.requester_id != reader.pk:
        return Tab.ORGANIZATION
    return Tab.CLOSED if ticket.is_closed else Tab.OPEN
