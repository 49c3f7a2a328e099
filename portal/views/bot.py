"""«Регистрация в чат-боте»: phone, consent, and how far the link with Telegram has come."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.client_ip import client_ip
from accounts.linking import LinkState, link_state
from accounts.models import User
from accounts.quotas import QuotaReached
from accounts.security import origin_of
from accounts.services import register_for_bot, unlink_messenger, withdraw_registration
from portal.forms.people import BotRegistrationForm, PhoneChangeForm
from portal.requests import SENT_BEFORE, PortalRequest, form_of, sent_form
from portal.views.errors import too_often
from telegram_bot.models import TELEGRAM
from telegram_bot.services import send_test_message
from tickets.attachments import NewFile
from tickets.drafts import kept_words, read_browser
from tickets.forms import Made, once, recall
from tickets.refusals import KeyReused

TEST_MESSAGE_EVERY = 10  # seconds
PHONE_SAVED = {
    "first": (messages.SUCCESS, gettext_lazy("Вы успешно зарегистрированы в чат-боте.")),
    "none": (messages.INFO, gettext_lazy("Этот номер уже указан, ничего не изменилось.")),
    "phone": (messages.SUCCESS, gettext_lazy("Номер изменён. Свяжите с ним Telegram заново.")),
}


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
    if request.method != "POST":
        kept = kept_words(request.user, None, read_browser(request.COOKIES)).get("phone")
        form = _phone_form(request, initial=kept.body if kept else None)
        context = {"form": form, "state": state, "kept": kept}
        return render(request, "portal/bot_phone.html", context)
    form = _phone_form(request, request.POST)
    if not form.is_valid():
        return render(request, "portal/bot_phone.html", {"form": form, "state": state})
    phone = form.cleaned_data["phone"]
    sending = sent_form(request, "phone", {"value": phone})
    try:
        if recall(sending) is None and form.lacks_password():
            return render(request, "portal/bot_phone.html", {"form": form, "state": state})
        done = once(sending, partial(_register, request, phone))
    except KeyReused:
        text = _(
            "Прежний номер уже сохранён. Чтобы заменить его на новый, отправьте форму ещё раз."
        )
        messages.warning(request, text)
        form = _phone_form(request, initial={"phone": request.POST["phone"], "consent": True})
        return render(request, "portal/bot_phone.html", {"form": form, "state": state})
    except QuotaReached as refusal:
        form.add_error(None, str(refusal))
        page = render(request, "portal/bot_phone.html", {"form": form, "state": state})
        return too_often(page, refusal)
    level, words = PHONE_SAVED[done.made["change"]]
    messages.add_message(request, level, words)
    return redirect("bot_registration")


def _phone_form(request: PortalRequest, *args: Any, **kwargs: Any) -> BotRegistrationForm:
    """The first phone needs no password: without the PIN from the mailbox it opens nothing."""
    given = request.user.registrations.filter(channel=TELEGRAM).order_by("-pk").first()
    if given is None:
        return BotRegistrationForm(*args, **kwargs)
    return PhoneChangeForm(request, given.phone, *args, **kwargs)


def _register(request: PortalRequest, phone: str, _files: Sequence[NewFile]) -> Made:
    before = link_state(request.user, TELEGRAM).registration
    registration = register_for_bot(
        user=request.user,
        channel=TELEGRAM,
        phone=phone,
        ip=client_ip(request),
        user_agent=request.headers.get("User-Agent", ""),
        session_key=request.session.session_key,
    )
    change = "first" if before is None else "none" if registration == before else "phone"
    return {"change": change}


def bot_registration_state(request: PortalRequest) -> HttpResponse:
    """The part of the page that a script asks for again and again."""
    return render(request, "portal/_bot_state.html", {"state": link_state(request.user, TELEGRAM)})


def bot_unlink(request: PortalRequest) -> HttpResponse:
    if request.method == "POST":
        if refused := _end(request, "unlink", unlink_messenger):
            return refused
        if link_state(request.user, TELEGRAM).account:
            messages.info(request, SENT_BEFORE)
        else:
            messages.success(request, _("Telegram отвязан. Бот больше не отвечает и не пишет вам."))
        return redirect("bot_registration")
    state = link_state(request.user, TELEGRAM)
    if state.account is None:
        return redirect("bot_registration")
    return render(request, "portal/bot_unlink.html", {"state": state})


def bot_withdraw(request: PortalRequest) -> HttpResponse:
    if request.method == "POST":
        if refused := _end(request, "withdraw", withdraw_registration):
            return refused
        if link_state(request.user, TELEGRAM).registration:
            messages.info(request, SENT_BEFORE)
        else:
            messages.success(request, _("Согласие отозвано. Бот больше не использует ваши данные."))
        return redirect("bot_registration")
    state = link_state(request.user, TELEGRAM)
    if state.registration is None:
        return redirect("bot_registration")
    return render(request, "portal/bot_withdraw.html", {"state": state})


def _end(request: PortalRequest, purpose: str, end: Callable[..., None]) -> HttpResponse | None:
    """The page that asked for it, when it has to wait."""

    def act(_files: Sequence[NewFile]) -> Made:
        end(user=request.user, channel=TELEGRAM, origin=origin_of(request))
        return {}

    try:
        once(sent_form(request, purpose), act)
    except QuotaReached as refusal:
        messages.warning(request, str(refusal))
        state = link_state(request.user, TELEGRAM)
        page = render(request, f"portal/bot_{purpose}.html", {"state": state})
        return too_often(page, refusal)
    return None


@form_of("bot_registration")
def bot_test_message(request: PortalRequest) -> HttpResponse:
    if link_state(request.user, TELEGRAM).account is None:
        messages.warning(request, _("Сначала свяжите Telegram: писать пока некуда."))
    elif once(sent_form(request, "test"), partial(_send_test, request.user)).made["sent"]:
        messages.success(request, _("Пробное сообщение отправляется в Telegram."))
    else:
        messages.info(request, _("Сообщение уже отправляется. Ещё одно — через несколько секунд."))
    return redirect("bot_registration")


def _send_test(user: User, _files: Sequence[NewFile]) -> Made:
    may_send = cache.add(f"test-message:{user.pk}", True, TEST_MESSAGE_EVERY)
    if may_send:
        send_test_message(user)
    return {"sent": may_send}
