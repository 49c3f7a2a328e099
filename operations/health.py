"""/healthz: the process answers. /readyz: the product works, with the reason when it does not."""

from datetime import datetime, timedelta

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from accounts.models import LinkPin
from telegram_bot.models import ALIVE_FOR, BotHeartbeat, TelegramFile
from tickets.delivery import channels, next_rows
from tickets.models import Delivery

LAG = timedelta(seconds=60)
FILES_LAG = timedelta(minutes=10)  # they are fetched one after another, and may be large


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
    now = timezone.now()
    late = now - LAG
    problems = [f"{name} deliveries overdue" for name in channels() if _stands_still(name, late)]
    # The due time of a letter nobody makes is moved on and on, so the first attempt is looked at.
    pins = LinkPin.objects.filter(closed_at=None, registration__user__is_active=True)
    if pins.filter(mail_attempts=0, created_at__lt=late).exists():
        problems.append("PIN mails overdue")
    if TelegramFile.objects.filter(fetched_at=None, due_at__lt=now - FILES_LAG).exists():
        problems.append("files overdue")
    if not BotHeartbeat.objects.filter(seen_at__gt=now - ALIVE_FOR).exists():
        problems.append("bot not running")
    return problems


def _stands_still(channel: str, late: datetime) -> bool:
    """Whether something is overdue and nothing leaves: a long line that moves is no problem."""
    overdue = next_rows(channel).filter(due_at__lt=late)
    sent = Delivery.objects.filter(channel=channel, sent_at__gt=late)
    return overdue.exists() and not sent.exists()
