"""Colleagues and agents who want to hear of a ticket that is not theirs."""

from django.db import transaction
from django.db.models import Prefetch, prefetch_related_objects
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.quotas import AGENT_CHANGES, CHANGES, use
from tickets.agents import is_serving
from tickets.channels import Cancelled
from tickets.models import Delivery, Follower, Ticket, TicketEvent, serving
from tickets.queries import may_see
from tickets.refusals import AlreadyDone, MayNotFollow, NotYours, TicketMerged

SHOWN = 50  # followers of a ticket


def follow(*, ticket: Ticket, user: User) -> None:
    """Raises NotYours when it is the person's own, or none they may see; and TooManyChanges."""
    with transaction.atomic():
        use(user, CHANGES)
        if user.pk == ticket.requester_id or not may_see(user, ticket):
            raise NotYours
        Follower.objects.bulk_create([Follower(user=user, ticket=ticket)], ignore_conflicts=True)


def unfollow(*, ticket: Ticket, user: User) -> None:
    """Also of a ticket that they may not see any more. Raises TooManyChanges."""
    with transaction.atomic():
        use(user, CHANGES)
        Follower.objects.filter(ticket=ticket, user=user).delete()


def add_follower(*, ticket: Ticket, user: User, actor: User) -> None:
    """An agent lets themselves or somebody else follow.

    Raises NotYours for who serves no tickets, MayNotFollow for the requester and for who may not
    see the ticket, TicketMerged, AlreadyDone, and TooManyChanges.
    """
    _require_serving(actor)
    if ticket.merged_into_id:  # nothing happens there any more
        raise TicketMerged(ticket.pk, ticket.merged_into_id)
    with transaction.atomic():
        use(actor, AGENT_CHANGES)
        if user.pk == ticket.requester_id or not _may_follow(user, ticket):
            raise MayNotFollow
        _row, is_new = Follower.objects.get_or_create(user=user, ticket=ticket)
        if not is_new:
            raise AlreadyDone


def remove_follower(*, ticket: Ticket, user: User, actor: User) -> None:
    """Raises NotYours as above, AlreadyDone when they do not follow, and TooManyChanges."""
    _require_serving(actor)
    with transaction.atomic():
        use(actor, AGENT_CHANGES)
        gone, _rows = Follower.objects.filter(ticket=ticket, user=user).delete()
        if not gone:
            raise AlreadyDone


def _require_serving(actor: User) -> None:
    if not is_serving(actor):
        raise NotYours


def _may_follow(user: User, ticket: Ticket) -> bool:
    return serving().filter(pk=user.pk).exists() or may_see(user, ticket)


def shown_followers(ticket: Ticket) -> list[Follower]:
    """Those in force, as the desk shows them: the first ones."""
    rows = Follower.objects.in_force().filter(ticket=ticket).select_related("user")
    return list(rows.order_by("pk")[:SHOWN])


def is_following(user: User, ticket: Ticket) -> bool:
    return Follower.objects.filter(user=user, ticket=ticket).exists()


def followers_of(event: TicketEvent) -> list[Follower]:
    """Whom to tell of an event: read once, however many channels ask."""
    if not event.is_followed:
        return []
    rows = Follower.objects.of_colleagues().select_related("user").order_by("pk")
    rows = rows.prefetch_related("user__notice_preferences")
    prefetch_related_objects([event.ticket], Prefetch("followers", rows, to_attr="told"))
    told: list[Follower] = event.ticket.told  # type: ignore[attr-defined]
    return [row for row in told if row.user_id not in (event.actor_id, event.ticket.requester_id)]


def require_follower(delivery: Delivery) -> None:
    """Raise Cancelled when a follower has left, or may not see the ticket any more."""
    follower = delivery.data.get("follower")
    if follower and not Follower.objects.in_force().filter(pk=follower).exists():
        raise Cancelled(_("больше не следит за заявкой или не видит её"))
