"""Two tickets about one thing become one: what was said in the first moves to the second.

It cannot be undone. The first one stays with its number, its description and the moves of its
status; its number leads to the second from then on (`queries.led_ticket`).
"""

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from tickets.models import (
    Comment,
    Delivery,
    Draft,
    Follower,
    IncidentAnswerPart,
    Ticket,
    TicketEvent,
    TicketLink,
)
from tickets.queries import news_to_agents
from tickets.recording import (
    Actor,
    Kind,
    change_by,
    lock,
    one_change,
    record,
    require_agent,
    require_unmerged,
    set_status,
)
from tickets.refusals import TicketChanged
from tickets.refusals_joining import (
    ColleaguesWouldRead,
    IncidentNotMerged,
    MergedWithItself,
    MergeTargetClosed,
    StrangersNotMerged,
)
from tickets.status import TicketStatus

State = IncidentAnswerPart.State
WORDS = {Kind.COMMENTED, Kind.NOTED, Kind.EDITED}  # what moves with a comment; moves of status stay


@one_change
def merge_tickets(*, ticket: Ticket, into: Ticket, actor: Actor, seen: int | None = None) -> Ticket:
    """Merge a ticket into another, which is returned. Raises MergeRefused or TicketMerged.

    The merged one is closed, whoever opened it is told once, and follows the other one. With
    `seen`, the last event of both that the agent knew, also TicketChanged.
    """
    require_agent(actor)
    with change_by(actor):
        locked = {row.pk: lock(row) for row in sorted({ticket, into}, key=lambda row: row.pk)}
        ticket, into = locked[ticket.pk], locked[into.pk]
        require_mergeable(ticket, into)
        if seen is not None and news_to_agents(seen, ticket, into).exists():
            raise TicketChanged
        _move_words(ticket, into)
        _say_description(ticket, into)
        record(into, Kind.MERGED, actor, old=str(ticket.pk), changed=_take_last_word(ticket, into))
        _end(ticket, into, actor)
        _move_what_stands_around(ticket, into)
        return into


def require_mergeable(ticket: Ticket, into: Ticket) -> None:
    """Raise TicketMerged or MergeRefused; asked again under the locks."""
    if ticket.pk == into.pk:
        raise MergedWithItself
    for row in (ticket, into):
        require_unmerged(row)
    if into.is_closed:
        raise MergeTargetClosed(into.pk)
    if Ticket.objects.filter(incident=ticket.pk).exists():
        raise IncidentNotMerged
    if ticket.requester_id != into.requester_id and not _see_each_other(ticket, into):
        raise StrangersNotMerged
    if _is_open_to_others(ticket, into):
        raise ColleaguesWouldRead


def _is_open_to_others(ticket: Ticket, into: Ticket) -> bool:
    """Whether an organization shares the other one, and not this: its person was elsewhere then."""
    organization = into.organization
    is_other = ticket.organization_id != into.organization_id
    return is_other and organization is not None and organization.shares_tickets


def _see_each_other(ticket: Ticket, into: Ticket) -> bool:
    """Whether each requester may see the ticket of the other: nothing is shown to anybody anew."""
    of_one = Ticket.objects.visible_to(ticket.requester).filter(pk=into.pk)
    of_other = Ticket.objects.visible_to(into.requester).filter(pk=ticket.pk)
    is_shared = ticket.organization_id == into.organization_id is not None
    return is_shared and of_one.exists() and of_other.exists()


# What moves


def _move_words(ticket: Ticket, into: Ticket) -> None:
    """Comments with their files and events, which keep their ids and so their place in time."""
    events = TicketEvent.objects.filter(ticket=ticket).exclude(comment=None)
    for event in events.exclude(kind__in=WORDS).order_by("pk"):
        _part_from_words(event)
    moved = list(events.filter(kind__in=WORDS).values_list("pk", flat=True))
    TicketEvent.objects.filter(pk__in=moved).update(ticket=into)
    Delivery.objects.filter(event__in=moved).update(ticket=into)
    ticket.attachments.exclude(comment=None).update(ticket=into)
    ticket.comments.update(ticket=into)


def _part_from_words(event: TicketEvent) -> None:
    """Of words said with a move of the status: a comment that moves, and the move, which stays.

    The comment keeps the id and so its place; what is told of the move goes with the move.
    """
    move = TicketEvent.objects.get(pk=event.pk)
    move.pk = None
    move.save(force_insert=True)
    Delivery.objects.filter(event=event).update(event=move)
    event.kind = Kind.NOTED if event.is_internal else Kind.COMMENTED
    event.old_value = event.new_value = ""
    event.solved_in = event.solved_again_at = None
    event.save(update_fields=["kind", "old_value", "new_value", "solved_in", "solved_again_at"])


def _say_description(ticket: Ticket, into: Ticket) -> None:
    """The title, the description and its files, as the newest comment of who opened the ticket."""
    opened = date_format(timezone.localtime(ticket.created_at), "d.m.Y H:i")
    head = _("Из объединённой заявки № %(number)d от %(opened)s: %(title)s") % {
        "number": ticket.pk,
        "opened": opened,
        "title": ticket.title,
    }
    comment = Comment.objects.create(
        ticket=into,
        author=ticket.requester,
        by_agent=False,
        body=f"{head}\n\n{ticket.description}",
        face=ticket.face,
    )
    ticket.attachments.filter(comment=None).update(ticket=into, comment=comment)
    TicketEvent.objects.create(
        ticket=into,
        kind=Kind.COMMENTED,
        actor=ticket.requester,
        face=ticket.face,
        comment=comment,
    )


def _take_last_word(ticket: Ticket, into: Ticket) -> list[str]:
    """Whose turn it is follows from the later word of both; returns the fields set."""
    if ticket.last_word_at <= into.last_word_at:
        return []
    fields = ["last_word_at", "last_word_by", "last_word_by_agent"]
    for name in fields:
        setattr(into, name, getattr(ticket, name))
    return fields


def _end(ticket: Ticket, into: Ticket, actor: Actor) -> None:
    ticket.merged_into, ticket.snoozed_until = into, None
    if not ticket.is_closed:
        set_status(ticket, TicketStatus.CLOSED, actor)
    changed = ["merged_into", "snoozed_until"]
    record(ticket, Kind.MERGED, actor, new=str(into.pk), changed=changed)


def _move_what_stands_around(ticket: Ticket, into: Ticket) -> None:
    _move_followers(ticket, into)
    known = Draft.objects.filter(ticket=into).values_list("user", "form", "browser")
    kept = set(known)
    for draft in Draft.objects.filter(ticket=ticket):
        if (draft.user_id, draft.form, draft.browser) not in kept:
            Draft.objects.filter(pk=draft.pk).update(ticket=into)
    for link in [*ticket.links_up.all(), *ticket.links_down.all()]:
        _move_link(link, ticket, into)
    _move_waiting_answers(ticket, into)
    if ticket.incident_id and not into.incident_id and ticket.incident_id != into.pk:
        Ticket.objects.filter(pk=into.pk).update(incident=ticket.incident_id)


def _move_waiting_answers(ticket: Ticket, into: Ticket) -> None:
    """An answer to an incident that has not come yet comes to the other one, if only once."""
    waiting = IncidentAnswerPart.objects.filter(ticket=ticket, state=State.WAITING)
    known = IncidentAnswerPart.objects.filter(ticket=into).values("answer")
    waiting.exclude(answer__in=known).update(ticket=into)


def _move_followers(ticket: Ticket, into: Ticket) -> None:
    """Also of who opened the merged one. Whether they may still hear of it is asked each time."""
    known = set(Follower.objects.filter(ticket=into).values_list("user", flat=True))
    known.add(into.requester_id)
    Follower.objects.filter(ticket=ticket).exclude(user__in=known).update(ticket=into)
    opener = Follower(user=ticket.requester, ticket=into)
    if opener.user_id not in known:
        Follower.objects.bulk_create([opener], ignore_conflicts=True)


def _move_link(link: TicketLink, ticket: Ticket, into: Ticket) -> None:
    other = link.upper_id if link.lower_id == ticket.pk else link.lower_id
    lower, upper = sorted([other, into.pk])
    if lower != upper and not TicketLink.objects.filter(lower=lower, upper=upper).exists():
        TicketLink.objects.filter(pk=link.pk).update(lower=lower, upper=upper)
    else:
        link.delete()
