"""/healthz: the process answers. /readyz: the product works, with the reason when it does not."""

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from accounts.services import are_pin_mails_late
from tickets.channels import LAG
from tickets.delivery import channels


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers, the bot lives and the worker keeps up; else 503."""
    try:
        problems = _problems()
    except DatabaseError:
        problems = ["database"]
    return JsonResponse(
        {"ready": not problems, "problems": problems}, status=503 if problems else 200
    )


def _problems() -> list[str]:
    problems = [problem for channel in channels().values() for problem in channel.problems()]
    if are_pin_mails_late(timezone.now() - LAG):
        problems.append("PIN mails overdue")
    return problems
