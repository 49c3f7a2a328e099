"""Pages and addresses of the portal."""

from django.urls import reverse

from tickets.models import Ticket


def text(response) -> str:
    return response.content.decode()


def url(name: str, ticket: Ticket) -> str:
    return reverse(name, args=[ticket.pk])
