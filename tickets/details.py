"""What a ticket is called and what it is about, changed by agents; their customers are told."""

from contextlib import suppress

from tickets.models import Product, Ticket
from tickets.recording import (
    Actor,
    Kind,
    change_by,
    clean_title,
    lock,
    one_change,
    record,
    require_agent,
    require_unmerged,
)
from tickets.refusals import AlreadyDone, DetailsChanged, ProductUnavailable


@one_change
def change_title(*, ticket: Ticket, title: str, was: str, actor: Actor) -> Ticket:
    """`was` is the title the agent had before them; raises DetailsChanged when it is another now.

    Raises AlreadyDone when the ticket has this title, TextRequired and TextTooLong.
    """
    title = clean_title(title)
    with change_by(actor):
        ticket = lock(ticket)
        require_agent(actor)
        require_unmerged(ticket)
        if ticket.title == title:
            raise AlreadyDone
        if ticket.title != was:
            raise DetailsChanged
        ticket.title = title
        record(ticket, Kind.TITLE, actor, old=was, new=title, changed=["title"])
        return ticket


@one_change
def change_product(*, ticket: Ticket, product: Product, was: int, actor: Actor) -> Ticket:
    """`was` is the id of the product the agent had before them. Due times are computed anew.

    Raises DetailsChanged when it is another now, AlreadyDone and ProductUnavailable.
    """
    with change_by(actor):
        ticket = lock(ticket)
        require_agent(actor)
        require_unmerged(ticket)
        if ticket.product_id == product.pk:
            raise AlreadyDone
        if ticket.product_id != was:
            raise DetailsChanged
        if not Product.objects.filter(pk=product.pk, is_active=True).exists():
            raise ProductUnavailable
        old, ticket.product = ticket.product.name, product
        record(ticket, Kind.PRODUCT, actor, old=old, new=product.name, changed=["product"])
        return ticket


@one_change
def change_details(
    *, ticket: Ticket, title: str, product: Product, was: tuple[str, int], actor: Actor
) -> Ticket:
    """Both in one go, or nothing. Raises AlreadyDone when the ticket is so already."""
    with change_by(actor):
        changed = None
        with suppress(AlreadyDone):
            changed = change_title(ticket=ticket, title=title, was=was[0], actor=actor)
        with suppress(AlreadyDone):
            changed = change_product(ticket=ticket, product=product, was=was[1], actor=actor)
        if changed is None:
            raise AlreadyDone
        return changed
