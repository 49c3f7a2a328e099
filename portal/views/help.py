"""«Справка»: how everything works; for guests, too, since the bot leads them here."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.quotas import CHANGES
from config.numerals import plural
from tickets.attachments import MAX_FILES
from tickets.models import TITLE_LIMIT


@login_not_required
def help_page(request: HttpRequest) -> HttpResponse:
    context = {
        "layout": f"portal/{'base' if request.user.is_authenticated else 'plain'}.html",
        "title_limit": TITLE_LIMIT,
        "files_limit": MAX_FILES,
        "changes_limit": CHANGES.limit,
        "autoclose_after": _days(settings.TICKET_AUTOCLOSE_DAYS),
        "sign_up": settings.SIGN_UP,
    }
    return render(request, "portal/help.html", context)


def _days(number: int) -> str:
    """«7 дней»; empty when there is no such time."""
    return f"{number} {plural(number, 'день', 'дня', 'дней')}" if number else ""
