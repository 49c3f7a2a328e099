"""«Профиль»: who one is, e-mail and its confirmation, where one is signed in."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from accounts.identity import (
    EmailLinkVoid,
    IdentityRefused,
    cancel_email_change,
    change_profile,
    confirm_email_change,
    request_email_change,
    resend_email_change,
)
from accounts.models import EmailChange, User
from accounts.news import email_change_of
from accounts.quotas import QuotaReached
from accounts.second_factor import codes_left, since_when
from accounts.security import Kind, origin_of, record
from accounts.sessions import end_sessions, sessions_of
from accounts.time_zones import ZONES, zone_label
from portal.forms.people import EmailChangeForm
from portal.forms.settings import ProfileForm
from portal.requests import SENT_BEFORE, PortalRequest, form_of, sent_form
from portal.views.errors import too_often
from tickets.attachments import NewFile
from tickets.forms import Made, once
from tickets.refusals import KeyReused

SESSIONS_SHOWN = 20
ASKED_BEFORE = gettext_lazy(
    "Письмо на прежний адрес уже отправлено. Чтобы указать новый, отправьте форму ещё раз."
)


def profile(request: PortalRequest) -> HttpResponse:
    change = EmailChange.objects.filter(user=request.user).first()
    this_session = request.session.session_key
    context = {
        "change": change if change and not change.has_expired(timezone.now()) else None,
        "sessions": sessions_of(request.user, first=this_session)[:SESSIONS_SHOWN],
        "this_session": this_session,
        **_second_factor(request.user),
        "zone": zone_label(request.user.time_zone) if request.user.time_zone in ZONES else "",
    }
    return render(request, "portal/profile.html", context)


def _second_factor(user: User) -> dict[str, Any]:
    """What staff reads of it; customers have none."""
    since = since_when(user) if user.is_staff else None
    return {
        "second_factor_since": since,
        "codes_left": codes_left(user) if since else 0,
        "second_factor_demanded": settings.STAFF_2FA,
    }


def profile_edit(request: PortalRequest) -> HttpResponse:
    names = ("first_name", "last_name", "time_zone")
    shown = {name: getattr(request.user, name) for name in names}
    form = ProfileForm(request.POST or None, initial=shown)
    if request.method == "POST" and form.is_valid():
        try:
            change_profile(request.user, **form.cleaned_data)
        except QuotaReached as refusal:
            form.add_error(None, str(refusal))
            return too_often(render(request, "portal/profile_edit.html", {"form": form}), refusal)
        messages.success(request, _("Сохранено."))
        return redirect("profile")
    return render(request, "portal/profile_edit.html", {"form": form})


def email_change(request: PortalRequest) -> HttpResponse:
    form = EmailChangeForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            done = once(
                sent_form(request, "email", {"email": form.cleaned_data["email"]}),
                partial(_ask_for_email, request, form.cleaned_data["email"]),
            )
        except IdentityRefused as refusal:
            form.add_error("email", str(refusal))
        except KeyReused:
            messages.warning(request, ASKED_BEFORE)
            form = EmailChangeForm(request, initial={"email": form.cleaned_data["email"]})
        else:
            text = _("Письмо отправляется на %(email)s. Откройте ссылку из него в течение суток.")
            _tell_of_letter(request, done.made, text)
            return redirect("profile")
    return render(request, "portal/email_change.html", {"form": form})


def _ask_for_email(request: PortalRequest, email: str, _files: Sequence[NewFile]) -> Made:
    change = request_email_change(user=request.user, email=email, origin=origin_of(request))
    return {"change": change.pk}


def _tell_of_letter(request: PortalRequest, made: Made, text: str) -> None:
    """That a letter is on its way: only while the change that it is about still waits."""
    change = EmailChange.objects.filter(user=request.user, pk=made["change"]).first()
    if change is None:
        messages.info(request, SENT_BEFORE)
    else:
        messages.success(request, text % {"email": change.email})


@form_of("profile")
def email_resend(request: PortalRequest) -> HttpResponse:
    def send_again(_files: Sequence[NewFile]) -> Made:
        return {"change": resend_email_change(user=request.user, origin=origin_of(request)).pk}

    try:
        done = once(sent_form(request, "email_again"), send_again)
    except IdentityRefused as refusal:
        messages.warning(request, str(refusal))
    else:
        _tell_of_letter(request, done.made, _("Письмо отправляется на %(email)s ещё раз."))
    return redirect("profile")


@form_of("profile")
def email_cancel(request: PortalRequest) -> HttpResponse:
    def cancel(_files: Sequence[NewFile]) -> Made:
        return {"ended": cancel_email_change(user=request.user, origin=origin_of(request))}

    done = once(sent_form(request, "email_cancel"), cancel)
    if not done.made["ended"]:
        messages.info(request, _("Отменять было нечего: смена почты уже завершена или отменена."))
    elif EmailChange.objects.filter(user=request.user).exists():
        messages.info(request, SENT_BEFORE)
    else:
        messages.success(request, _("Смена почты отменена. Действует прежняя почта."))
    return redirect("profile")


@never_cache
@login_not_required
def email_confirm(request: PortalRequest, token: str) -> HttpResponseBase:
    """The page behind the link of the letter; opening it changes nothing, since scanners do.

    Who asked for the change must be signed in: a mistyped address would else be a stranger's way
    in. Where an administrator asked, the mailbox is the only proof.
    """
    change = email_change_of(token)
    if change is None or change.has_expired(timezone.now()):
        return render(request, "portal/email_confirm.html", {"void": True}, status=410)
    if change.is_own and not request.user.is_authenticated:
        return redirect_to_login(request.path)
    if request.user.is_authenticated and request.user != change.user:
        return render(request, "portal/email_confirm.html", {"foreign": True}, status=403)
    if request.method != "POST":
        return render(request, "portal/email_confirm.html", {"change": change})
    try:
        confirm_email_change(change, origin=origin_of(request))
    except EmailLinkVoid:  # pressed twice, or ended at this moment
        return render(request, "portal/email_confirm.html", {"void": True}, status=410)
    except IdentityRefused as refusal:
        return render(request, "portal/email_confirm.html", {"refusal": refusal}, status=409)
    messages.success(request, _("Почта подтверждена: %(email)s.") % {"email": change.email})
    return redirect("profile" if request.user.is_authenticated else "login")


@form_of("profile")
def end_all_sessions(request: PortalRequest) -> HttpResponse:
    """«Выйти на всех устройствах»: on this one, too."""
    user = request.user
    with transaction.atomic():
        record(Kind.SESSIONS_ENDED, user=user, origin=origin_of(request))
        end_sessions(user)
        logout(request)
    messages.success(request, _("Вы вышли на всех устройствах."))
    return redirect("login")
