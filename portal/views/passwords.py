"""Login and passwords: Django's pages with our words."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from axes.utils import reset as forgive_failed_logins
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordResetForm, SetPasswordForm
from django.contrib.messages.views import SuccessMessageMixin
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy

from accounts.client_ip import counted_address
from accounts.guessing import is_own_password, may_ask_for_reset, wait_of
from accounts.identity import note_new_password
from accounts.letters import ask_for_reset
from accounts.models import User
from accounts.security import origin_of
from accounts.two_steps import PasswordStep
from portal.forms.people import (
    LoginForm,
    NewPasswordForm,
    PasswordChangeForm,
    PasswordResetRequestForm,
)
from portal.requests import PortalRequest, sent_form
from tickets.attachments import NewFile
from tickets.forms import Made, once, recall

PASSWORD_CHANGED = gettext_lazy("Пароль изменён. На других устройствах вход завершён.")


class Login(PasswordStep):
    form_class = LoginForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, sign_up=settings.SIGN_UP)


@method_decorator(login_not_required, name="dispatch")
class Logout(auth_views.LogoutView):
    """Also of whose session has ended: a login would lead them here, where a form is awaited."""

    http_method_names = ("get", "post")

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("ticket_list")


def locked_out(request: HttpRequest, *_details: object) -> HttpResponse:
    """The limiter's answer. It names no account: an e-mail must not lead to a username."""
    minutes = round(wait_of(request).total_seconds() / 60)
    context = {"minutes": minutes, "is_besieged": getattr(request, "is_besieged", False)}
    return render(request, "registration/locked_out.html", context, status=429)


class PasswordChange(auth_views.PasswordChangeView):
    form_class = PasswordChangeForm
    template_name = "portal/password_change.html"
    request: PortalRequest

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A form that comes again is answered as it was, if its new password is the one in force.

        Nothing that is made from a password is kept to tell.
        """
        new = request.POST.get("new_password1", "")
        if recall(sent_form(self.request, "password")) and is_own_password(request, new):
            return self._thank()
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: "SetPasswordForm[User]") -> HttpResponse:
        def change(_files: Sequence[NewFile]) -> Made:
            form.save()
            update_session_auth_hash(self.request, form.user)  # it goes on under another key
            note_new_password(user=form.user, origin=origin_of(self.request))
            return {}

        sending = sent_form(self.request, "password")
        once(replace(sending, key=None) if recall(sending) else sending, change)
        return self._thank()

    def _thank(self) -> HttpResponse:
        messages.success(self.request, PASSWORD_CHANGED)
        return redirect("profile")


class PasswordReset(auth_views.PasswordResetView):
    form_class = PasswordResetRequestForm
    template_name = "portal/password_reset.html"

    def form_valid(self, form: PasswordResetForm) -> HttpResponse:
        origin = replace(origin_of(self.request), address=counted_address(self.request))
        if may_ask_for_reset(origin):
            with transaction.atomic():
                ask_for_reset(form.cleaned_data["email"], origin=origin)
        return redirect(self.get_success_url())  # the same answer, whoever is asked for


class PasswordResetDone(auth_views.PasswordResetDoneView):
    template_name = "portal/password_reset_done.html"


class PasswordResetConfirm(SuccessMessageMixin, auth_views.PasswordResetConfirmView):
    form_class = NewPasswordForm
    template_name = "portal/password_reset_confirm.html"
    success_url = reverse_lazy("login")
    success_message = gettext_lazy("Пароль сохранён. Войдите с новым паролем.")

    def form_valid(self, form: "SetPasswordForm[User]") -> HttpResponse:
        with transaction.atomic():
            response = super().form_valid(form)
            forgive_failed_logins(username=form.user.get_username())
            origin = replace(origin_of(self.request), address=counted_address(self.request))
            note_new_password(user=form.user, origin=origin, by_link=True)
        return response
