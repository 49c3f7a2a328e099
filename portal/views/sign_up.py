"""Signing up by oneself, where the setting SIGN_UP lets people."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.identity import IdentityRefused
from accounts.models import SignUp
from accounts.news import sign_up_of
from accounts.security import origin_of
from accounts.sign_up import ask_to_sign_up
from accounts.sign_up import sign_up as make_account
from portal.forms.sign_up import AccountForm, SignUpForm

View = Callable[..., HttpResponseBase]


def for_guests(view: View) -> View:
    """A page that is there while SIGN_UP is on, for who is not signed in."""

    @never_cache
    @login_not_required
    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.SIGN_UP:
            raise Http404
        if request.user.is_authenticated:
            return redirect("ticket_list")
        return view(request, *args, **kwargs)

    return wrapped


@for_guests
def sign_up(request: HttpRequest) -> HttpResponse:
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        ask_to_sign_up(form.cleaned_data["email"], origin=origin_of(request))
        return redirect("sign_up_sent")  # the same answer, whoever has this e-mail
    return render(request, "portal/sign_up.html", {"form": form})


@for_guests
def sign_up_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/sign_up_sent.html")


@for_guests
def sign_up_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link of the letter; opening it changes nothing, since scanners do."""
    asked = sign_up_of(token)
    if asked is None or asked.has_expired(timezone.now()):
        return render(request, "portal/sign_up_confirm.html", {"void": True}, status=410)
    form = AccountForm(asked.email, request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _make(request, asked, form)
    return render(request, "portal/sign_up_confirm.html", {"form": form, "asked": asked})


def _make(request: HttpRequest, asked: SignUp, form: AccountForm) -> HttpResponse:
    names = {name: form.cleaned_data[name] for name in ("first_name", "last_name", "password")}
    try:
        make_account(asked=asked, origin=origin_of(request), **names)
    except IdentityRefused as refusal:
        context = {"void": True, "refusal": refusal}
        return render(request, "portal/sign_up_confirm.html", context, status=409)
    messages.success(request, _("Аккаунт создан. Войдите с вашей почтой и паролем."))
    return redirect("login")
