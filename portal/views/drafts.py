"""Where the pages of portal and desk keep words that are not sent yet."""

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from accounts.models import User
from portal.lost_forms import hold_lost_form
from tickets.drafts import forget_words, read_browser, read_mark, save_draft
from tickets.forms import is_sent, read_key
from tickets.refusals import TextTooLong

SAVES_A_MINUTE = 30  # a person; the script saves some seconds after typing stops


@login_not_required
@require_http_methods(["GET", "POST"])
def drafts(request: HttpRequest) -> HttpResponse:
    """GET: whether a form was sent, by its key. POST: the words of a form, or their end."""
    user = request.user
    if not isinstance(user, User):
        response = HttpResponse(status=401)
        hold_lost_form(request, response)
        return response
    if request.method == "GET":
        key = read_key(request.GET.get("key", ""))
        return JsonResponse({"sent": bool(key and is_sent(user, key))})
    return _clear(request, user) if "clear" in request.POST else _save(request, user)


def _save(request: HttpRequest, user: User) -> HttpResponse:
    mark = read_mark(request.POST.get("author", ""))
    if mark is None or mark.user_id != user.pk:
        return HttpResponse(status=403)
    if _is_flood(user):
        return HttpResponse(status=429)
    try:
        save_draft(mark=mark, key=read_key(request.POST.get("key", "")), post=request.POST)
    except TextTooLong:
        return HttpResponse(status=413)
    return HttpResponse(status=204)


def _clear(request: HttpRequest, user: User) -> HttpResponse:
    mark = read_mark(request.POST.get("author", ""))
    if mark and mark.user_id == user.pk:
        forget_words(mark=mark, browser=read_browser(request.COOKIES))
    back = request.POST.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    return redirect(back if is_ours else "ticket_list")


def _is_flood(user: User) -> bool:
    count = f"drafts:{user.pk}"
    cache.add(count, 0, 60)
    try:
        return cache.incr(count) > SAVES_A_MINUTE
    except ValueError:  # a full cache dropped the count between the two lines
        return False
