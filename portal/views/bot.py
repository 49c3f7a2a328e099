"""«Регистрация в чат-боте»: phone, consent, and how far the link with Telegram has come."""

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.client_ip import client_ip
from accounts.linking import LinkState, link_state
from accounts.services import register_for_bot, unlink_messenger, withdraw_registration
from portal.forms.people import BotRegistrationForm
from portal.requests import PortalRequest
from telegram_bot.models import TELEGRAM
from telegram_bot.services import send_test_message

TEST_MESSAGE_EVERY = 10  # seconds


def bot_registration(request: PortalRequest) -> HttpResponse:
    state = link_state(request.user, TELEGRAM)
    if state.registration and request.method != "POST":
        return render(request, "portal/bot_status.html", {"state": state})
    return _ask_phone(request, state)


def bot_phone(request: PortalRequest) -> HttpResponse:
    """The same form, for a registered person with another number."""
    state = link_state(request.user, TELEGRAM)
    return _ask_phone(request, state) if state.registration else redirect("bot_registration")


def _ask_phone(request: PortalRequest, state: LinkState) -> HttpResponse:
    form = BotRegistrationForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(request, "portal/bot_phone.html", {"form": form, "state": state})
    registration = register_for_bot(
        user=request.user,
        channel=TELEGRAM,
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
    return render(request, "portal/_bot_state.html", {"state": link_state(request.user, TELEGRAM)})


def bot_unlink(request: PortalRequest) -> HttpResponse:
    if request.method == "POST":
        unlink_messenger(user=request.user, channel=TELEGRAM)
        messages.success(request, _("Telegram отвязан. Бот больше не отвечает и не пишет вам."))
        return redirect("bot_registration")
    state = link_state(request.user, TELEGRAM)
    if state.account is None:
        return redirect("bot_registration")
    return render(request, "portal/bot_unlink.html", {"state": state})


def bot_withdraw(request: PortalRequest) -> HttpResponse:
    if request.method == "POST":
        withdraw_registration(user=request.user, channel=TELEGRAM)
        messages.success(request, _("Согласие отозвано. Бот больше не использует ваши данные."))
        return redirect("bot_registration")
    state = link_state(request.user, TELEGRAM)
    if state.registration is None:
        return redirect("bot_registration")
    return render(request, "portal/bot_withdraw.html", {"state": state})


@require_POST
def bot_test_message(request: PortalRequest) -> HttpResponse:
    if link_state(request.user, TELEGRAM).account is None:
        messages.warning(request, _("Сначала свяжите Telegram: писать пока некуда."))
    elif not cache.add(f"test-message:{request.user.pk}", True, TEST_MESSAGE_EVERY):
        messages.info(request, _("Сообщение уже отправляется. Ещё одно — через несколько секунд."))
    else:
        send_test_message(request.user)
        messages.success(request, _("Пробное сообщение отправляется в Telegram."))
    return redirect("bot_registration")
