"""Why the API may refuse: each code with its status and words, for the schema and its page."""

from dataclasses import dataclass
from functools import cache

from django.utils.translation import gettext_lazy as _

from accounts.identity import RightMissing
from accounts.models import Scope
from accounts.quotas import CHANGES, TooManyChanges
from api.problems import Problem, problem_of
from tickets.attachments import MAX_FILES
from tickets.models import TEXT_LIMIT, TITLE_LIMIT
from tickets.refusals import (
    AlreadyDone,
    AnswerMissing,
    AssigneeCannotServe,
    FactsChanged,
    FileRefused,
    KeyReused,
    NotRateable,
    NotRequester,
    NotYours,
    ProductUnavailable,
    TextRequired,
    TextTooLong,
    TicketChanged,
    TicketClosed,
    TicketMerged,
    TitleTooLong,
    TooLate,
    TooManyBytes,
    TooManyFiles,
    TooManyTickets,
)
from tickets.refusals_joining import (
    ColleaguesWouldRead,
    IncidentNotMerged,
    MergedWithItself,
    MergeTargetClosed,
    NoSuchTicket,
    StrangersNotMerged,
)
from tickets.status import TicketStatus, TransitionNotAllowed


@dataclass(frozen=True)
class Reason:
    code: str
    status: int
    detail: str
    body: dict[str, object]  # as it is answered


SAMPLES: tuple[Exception, ...] = (
    Problem(400),
    Problem(400, "bad_json", _("Тело запроса — не JSON по RFC 8259.")),
    Problem(400, "invalid", _("Проверьте ключи тела или параметры: они названы в errors.")),
    Problem(400, "bad_idempotency_key", _("Idempotency-Key — от 1 до 255 видимых знаков ASCII.")),
    Problem(401),
    Problem(403, "scope_missing", _("У токена нет права «%s».") % Scope.WRITE.value),
    Problem(403, "csrf_failed", _("Запросу с сеансом портала нужен X-CSRFToken.")),
    RightMissing(),
    NotYours(),
    NotRequester(),
    Problem(404),
    Problem(405),
    Problem(406),
    Problem(408),
    FactsChanged(),
    TicketClosed(),
    TicketMerged(1042, 1040),
    AlreadyDone(),
    TransitionNotAllowed(TicketStatus.CLOSED, TicketStatus.IN_PROGRESS),
    NotRateable(TicketStatus.NEW),
    Problem(411),
    TicketChanged(),
    Problem(413),
    Problem(415),
    KeyReused({}),
    Problem(422, "no_such_member", _("В организации нет сотрудника с такой почтой.")),
    ProductUnavailable(),
    NoSuchTicket(1040),
    TextRequired(),
    TitleTooLong(TITLE_LIMIT + 1, TITLE_LIMIT),
    TextTooLong(TEXT_LIMIT + 1, TEXT_LIMIT),
    FileRefused("Файлы .exe не принимаются: «setup.exe»."),
    TooManyFiles(MAX_FILES),
    AssigneeCannotServe(),
    AnswerMissing(TicketStatus.RESOLVED),
    TooLate(),
    MergedWithItself(),
    MergeTargetClosed(1040),
    StrangersNotMerged(),
    ColleaguesWouldRead(),
    IncidentNotMerged(),
    Problem(429, "too_many_requests", _("Слишком много запросов. Повторите через 42 с.")),
    TooManyTickets(),
    TooManyChanges(CHANGES.span),
    TooManyBytes(CHANGES.span),
    Problem(500),
    Problem(503),
    Problem(503, "files_not_stored", _("Файлы сохранить не удалось. Попробуйте ещё раз позже.")),
)


def _reason(sample: Exception) -> Reason:
    problem = problem_of(sample) or Problem(500)
    return Reason(problem.code, problem.status, str(problem.detail), problem.body)


@cache
def reasons() -> dict[str, Reason]:
    """By code, in the order of their statuses."""
    found = [_reason(sample) for sample in SAMPLES]
    return {one.code: one for one in sorted(found, key=lambda one: one.status)}
