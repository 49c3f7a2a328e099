"""An incident: many tickets under one, and one answer to all of them.

Customers know nothing of it: each hears the answer in their own ticket.
"""

import logging
import time
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from accounts.quotas import QuotaReached, use
from config.queue import enqueue, is_ending
from tickets.attachments import BYTES_A_DAY, MAX_FILES, NewFile, stored_contents
from tickets.canned import fill, require_known, values_for
from tickets.comments import add_comment
from tickets.models import IncidentAnswer, IncidentAnswerPart, IncidentFile, Ticket, serving
from tickets.recording import (
    Actor,
    Kind,
    agent,
    change_by,
    clean_words,
    lock,
    one_change,
    record,
    require_agent,
    require_unmerged,
)
from tickets.refusals import (
    REFUSALS,
    AlreadyDone,
    AnswerMissing,
    NotYours,
    TicketClosed,
    TooManyFiles,
)
from tickets.refusals_joining import AlreadyInIncident, IncidentEmpty, IncidentNested
from tickets.services import change_status
from tickets.status import Role, TicketStatus, allowed_transitions
from tickets.text import clean_text

logger = logging.getLogger(__name__)

PARTS_A_CALL = 50
OFFERED = (TicketStatus.WAITING, TicketStatus.RESOLVED)  # that an answer to all may bring
State = IncidentAnswerPart.State


@one_change
def put_under_incident(*, ticket: Ticket, incident: Ticket, actor: Actor) -> None:
    """Put a ticket under an incident, which any open ticket can be.

    Raises AlreadyDone, AlreadyInIncident, IncidentNested, TicketClosed or TicketMerged.
    """
    require_agent(actor)
    with change_by(actor):
        locked = {row.pk: lock(row) for row in sorted({ticket, incident}, key=lambda row: row.pk)}
        ticket, incident = locked[ticket.pk], locked[incident.pk]
        _require_fitting(ticket, incident)
        ticket.incident = incident
        record(ticket, Kind.INCIDENT, actor, new=str(incident.pk), changed=["incident"])


def _require_fitting(ticket: Ticket, incident: Ticket) -> None:
    for row in (ticket, incident):
        require_unmerged(row)
        if row.is_closed:
            raise TicketClosed
    if ticket.incident_id == incident.pk:
        raise AlreadyDone
    if ticket.incident_id:
        raise AlreadyInIncident(ticket.incident_id)
    is_incident = Ticket.objects.filter(incident=ticket).exists()
    if ticket.pk == incident.pk or incident.incident_id or is_incident:
        raise IncidentNested


@one_change
def take_out_of_incident(*, ticket: Ticket, actor: Actor, shown: int) -> None:
    """Out of the incident that was shown: raises AlreadyDone where it is in no or another one."""
    require_agent(actor)
    with change_by(actor):
        ticket = lock(ticket)
        if ticket.incident_id != shown:
            raise AlreadyDone
        ticket.incident = None
        record(ticket, Kind.INCIDENT, actor, old=str(shown), changed=["incident"])


# One answer to all


@one_change
def answer_all(
    *,
    incident: Ticket,
    actor: Actor,
    body: str,
    status: TicketStatus | None = None,
    files: Sequence[NewFile] = (),
) -> IncidentAnswer:
    """Let the worker answer every open ticket of an incident, and move it along where it may go.

    Variables of ready answers stand for each ticket's own. Closed tickets are left out. Raises
    IncidentEmpty, AnswerMissing, TextRequired, TextTooLong, VariableUnknown, TooManyFiles,
    TooManyBytes and FileRefused.
    """
    if actor.user is None or actor.role != Role.AGENT:
        raise NotYours
    if status and not clean_text(body):
        raise AnswerMissing(status)
    body = clean_words(body, files)
    require_known(body)
    if len(files) > MAX_FILES:
        raise TooManyFiles(MAX_FILES)
    with stored_contents(files) as files, change_by(actor):
        if files:
            use(actor.user, BYTES_A_DAY, sum(file.size for file in files))
        lock(incident)
        numbers = list(
            Ticket.objects.filter(incident=incident)
            .open()
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        if not numbers:
            raise IncidentEmpty
        answer = IncidentAnswer.objects.create(
            incident=incident, author=actor.user, body=body, status=status or ""
        )
        _keep_files(answer, files)
        parts = [IncidentAnswerPart(answer=answer, ticket_id=number) for number in numbers]
        IncidentAnswerPart.objects.bulk_create(parts, batch_size=500)
        enqueue("tickets.tasks.answer_incident", answer.pk)
        return answer


def _keep_files(answer: IncidentAnswer, files: Sequence[NewFile]) -> None:
    for file in files:
        kind = file.content_type[:100]
        answer.files.create(name=file.name, size=file.size, content_type=kind, file=file.stored)


def give_answer(number: int, end: float) -> bool:
    """Answer the tickets of a batch until `end`, of the monotonic clock; True where more wait."""
    waiting = IncidentAnswerPart.objects.filter(answer=number, state=State.WAITING)
    parts = waiting.select_related("answer__author", "ticket").order_by("pk")
    parts = parts.prefetch_related("answer__files")
    for part in parts[:PARTS_A_CALL]:
        if time.monotonic() > end or is_ending():
            return True
        try:
            _give(part)
        except QuotaReached:  # all an agent may change in a while: every minute goes on
            return False
    if waiting.exists():
        return True
    begun = IncidentAnswer.objects.filter(pk=number, finished_at=None)
    begun.update(finished_at=timezone.now())
    return False


@one_change
def _give(part: IncidentAnswerPart) -> None:
    """Say it and mark it as said, both or neither: however often it is begun, it is said once.

    A part that a merge has moved since it was read keeps waiting: the next look finds its ticket.
    """
    answer, actor = part.answer, agent(part.answer.author)
    with change_by(actor):
        ticket = lock(part.ticket)
        part = IncidentAnswerPart.objects.select_for_update(no_key=True).get(pk=part.pk)
        if part.state != State.WAITING or part.ticket_id != ticket.pk:
            return
        part.state = State.GIVEN
        try:
            with transaction.atomic():
                _say(ticket, answer, actor)
        except QuotaReached:
            raise
        except REFUSALS as refusal:
            part.state, part.refusal = State.REFUSED, str(refusal)[:300]
        part.save(update_fields=["state", "refusal"])


def _say(ticket: Ticket, answer: IncidentAnswer, actor: Actor) -> None:
    """With the status asked for, where the ticket may go there. Raises NotYours for who has left:
    nothing more is said in the name of somebody whose way in was closed meanwhile."""
    if not serving().filter(pk=answer.author_id).exists():
        raise NotYours
    body = fill(answer.body, values_for(ticket, answer.author))
    files = [_shared(file) for file in answer.files.all()]
    if answer.status in allowed_transitions(ticket.status, Role.AGENT):
        to = TicketStatus(answer.status)
        change_status(ticket=ticket, to=to, actor=actor, answer=body, files=files)
    else:
        add_comment(ticket=ticket, actor=actor, body=body, files=files)


def _shared(file: IncidentFile) -> NewFile:
    kept = str(file.file)
    return NewFile(file.name, file.size, file.content_type, stored=kept, is_shared=True)


def answers_under_way() -> list[int]:
    begun = IncidentAnswer.objects.filter(finished_at=None).order_by("pk")
    return list(begun.values_list("pk", flat=True)[:PARTS_A_CALL])


def with_progress(answers: Iterable[IncidentAnswer]) -> list[IncidentAnswer]:
    """Answers with the `number` of their tickets, how many have it (`given`), or do not get it."""
    counts = {
        "given": Count("parts", filter=Q(parts__state=State.GIVEN)),
        "refused": Count("parts", filter=Q(parts__state=State.REFUSED)),
        "number": Count("parts"),
    }
    rows = IncidentAnswer.objects.filter(pk__in=[row.pk for row in answers])
    rows = rows.select_related("author").prefetch_related("files")
    return list(rows.annotate(**counts).order_by("-pk"))
