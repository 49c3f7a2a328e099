from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

from accounts.client_ip import is_own_proxy

GetResponse = Callable[[HttpRequest], HttpResponse]


def trusted_scheme(get_response: GetResponse) -> GetResponse:
    """Drop X-Forwarded-Proto unless our own proxy sent it: Django would believe anybody's."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not is_own_proxy(request):
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        return get_response(request)

    return middleware


def private_pages(get_response: GetResponse) -> GetResponse:
    """Pages of a signed-in person are never cached; staff sessions end after an idle hour."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and request.user.is_staff:
            request.session.set_expiry(settings.STAFF_SESSION_AGE)
        response = get_response(request)
        if request.user.is_authenticated:
            add_never_cache_headers(response)
        return response

    return middleware
