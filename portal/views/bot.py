from dataclasses import dataclass

from axes.helpers import get_cool_off
from axes.utils import reset as forgive_failed_logins
from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import PasswordResetForm, SetPasswordForm
from django.contrib.messages.views import SuccessMessageMixin
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.client_ip import client_ip
from accounts.forms import (
    BotRegistrationForm,
    LoginForm,
    NewPasswordForm,
    PasswordChangeForm,
    PasswordResetRequestForm,
)
from accounts.models import BotRegistration, LinkPin, TelegramAccount, User
from accounts.services import register_for_bot, unlink_telegram, withdraw_registration
from config.queue import enqueue

TEST_MESSAGE_EVERY = 10  # seconds
RESETS_AN_HOUR = 20  # from one client address


class PortalRequest(HttpRequest):
    """A request behind LoginRequiredMiddleware: somebody is signed in."""

    user: User


# Password pages: Django's, with our words


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
    """Count this request: each that is taken puts a task into the queue, for a stranger too.

    Without Redis every web process counts for itself; a few times the limit still is no flood.
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


# «Регистрация в чат-боте»


@dataclass(frozen=True)
class LinkState:
    """How far a person has come on the way from the portal to Telegram."""

    registration: BotRegistration | None = None
    telegram: TelegramAccount | None = None
    pin: LinkPin | None = None

    @property
    def name(self) -> str:
        if self.registration is None:
            return "unregistered"
        if self.telegram:
            return "linked"
        if self.pin is None:
            return "waiting_for_phone"
        if self.pin.sent_at is None:
            return "pin_leaving"
        expired = self.pin.expires_at is None or self.pin.expires_at <= timezone.now()
        return "pin_expired" if expired else "pin_sent"

    @property
    def step(self) -> int:
        """The step of the stepper that is to be done; 4 when all three are."""
        return {"unregistered": 1, "waiting_for_phone": 2, "linked": 4}.get(self.name, 3)


def link_state(user: User) -> LinkState:
    registration = user.registrations.filter(withdrawn_at=None).first()
    if registration is None:
        return LinkState()
    if telegram := TelegramAccount.objects.filter(user=user).first():
        return LinkState(registration, telegram)
    pins = LinkPin.objects.filter(registration=registration, closed_at=None)
    return LinkState(registration, None, pins.order_by("-created_at").first())


def bot_registration(request: PortalRequest) -> HttpResponse:
    state = link_state(request.user)
    if state.registration and request.method != "POST":
        return render(request, "portal/bot_status.html", {"state": state})
    return _ask_phone(request, state)


def bot_phone(request: PortalRequest) -> HttpResponse:
    """The same form for who is registered and has another number now."""
    state = link_state(request.user)
    return _ask_phone(request, state) if state.registration else redirect("bot_registration")


def _ask_phone(request: PortalRequest, state: LinkState) -> HttpResponse:
    form = BotRegistrationForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(request, "portal/bot_phone.html", {"form": form, "state": state})
    registration = register_for_bot(
        user=request.user,
        phone=form.cleaned_data["phone"],
        ip=client_ip(request),
        user_agent=request.headers.get("User-Agent", ""),
    )
    if state.registration is None:
        messages.success(request, _("Вы успешно зарегистрированы в чат-боте."))
    elif registration == state.registration:
        messages.info(request, _("Этот номер уже указан, ничего не изменилось."))
    else:
        messages.success(request, _("Номер изменён. Свяжите с ним Telegram заново."))
    return redirect("bot_registration")


def bot_registration_state(request: PortalRequest) -> HttpResponse:
    """The part of the page that a script asks for again and again."""
    return render(request, "portal/bot_state.html", {"state": link_state(request.user)})


def bot_unlink(request: PortalRequest) -> HttpResponse:
    if request.method == "POST":
        unlink_telegram(user=request.user)
        messages.success(request, _("Telegram отвязан. Бот больше не отвечает и не пишет вам."))
        return redirect("bot_registration")
    state = link_state(request.user)
    if state.telegram is None:
        return redirect("bot_registration")
    return render(request, "portal/bot_unlink.html", {"state": state})


def bot_withdraw(request: PortalRequest) -> HttpResponse:
    if request.method == "POST":
        withdraw_registration(user=request.user)
        messages.success(request, _("Согласие отозвано. Бот больше не использует ваши данные."))
        return redirect("bot_registration")
    state = link_state(request.user)
    if state.registration is None:
        return redirect("bot_registration")
    return render(request, "portal/bot_withdraw.html", {"state": state})


@require_POST
def bot_test_message(request: PortalRequest) -> HttpResponse:
    if link_state(request.user).telegram is None:
        messages.warning(request, _("Сначала свяжите Telegram: писать пока некуда."))
    elif not cache.add(f"test-message:{request.user.pk}", True, TEST_MESSAGE_EVERY):
        messages.info(request, _("Сообщение уже отправляется. Ещё одно — через несколько секунд."))
    else:
        enqueue("telegram_bot.tasks.send_test_message", request.user.pk)
        messages.success(request, _("Пробное сообщение отправляется в Telegram."))
    return redirect("bot_registration")
