"""«Второй шаг входа» of the profile: for staff. What opens or closes it asks for the password."""

from collections.abc import Callable, Sequence
from functools import partial, wraps

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from accounts import second_factor
from accounts.identity import IdentityRefused
from accounts.models import User
from accounts.second_factor import AlreadyOn, app_url, has_second_factor, typed_secret
from accounts.security import origin_of
from accounts.two_steps import keep_secret, kept_secret, note_passed
from portal.forms.people import CodeForm, OwnPasswordForm
from portal.requests import FormView, PortalRequest, sent_form
from tickets.attachments import NewFile
from tickets.forms import Made, once

CODES_SHOWN = gettext_lazy("Коды показываются один раз. Если вы их не сохранили, создайте новые.")


def of_staff(view: Callable[[PortalRequest], HttpResponse]) -> FormView:
    """Customers have no second step, and so none of its pages."""

    @sensitive_post_parameters()
    @wraps(view)
    def wrapped(request: PortalRequest) -> HttpResponse:
        if not request.user.is_staff:
            raise Http404
        return view(request)

    return wrapped


@of_staff
def turn_on(request: PortalRequest) -> HttpResponse:
    """The password first; also for another phone in place of the one before."""
    form = OwnPasswordForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        keep_secret(request, second_factor.new_secret())
        return redirect("second_factor_app")
    return _password_page(request, form, "on")


@of_staff
def app(request: PortalRequest) -> HttpResponse:
    secret = kept_secret(request)
    if secret is None:
        return redirect("profile")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        code, origin = form.cleaned_data["otp"], origin_of(request)
        try:
            codes = second_factor.turn_on(
                user=request.user, secret=secret, code=code, origin=origin
            )
        except AlreadyOn as refusal:
            messages.info(request, str(refusal))
            return redirect("profile")
        except IdentityRefused as refusal:
            form.add_error("otp", str(refusal))
        else:
            note_passed(request)
            return codes_page(request, codes, after=reverse("profile"))
    return app_page(request, request.user, form, secret)


@of_staff
def codes(request: PortalRequest) -> HttpResponse:
    """Ten new ones, shown in answer to the form: kept nowhere, they cannot be shown again."""
    form = OwnPasswordForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        made: list[str] = []
        once(sent_form(request, "new_codes"), partial(_renew, request, made))
        if made:
            return codes_page(request, made, after=reverse("profile"))
        messages.info(request, CODES_SHOWN)
        return redirect("profile")
    return _password_page(request, form, "codes")


def _renew(request: PortalRequest, made: list[str], _files: Sequence[NewFile]) -> Made:
    made += second_factor.renew_codes(user=request.user, origin=origin_of(request))
    return {}


@of_staff
def turn_off(request: PortalRequest) -> HttpResponse:
    form = OwnPasswordForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            was_on = second_factor.turn_off(user=request.user, origin=origin_of(request))
        except IdentityRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            text = _("Второй шаг отключён.") if was_on else _("Второй шаг уже был отключён.")
            messages.success(request, text)
            return redirect("profile")
    return _password_page(request, form, "off")


def app_page(
    request: HttpRequest, person: User, form: CodeForm, secret: str, *, is_plain: bool = False
) -> HttpResponse:
    """The secret as a picture and in letters, and the code that proves the app has it."""
    context = {
        "shell": _shell(is_plain=is_plain),
        "is_plain": is_plain,
        "person": person,
        "form": form,
        "url": app_url(person, secret),
        "secret": typed_secret(secret),
    }
    return render(request, "portal/second_factor_app.html", context)


def codes_page(
    request: HttpRequest, codes: Sequence[str], *, after: str, is_plain: bool = False
) -> HttpResponse:
    context = {"shell": _shell(is_plain=is_plain), "codes": codes, "after": after}
    return render(request, "portal/second_factor_codes.html", context)


def _shell(*, is_plain: bool) -> str:
    return "portal/plain.html" if is_plain else "portal/base.html"


def _password_page(request: PortalRequest, form: OwnPasswordForm, act: str) -> HttpResponse:
    context = {
        "form": form,
        "act": act,
        "is_on": has_second_factor(request.user),
        "is_demanded": settings.STAFF_2FA,
    }
    return render(request, "portal/second_factor_password.html", context)
