"""What templates ask about a person and a ticket."""

from django import template

from accounts.models import User
from tickets.followers import is_following
from tickets.models import Ticket

register = template.Library()


@register.filter
def is_followed_by(ticket: Ticket, user: User) -> bool:
    return is_following(user, ticket)
