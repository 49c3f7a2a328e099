from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy

from accounts.models import User
from tickets.forms import Sending, read_sending

SENT_BEFORE = gettext_lazy("Эта форма уже была отправлена раньше. Сейчас ничего не изменилось.")

if TYPE_CHECKING:
    from portal.standing import Standing


class PortalRequest(HttpRequest):
    """A request behind LoginRequiredMiddleware: somebody is signed in."""

    user: User
    standing: "Standing"  # once `standing_of` has read it


FormView = Callable[..., HttpResponse]


def form_of(page: str) -> Callable[[FormView], FormView]:
    """A view of a form that stands on the page of this name: any other method leads there.

    So does a login after which the browser asks for the address of the form.
    """

    def decorate(view: FormView) -> FormView:
        @wraps(view)
        def wrapped(request: PortalRequest, **given: int) -> HttpResponse:
            return view(request, **given) if request.method == "POST" else redirect(page)

        return wrapped

    return decorate


def is_script(request: HttpRequest) -> bool:
    """Whether the page's script sends the form: it keeps the files, and asks where to go."""
    return request.headers.get("Accept") == "application/json"


def lead(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """A redirect as the sender takes it: a script would follow it instead of its page."""
    if is_script(request) and isinstance(response, HttpResponseRedirect):
        return JsonResponse({"url": response.url})
    return response


def sent_form(
    request: PortalRequest, purpose: str, content: Mapping[str, Any] | None = None
) -> Sending:
    """A form about the person, not about a ticket, as it was sent."""
    return read_sending(request, user=request.user, purpose=purpose, content=content or {})
