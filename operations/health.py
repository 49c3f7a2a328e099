"""/healthz: the process answers. /readyz: the product works, with the reason when it does not."""

from datetime import timedelta

from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from accounts.services import are_pin_mails_late
from tickets.channels import LAG
from tickets.delivery import channels
from tickets.leases import process_name
from tickets.models import Lease

# Rows of the table of leases that nobody holds: when something was last done, and by whom
READINESS, WORKER = "readiness", "worker"
WORKER_SILENT_FOR = timedelta(minutes=2)  # it stamps every minute, give or take half of one


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database can be written to, the bot lives and the worker keeps up; else 503."""
    try:
        problems = _problems()
    except Error:
        problems = ["database"]
    return JsonResponse(
        {"ready": not problems, "problems": problems}, status=503 if problems else 200
    )


def stamp_worker() -> None:
    """A task of every minute: a worker that is stopped, or works no more, leaves no stamp."""
    _stamp(WORKER)


def _stamp(name: str) -> None:
    now = {"owner": process_name(), "until": timezone.now()}
    if not Lease.objects.filter(pk=name).update(**now):
        Lease.objects.update_or_create(name=name, defaults=now)


def _is_worker_silent() -> bool:
    """In a new installation the time counts from the first look.

    The queue cannot tell: a cluster whose workers died takes its tasks again and again.
    """
    stamp = Lease.objects.filter(pk=WORKER).first()
    if stamp is None:
        _stamp(WORKER)
        return False
    return stamp.until < timezone.now() - WORKER_SILENT_FOR


def _problems() -> list[str]:
    _stamp(READINESS)  # a database that can only be read looks well until it is written to
    problems = [problem for channel in channels().values() for problem in channel.problems()]
    if are_pin_mails_late(timezone.now() - LAG):
        problems.append("PIN mails overdue")
    if _is_worker_silent():
        problems.append("worker not running")
    return problems
