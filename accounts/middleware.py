from collections.abc import Callable
from typing import Any, TypeVar, cast
from urllib.parse import unquote_plus

from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import add_never_cache_headers

from accounts.client_ip import client_ip, is_own_proxy
from accounts.security import browser_of
from accounts.sessions import SessionStore
from accounts.time_zones import times_of
from accounts.two_steps import lacks_second_step

GetResponse = Callable[[HttpRequest], HttpResponse]
View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def trusted_scheme(get_response: GetResponse) -> GetResponse:
    """Drop X-Forwarded-Proto unless our own proxy sent it: Django would believe anybody's."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not is_own_proxy(request):
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        return get_response(request)

    return middleware


def readable_request(get_response: GetResponse) -> GetResponse:
    """Read everything as UTF-8, and refuse an address with a NUL: PostgreSQL takes none.

    A form in another code ends in an error of Django's, also on the page that would tell of it.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        request.encoding = "utf-8"
        if "\0" in request.path or "\0" in unquote_plus(request.META.get("QUERY_STRING", "")):
            raise SuspiciousOperation("a NUL in the address")
        return get_response(request)

    return middleware


def two_steps(get_response: GetResponse) -> GetResponse:
    """A session that lacks the second step is nobody's: its person logs in anew."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if lacks_second_step(request):
            logout(request)
        return get_response(request)

    return middleware


def private_pages(get_response: GetResponse) -> GetResponse:
    """Pages of a signed-in person are never cached; their session ends after its idle time."""

    def keep_alive(request: HttpRequest, view: Any, *_parameters: Any) -> None:
        if request.user.is_authenticated and not getattr(view, "asks_by_itself", False):
            staff = request.user.is_staff
            age = settings.STAFF_SESSION_AGE if staff else settings.SESSION_COOKIE_AGE
            cast(SessionStore, request.session).keep_alive(age)

    def middleware(request: HttpRequest) -> HttpResponse:
        session = cast(SessionStore, request.session)
        session.address, session.browser = client_ip(request), browser_of(request)
        was_signed_in = request.user.is_authenticated  # the answer to a logout is private, too
        response = get_response(request)
        if was_signed_in or request.user.is_authenticated:
            add_never_cache_headers(response)
        return response

    middleware.process_view = keep_alive  # type: ignore[attr-defined]  # Django looks for it
    return middleware


def own_time_zone(get_response: GetResponse) -> GetResponse:
    """Who is signed in reads times in their own zone."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with times_of(request.user if request.user.is_authenticated else None):
            return get_response(request)

    return middleware


def asked_by_itself(view: View) -> View:
    """A view that open pages ask without their person: an idle session ends all the same."""
    view.asks_by_itself = True  # type: ignore[attr-defined]
    return view
