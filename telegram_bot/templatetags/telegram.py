"""Filters for the texts of the bot."""

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from config import numerals
from telegram_bot.utf16 import cut_utf16
from tickets.models import Comment, Priority, TicketEvent
from tickets.status import TicketStatus
from tickets.templatetags.labels import PRIORITY_ICONS, STATUS_ICONS, exact_time

MONTH = 30 * 86400  # seconds

register = template.Library()
register.filter(exact_time)
register.filter(cut_utf16)  # what is left the template escapes


@register.filter
def status(value: str) -> str:
    """new → 🆕 Новая"""
    return f"{STATUS_ICONS[TicketStatus(value)]} {TicketStatus(value).label}"


@register.filter
def priority(value: str) -> str:
    return f"{PRIORITY_ICONS[Priority(value)]} {Priority(value).label}"


@register.filter
def plural(number: int, forms: str) -> str:
    """{{ n|plural:"файл,файла,файлов" }}"""
    return numerals.plural(number, *forms.split(","))


@register.filter
def ago(moment: datetime) -> str:
    """How long ago, in words; what is older than a month is a date."""
    seconds = int((timezone.now() - moment).total_seconds())
    if seconds < 60:
        return _("только что")
    if seconds > MONTH:
        return f"{timezone.localtime(moment):%d.%m.%Y}"
    return _("%(span)s назад") % {"span": numerals.time_span(seconds)}


@register.filter
def author(comment: Comment, reader: User) -> str:
    """How a comment's author is called before the customer."""
    if comment.author_id == reader.pk:
        return _("Вы")
    name = comment.author.first_name if comment.author else ""
    if comment.by_agent and name:
        return _("Поддержка · %(name)s") % {"name": name}
    if comment.by_agent:
        return _("Поддержка")
    return comment.author.short_name if comment.author else ""


@register.filter
def actor(event: TicketEvent) -> str:
    return event.actor.first_name if event.actor and event.by_agent else ""
