"""A form that came too late: after its session ended, or after a login in another tab."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.shortcuts import render
from django.utils.translation import gettext as _

from tickets.drafts import (
    BROWSER_COOKIE,
    HELD_LIFETIME,
    HELD_SIZE,
    Mark,
    had_files,
    hold_words,
    new_browser,
    read_browser,
    read_mark,
)
from tickets.forms import read_key


class KeepingLoginRequiredMiddleware(LoginRequiredMiddleware):
    """Leads to the login, and keeps what a form said on the way there."""

    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseRedirect:
        response = super().handle_no_permission(request, view_func)
        if hold_lost_form(request, response):
            text = _("Сеанс завершён. Ваш текст сохранён: войдите снова, и он вернётся в форму.")
            messages.warning(request, text)
        return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page was opened before a login in another tab, or cookies are off."""
    held = HttpResponse()
    mark = hold_lost_form(request, held)
    context = {
        "held": mark is not None,
        "is_author": mark is not None and request.user.pk in (None, mark.user_id),
    }
    response = render(request, "403_csrf.html", context, status=403)
    response.cookies.update(held.cookies)
    return response


def hold_lost_form(request: HttpRequest, response: HttpResponseBase) -> Mark | None:
    """Hold the words of a POST for their author, whom its signed mark names."""
    if request.method != "POST" or not _is_small(request):
        return None
    mark = read_mark(request.POST.get("author", ""))
    if mark is None:
        return None
    browser = read_browser(request.COOKIES) or new_browser()
    key = read_key(request.POST.get("key", ""))
    files = bool(request.FILES) or had_files(request.POST)
    if not hold_words(mark=mark, browser=browser, key=key, post=request.POST, had_files=files):
        return None
    response.set_cookie(
        BROWSER_COOKIE,
        browser,
        max_age=HELD_LIFETIME,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return mark


def _is_small(request: HttpRequest) -> bool:
    """Told before anything is read, unless the check of the CSRF token has read it all already."""
    if hasattr(request, "_post"):
        return sum(len(str(text).encode()) for text in request.POST.values()) <= HELD_SIZE
    return int(request.META.get("CONTENT_LENGTH") or 0) <= HELD_SIZE
