"""/healthz: the process answers. /readyz: the product works, with the reason when it does not."""

from datetime import timedelta

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from telegram_bot.models import BotHeartbeat
from telegram_bot.portal import ALIVE_FOR
from tickets.delivery import channels, next_rows

LAG = timedelta(seconds=60)


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers, the bot lives and no delivery is overdue; else 503."""
    try:
        problems = _problems()
    except DatabaseError:
        problems = ["database"]
    return JsonResponse(
        {"ready": not problems, "problems": problems}, status=503 if problems else 200
    )


def _problems() -> list[str]:
    now = timezone.now()
    problems = [
        f"{name} deliveries overdue"
        for name in channels()
        if next_rows(name).filter(due_at__lt=now - LAG).exists()
    ]
    if not BotHeartbeat.objects.filter(seen_at__gt=now - ALIVE_FOR).exists():
        problems.append("bot not running")
    return problems
