"""What stands around a ticket on its card: read when the card is shown, in a query each."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString

from tickets.followers import shown_followers
from tickets.links import linked_tickets
from tickets.mentions import known_logins
from tickets.models import Follower, Ticket
from tickets.snoozing import LONGEST, put_off_before
from tickets.templatetags.words import as_note

register = template.Library()
register.simple_tag(linked_tickets, name="links_of")
register.simple_tag(shown_followers, name="followers_of")


@register.simple_tag(takes_context=True)
def note(context: template.RequestContext, text: str) -> SafeString:
    """Words of a note, in which called agents stand out; a page asks for their logins once."""
    request = context["request"]
    if "@" in text and not hasattr(request, "logins"):
        request.logins = known_logins()
    return as_note(text, getattr(request, "logins", ()))


@register.filter
def is_among(user: object, followers: list[Follower]) -> bool:
    return any(row.user == user for row in followers)


@register.filter
def is_resting(ticket: Ticket) -> bool:
    return bool(ticket.snoozed_until and ticket.snoozed_until > timezone.now())


@register.filter
def as_moment(value: str) -> datetime | None:
    """The time that an event holds as text."""
    return parse_datetime(value)


@register.simple_tag
def snooze_limits(ticket: Ticket) -> dict[str, str]:
    """For a date field of a browser, in the zone that is in force.

    `before`: the time of a ticket that its customer has woken too soon.
    """
    now = timezone.localtime()
    before = None if is_resting(ticket) else put_off_before(ticket)
    found = {"min": now, "max": now + LONGEST - timedelta(days=1)}
    found |= {"before": timezone.localtime(before)} if before else {}
    return {name: f"{moment:%Y-%m-%dT%H:%M}" for name, moment in found.items()}
