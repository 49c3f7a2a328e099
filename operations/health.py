"""/healthz: the process answers. /readyz: the product works, with the reason when it does not."""

from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse

from tickets.readiness import problems, stamp_look


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database can be written to, the bot lives and the worker keeps up; else 503.

    What is left to set up is no reason to send people away: the desk's overview shows it.
    """
    try:
        found = _problems()
    except Error:
        found = ["database"]
    return JsonResponse({"ready": not found, "problems": found}, status=503 if found else 200)


def _problems() -> list[str]:
    stamp_look()
    return problems()
