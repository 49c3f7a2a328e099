"""Login, passwords, profile: Django's pages with our words."""

from axes.helpers import get_cool_off
from axes.utils import reset as forgive_failed_logins
from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import PasswordResetForm, SetPasswordForm
from django.contrib.messages.views import SuccessMessageMixin
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.client_ip import client_ip
from accounts.models import User
from portal.forms.people import (
    LoginForm,
    NewPasswordForm,
    PasswordChangeForm,
    PasswordResetRequestForm,
)
from portal.requests import PortalRequest

RESETS_AN_HOUR = 20  # from one client address


class Login(auth_views.LoginView):
    form_class = LoginForm
    redirect_authenticated_user = True


def locked_out(request: HttpRequest, *_details: object) -> HttpResponse:
    """The limiter's answer. It names no account: an e-mail must not lead to a username."""
    cool_off = get_cool_off(request)
    minutes = round(cool_off.total_seconds() / 60) if cool_off else 0
    return render(request, "registration/locked_out.html", {"minutes": minutes}, status=429)


class PasswordChange(SuccessMessageMixin, auth_views.PasswordChangeView):
    form_class = PasswordChangeForm
    template_name = "portal/password_change.html"
    success_url = reverse_lazy("profile")
    success_message = gettext_lazy("Пароль изменён. На других устройствах вход завершён.")


class PasswordReset(auth_views.PasswordResetView):
    form_class = PasswordResetRequestForm
    template_name = "portal/password_reset.html"

    def form_valid(self, form: PasswordResetForm) -> HttpResponse:
        if _is_flood_of_resets(self.request):
            return redirect(self.get_success_url())  # the same answer, whoever is asked for
        return super().form_valid(form)


def _is_flood_of_resets(request: HttpRequest) -> bool:
    """Whether an address has asked too often this hour: each request queues a task.

    Without Redis every web process counts for itself; a few times the limit does no harm.
    """
    hour = f"password-reset:{client_ip(request)}:{timezone.now():%Y%m%d%H}"
    cache.add(hour, 0, 3600)
    try:
        return cache.incr(hour) > RESETS_AN_HOUR
    except ValueError:  # a full cache dropped the count between the two lines
        return False


class PasswordResetDone(auth_views.PasswordResetDoneView):
    template_name = "portal/password_reset_done.html"


class PasswordResetConfirm(SuccessMessageMixin, auth_views.PasswordResetConfirmView):
    form_class = NewPasswordForm
    template_name = "portal/password_reset_confirm.html"
    success_url = reverse_lazy("login")
    success_message = gettext_lazy("Пароль сохранён. Войдите с новым паролем.")

    def form_valid(self, form: "SetPasswordForm[User]") -> HttpResponse:
        forgive_failed_logins(username=form.user.get_username())
        return super().form_valid(form)


def profile(request: PortalRequest) -> HttpResponse:
    return render(request, "portal/profile.html")
