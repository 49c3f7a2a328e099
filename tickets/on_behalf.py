"""Tickets that agents open for customers who called or wrote elsewhere."""

from __future__ import annotations  # File[Any] is generic for the type checker only

from collections.abc import Callable, Sequence

from accounts.models import User
from tickets.attachments import NewFile
from tickets.canned import fill, values_for
from tickets.forms import Done, Made, Sending, once_even_without_files
from tickets.models import Face, Priority, Product, Ticket
from tickets.recording import agent, clean_body
from tickets.services import open_ticket


def open_for_once(
    *,
    sending: Sending,
    find_requester: Callable[[], User],
    product: Product,
    title: str,
    description: str,
    priority: Priority,
    takes: bool,
    fills: bool = False,
) -> Done:
    """Open the ticket of an agent's form, with the files sent.

    `find_requester` may make the person: it runs in the same transaction, and once. Made: the
    ticket's id, the requester's, and whether the files were kept. With `takes` it is the agent's;
    with `fills` variables of ready answers stand for what is known by then, the number too.
    """

    def open_it(files: Sequence[NewFile]) -> Made:
        requester = find_requester()
        ticket = open_ticket(
            requester=requester,
            product=product,
            title=title,
            description=description,
            priority=priority,
            face=Face.ADMIN,
            files=files,
            actor=agent(sending.user),
            assignee=sending.user if takes else None,
        )
        if fills:
            _fill(ticket, sending.user)
        files_kept = len(files) == len(sending.files)
        return {"ticket": ticket.pk, "requester": requester.pk, "files_kept": files_kept}

    return once_even_without_files(sending, open_it)


def _fill(ticket: Ticket, by: User) -> None:
    """Raises TextTooLong."""
    ticket.description = clean_body(fill(ticket.description, values_for(ticket, by)))
    ticket.save(update_fields=["description"])
