"""Refusals as RFC 9457 has them: what went wrong, for programs by `code`, for people in words."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFilesSent,
)
from django.http import Http404, HttpResponse, UnreadablePostError
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions

from accounts.identity import IdentityRefused, RightMissing
from accounts.quotas import QuotaReached
from config.bodies import BodyIncomplete, TooManyBodies
from config.database import is_unavailable
from tickets.refusals import (
    AlreadyDone,
    AnswerMissing,
    AssigneeCannotServe,
    FactsChanged,
    FileRefused,
    KeyReused,
    NotYours,
    ProductUnavailable,
    TicketChanged,
    TicketClosed,
    TicketRefused,
    TooManyBytes,
    TooManyFiles,
    TooManyTickets,
)
from tickets.refusals_joining import MergeRefused, NoSuchTicket
from tickets.status import TransitionNotAllowed

CONTENT_TYPE = "application/problem+json"
NEVER_KEPT = "private, no-store"
UNAVAILABLE_FOR, BUSY_FOR, AN_HOUR = 60, 10, 3600  # seconds
ERRORS_SHOWN = 20
LONGEST_NAME = 100  # characters of a key that is named

TITLES = {
    400: _("Запрос не разобрать"),
    401: _("Нужен действующий токен"),
    403: _("На это нет права"),
    404: _("Такого здесь нет"),
    405: _("Этот метод здесь не работает"),
    406: _("В таком виде ответа нет"),
    408: _("Запрос шёл слишком долго"),
    409: _("Сейчас это невозможно"),
    411: _("Нужна длина запроса"),
    412: _("Заявка с тех пор изменилась"),
    413: _("Запрос слишком большой"),
    415: _("Такой вид запроса не принимается"),
    422: _("Так сделать нельзя"),
    429: _("Слишком часто"),
    500: _("Ошибка на нашей стороне"),
    503: _("Сервис сейчас недоступен"),
}
# What a status says where nobody knows more: the code and the words
BY_STATUS = {
    400: ("bad_request", _("Запрос составлен неверно.")),
    401: ("unauthenticated", _("Укажите действующий токен: «Authorization: Bearer vks_…».")),
    403: ("forbidden", _("У вас нет на это права.")),
    404: ("not_found", _("Здесь ничего нет, или вам это не видно.")),
    405: ("method_not_allowed", _("Что здесь можно делать, сказано в заголовке Allow.")),
    406: ("not_acceptable", _("Ответы приходят в виде application/json.")),
    408: ("body_incomplete", _("Тело запроса пришло не целиком или слишком медленно.")),
    411: ("length_required", _("Укажите Content-Length: тело неизвестной длины не принимается.")),
    413: ("too_large", _("Тело запроса больше допустимого.")),
    415: ("unsupported_media_type", _("Тело нужно в виде application/json, файлы — multipart.")),
    500: ("server_error", _("Мы уже знаем об ошибке. Попробуйте ещё раз позже.")),
    503: ("unavailable", _("Ничего не сохранено. Повторите тот же запрос чуть позже.")),
}
# The first that fits: the particular before the general
STATUSES: dict[type[Exception], int] = {
    KeyReused: 422,
    TicketChanged: 412,
    FactsChanged: 409,
    TicketClosed: 409,  # TicketMerged, too
    AlreadyDone: 409,
    TransitionNotAllowed: 409,
    NotYours: 403,
    RightMissing: 403,
    TooManyTickets: 429,
    QuotaReached: 429,
    TicketRefused: 422,
    IdentityRefused: 422,
}
# What programs are told where the domain speaks to somebody with a page before them
WORDS: dict[type[Exception], Any] = {
    KeyReused: _("Этот Idempotency-Key уже был у другого запроса."),
    TicketChanged: _(
        "Заявка изменилась с тех пор, как её прочитали. Ничего не сохранено: прочитайте её снова."
    ),
    FactsChanged: _(
        "Это только что изменил другой специалист. Ничего не сохранено: прочитайте заявку снова."
    ),
}
# The key of a body that a refusal is about
KEYS: dict[type[Exception], str] = {
    ProductUnavailable: "product",
    AssigneeCannotServe: "assignee",
    AnswerMissing: "answer",
    MergeRefused: "into",
    NoSuchTicket: "into",
    FileRefused: "files",
    TooManyFiles: "files",
    TooManyBytes: "files",
}


class Problem(Exception):
    """An answer that says why not; `errors` are made by `error_at`."""

    def __init__(
        self,
        status: int,
        code: str = "",
        detail: object = "",
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        usual = BY_STATUS.get(status, ("", ""))
        self.status, self.code, self.detail = status, code or usual[0], detail or usual[1]
        self.errors, self.headers = errors, dict(headers or {})

    @property
    def body(self) -> dict[str, Any]:
        body = {
            "type": f"{settings.PORTAL_URL}/api/v1/docs/#{self.code}",
            "title": str(TITLES[self.status]),
            "status": self.status,
            "detail": str(self.detail),
            "code": self.code,
        }
        return body | ({"errors": list(self.errors[:ERRORS_SHOWN])} if self.errors else {})


def pointer(*keys: object) -> str:
    """A place in the body: a JSON pointer as a fragment of an address."""
    names = (str(key)[:LONGEST_NAME].replace("~", "~0").replace("/", "~1") for key in keys)
    return "#" + "".join(f"/{quote(name, safe='~')}" for name in names)


def error_at(place: str, code: str, detail: object) -> dict[str, str]:
    return {"pointer": place, "detail": str(detail), "code": code}


def write(problem: Problem, response: HttpResponse) -> HttpResponse:
    """Let an answer, which keeps its other headers, be the problem."""
    response.status_code = problem.status
    response.content = json.dumps(problem.body, ensure_ascii=False).encode()
    response["Content-Type"] = CONTENT_TYPE
    response["Cache-Control"] = NEVER_KEPT
    if response.has_header("Content-Length"):
        response["Content-Length"] = str(len(response.content))
    for name, value in problem.headers.items():
        response[name] = value
    return response


def answer_to(error: Exception, _context: Any) -> HttpResponse | None:
    """What a view answers to an exception; None for a fault of ours, which is logged and a 500."""
    problem = problem_of(error)
    return write(problem, HttpResponse()) if problem else None


def problem_of(error: Exception) -> Problem | None:
    if isinstance(error, Problem):
        return error
    for kind, status in STATUSES.items():
        if isinstance(error, kind):
            return _refused(error, status)
    if isinstance(error, Http404):
        return Problem(404)
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    return _unread(error) or (_unavailable() if is_unavailable(error) else None)


def _refused(error: Exception, status: int) -> Problem:
    code: str = getattr(error, "code", "refused")
    key = next((key for kind, key in KEYS.items() if isinstance(error, kind)), None)
    errors = [error_at(pointer(key), code, error)] if key else []
    headers = {}
    if status == 429:
        headers["Retry-After"] = str(getattr(error, "seconds", AN_HOUR))
    words = WORDS.get(type(error), error)
    return Problem(status, code, words, errors=errors, headers=headers)


def _of_framework(error: exceptions.APIException) -> Problem:
    if isinstance(error, exceptions.ValidationError):
        return invalid(error.detail)
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return unauthenticated()
    if isinstance(error, exceptions.PermissionDenied):
        return Problem(403, "csrf_failed", _("Запросу с сеансом портала нужен X-CSRFToken."))
    return Problem(error.status_code)


def unauthenticated() -> Problem:
    """One and the same for every stranger, whatever is wrong with the token."""
    return Problem(401, headers={"WWW-Authenticate": "Bearer"})


def invalid(detail: Any) -> Problem:
    """Of what serializers found: each place in the body with its reasons."""
    detail_of_all = _("Проверьте ключи тела: они названы в errors.")
    return Problem(400, "invalid", detail_of_all, errors=list(_errors(detail)))


def _errors(found: Any, *keys: object) -> Iterator[dict[str, str]]:
    if isinstance(found, dict):
        for key, inner in found.items():
            yield from _errors(inner, *keys, key)
        return
    for reason in found:
        yield error_at(pointer(*keys), reason.code, reason)


def _unread(error: Exception) -> Problem | None:
    """Requests that nobody can read, or that nobody waits for."""
    match error:
        case RequestDataTooBig() | TooManyFilesSent():
            return Problem(413)
        case TooManyBodies():
            return Problem(503, headers={"Retry-After": str(BUSY_FOR)})
        case BodyIncomplete() | UnreadablePostError():
            return Problem(408)
        case BadRequest() | SuspiciousOperation():
            return Problem(400)
    return None


def _unavailable() -> Problem:
    return Problem(503, headers={"Retry-After": str(UNAVAILABLE_FOR)})
