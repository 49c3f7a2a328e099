"""Words and chips for what agents and customers read alike."""

from datetime import datetime
from functools import cache

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config import numerals
from tickets.delivery import channel_of
from tickets.models import Delivery, Priority
from tickets.status import TicketStatus

register = template.Library()
register.filter("file_size", numerals.file_size)

STATUS_ICONS = {
    TicketStatus.NEW: "🆕",
    TicketStatus.IN_PROGRESS: "🔧",
    TicketStatus.WAITING: "⏳",
    TicketStatus.RESOLVED: "✅",
    TicketStatus.CLOSED: "📁",
}
PRIORITY_ICONS = {
    Priority.CRITICAL: "🔴",
    Priority.HIGH: "🟠",
    Priority.MEDIUM: "🔵",
    Priority.LOW: "🟢",
}


@register.filter
def status_label(value: str) -> str:
    """`in_progress` → «В работе»."""
    return str(TicketStatus(value).label) if value in TicketStatus.values else value


@register.filter
def priority_label(value: str) -> str:
    """`high` → «Высокий»."""
    return str(Priority(value).label) if value in Priority.values else value


@register.simple_tag
@cache  # a list shows the same few in every row
def icon(name: str) -> SafeString:
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("shared/icons.svg"),
        name,
    )


@register.simple_tag
def status_chip(value: str) -> SafeString:
    status = TicketStatus(value)
    return format_html(
        '<span class="chip chip-{}">{}{}</span>', status.value, icon(status.value), status.label
    )


@register.filter
def priority_mark(value: str) -> SafeString:
    priority = Priority(value)
    return format_html(
        '<span class="mark"><span aria-hidden="true">{}</span> {}</span>',
        PRIORITY_ICONS[priority],
        priority.label,
    )


@register.filter
def addressee(delivery: Delivery) -> str:
    """Whom a delivery goes to, in words of its channel."""
    return channel_of(delivery).addressee(delivery)


@register.filter
def why_undelivered(delivery: Delivery) -> str:
    return channel_of(delivery).why_undelivered(delivery)


@register.filter
def channel_icon(delivery: Delivery) -> str:
    return channel_of(delivery).icon


@register.filter
def stars(score: int | str) -> str:
    return "★" * int(score) + "☆" * (5 - int(score))


@register.filter
def exact_time(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{local:%d.%m.%Y %H:%M:%S} ({zone_name(local)})"


@register.filter(expects_localtime=True)
def zone_name(local: datetime) -> str:
    """МСК; UTC+7 where a zone has no letters of its own."""
    name = local.tzname() or ""
    if name.startswith(("+", "-")):
        hours, minutes = name[1:3].lstrip("0") or "0", name[3:5].strip("0")
        return f"UTC{name[0]}{hours}{':' + name[3:5] if minutes else ''}"
    return name.replace("MSK", "МСК")
