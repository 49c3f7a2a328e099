"""Tickets and what happened to them as plain data, which JSON can hold: what programs are given.

Of the public side only, and of other people no more than a short name. Times are aware datetimes.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import User
from tickets.models import Attachment, Comment, Product, Ticket, TicketEvent

RELATED = ("requester", "organization", "product", "assignee")  # to select with a ticket
# What is told of a ticket, and what its version is made of: a third of what the rows hold
PERSON = ("username", "first_name", "last_name")
COLUMNS = (
    "title", "description", "status", "priority", "face", "parent", "merged_into", "score",
    "rating_comment", "created_at", "changed_at", "resolved_at", "closed_at", "version",
    "desk_version", "product__name", "organization__name",
    *(f"{who}__{name}" for who in ("requester", "assignee") for name in PERSON),
)  # fmt: skip


def with_facts(tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """With what is told of them. To read only: any other column would cost a query."""
    return tickets.select_related(*RELATED).only(*COLUMNS)


def product_data(product: Product) -> dict[str, Any]:
    return {"id": product.pk, "name": product.name}


def ticket_data(ticket: Ticket) -> dict[str, Any]:
    return {
        "number": ticket.number,
        "url": settings.PORTAL_URL + ticket.get_absolute_url(),
        "title": ticket.title,
        "description": ticket.description,
        "status": ticket.status,
        "priority": ticket.priority,
        "product": product_data(ticket.product),
        "requester": person_data(ticket.requester),
        "organization": _organization_data(ticket),
        "assignee": person_data(ticket.assignee) if ticket.assignee else None,
        "opened_in": ticket.face,
        "parent": ticket.parent_id,
        "merged_into": ticket.merged_into_id,
        "score": ticket.score,
        "rating_comment": ticket.rating_comment,
        "created_at": ticket.created_at,
        "changed_at": ticket.changed_at,
        "resolved_at": ticket.resolved_at,
        "closed_at": ticket.closed_at,
    }


def event_data(event: TicketEvent, files: Sequence[Attachment] = ()) -> dict[str, Any]:
    """What happened, with the words said and the `files` that came with them."""
    return {
        "id": event.pk,
        "kind": event.kind,
        "at": event.created_at,
        "by": by_data(event.actor, by_agent=event.by_agent),
        "old": event.old_value,
        "new": event.new_value,
        "comment": comment_data(event.comment, files) if event.comment else None,
    }


def comment_data(comment: Comment, files: Sequence[Attachment] = ()) -> dict[str, Any]:
    return {
        "id": comment.pk,
        "body": comment.body,
        "by": by_data(comment.author, by_agent=comment.by_agent),
        "created_at": comment.created_at,
        "edited_at": comment.edited_at,
        "files": [file_data(file) for file in files],
    }


def file_data(file: Attachment) -> dict[str, Any]:
    return {
        "id": file.pk,
        "name": file.name,
        "size": file.size,
        "content_type": file.content_type,
        "state": file.state,
        "comment": file.comment_id,
        "created_at": file.created_at,
    }


def person_data(person: User) -> dict[str, Any]:
    return {"id": person.pk, "name": person.short_name}


def by_data(person: User | None, *, by_agent: bool) -> dict[str, Any]:
    """Who did something: `role` is customer, agent or system."""
    if person is None:
        return {"role": "system", "person": None}
    return {"role": "agent" if by_agent else "customer", "person": person_data(person)}


def _organization_data(ticket: Ticket) -> dict[str, Any] | None:
    if ticket.organization is None:
        return None
    return {"id": ticket.organization.pk, "name": ticket.organization.name}
