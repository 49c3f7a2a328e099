"""Error pages for every face in the browser: who is to blame decides what is said."""

import sys
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers
from django.views import defaults

from accounts.quotas import QuotaReached
from config.bodies import BodyIncomplete, TooManyBodies
from config.database import is_unavailable

RETRY_AFTER = 60  # seconds
BUSY_FOR = 10  # seconds
KEPT_LENGTH = 200_000  # characters of typed text that go back to the person
SECRETS = ("password", "otp")  # a form that has one is to be filled in anew
TOKEN = "csrfmiddlewaretoken"  # noqa: S105 - the name of a field


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django calls a session that could not be saved interrupted, and blames the browser."""
    if is_unavailable(exception):
        return unavailable(request)
    if isinstance(exception, RequestDataTooBig | TooManyFilesSent):
        return too_large(request, has_files=isinstance(exception, TooManyFilesSent))
    if isinstance(exception, TooManyBodies):
        return busy(request)
    if isinstance(exception, BodyIncomplete):
        return render(request, "408.html", status=408)
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if is_unavailable(sys.exc_info()[1]):
        return unavailable(request)
    return defaults.server_error(request)


def too_large(request: HttpRequest, *, has_files: bool = False) -> HttpResponse:
    return render(request, "413.html", {"has_files": has_files}, status=413)


def busy(request: HttpRequest) -> HttpResponse:
    """Others are still sending so much that this form was not read."""
    response = render(request, "503_busy.html", status=503)
    response["Retry-After"] = str(BUSY_FOR)
    return response


def too_often(page: HttpResponse, refusal: QuotaReached) -> HttpResponse:
    """The page with the form and its words again: what it asks for has to wait."""
    page.status_code = 429
    page["Retry-After"] = str(refusal.seconds)
    return page


def unavailable(request: HttpRequest) -> HttpResponse:
    """The database cannot serve now. Nothing here may ask it: neither session nor user."""
    kept = _typed(request) if request.method == "POST" else []
    context = {
        "kept": kept,
        "path": request.get_full_path(),
        "file_fields": sorted(request.FILES) if kept else [],
        "token": get_token(request) if kept else "",
    }
    response = HttpResponse(render_to_string("503.html", context), status=503)
    response["Retry-After"] = str(RETRY_AFTER)
    add_never_cache_headers(response)
    return response


def _typed(request: HttpRequest) -> list[dict[str, Any]]:
    """The fields of a form to show again; nothing of a form that another site has sent."""
    try:
        if not _is_our_own(request) or any(
            word in name for name in request.POST for word in SECRETS
        ):
            return []
        fields: list[dict[str, Any]] = [
            {"name": name, "value": value, "is_text": "\n" in value or " " in value}
            for name, values in request.POST.lists()
            for value in values
            if name != TOKEN
        ]
    except Exception:  # a body that cannot be read any more
        return []
    return fields if sum(len(field["value"]) for field in fields) <= KEPT_LENGTH else []


def _is_our_own(request: HttpRequest) -> bool:
    """The database may fail before the form's token was looked at."""
    if getattr(request, "csrf_processing_done", False):
        return True
    check = CsrfViewMiddleware(lambda _request: HttpResponse())
    check.process_request(request)
    return check.process_view(request, unavailable, (), {}) is None
