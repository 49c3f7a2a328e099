"""«Мои данные»: an archive of what is kept about oneself, and the end of one's account."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core import signing
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.models import User
from portal.forms.people import ErasureForm
from portal.requests import PortalRequest, sent_form
from tickets.attachments import NewFile
from tickets.erasures import is_erased, request_erasure, require_erasable
from tickets.exports import KEPT, archive_path, downloadable, export_of, request_export
from tickets.forms import KEY_LIFETIME, Made, once
from tickets.refusals import TicketRefused

SENDER = "portal.personal_data"
SENT_FOR = KEY_LIFETIME  # as long as any form that is sent again is known


def personal_data(request: PortalRequest) -> HttpResponse:
    if request.method == "POST":
        try:
            once(sent_form(request, "export"), partial(_ask_for_export, request.user))
        except TicketRefused as refusal:
            messages.warning(request, str(refusal))
        return redirect("personal_data")
    export = export_of(user=request.user, asked_by=request.user)
    until = export.ended_at + KEPT if export and export.ended_at else None
    context = {"export": export, "until": until, "kept_for": KEPT.days}
    return render(request, "portal/personal_data.html", context)


def _ask_for_export(user: User, _files: Sequence[NewFile]) -> Made:
    request_export(user=user, asked_by=user)
    return {}


def data_download(request: PortalRequest, number: UUID) -> HttpResponseBase:
    """For the one who asked for it; others cannot tell a foreign archive from none."""
    export = downloadable(number, request.user)
    if export is None:
        raise Http404
    try:
        content = archive_path(export.pk).open("rb")
    except FileNotFoundError:
        raise Http404 from None
    response = FileResponse(
        content,
        as_attachment=True,
        filename=f"personal-data-{export.asked_at:%Y-%m-%d}.zip",
        content_type="application/octet-stream",
    )
    response["Content-Security-Policy"] = "sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@login_not_required
def personal_data_erase(request: PortalRequest) -> HttpResponseBase:
    """A form that comes again after it has closed the account is answered as it was."""
    if request.method == "POST" and is_erased(_sender(request)):
        return _say_farewell(request)
    if not request.user.is_authenticated:
        return redirect_to_login(request.path)
    refusal = _refusal(request)
    form = ErasureForm(request, request.POST or None)
    if request.method == "POST" and refusal is None and form.is_valid():
        try:
            request_erasure(user=request.user, asked_by=request.user)
        except TicketRefused as refused:  # a ticket was opened at this moment
            refusal = refused
        else:
            request.session.flush()  # a logout would be recorded, with the address
            return _say_farewell(request)
    if request.method == "POST" and is_erased(request.user.pk):  # the other press was quicker
        return _say_farewell(request)
    sender = signing.dumps(request.user.pk, salt=SENDER)
    context = {"form": form, "refusal": refusal, "sender": sender}
    return render(request, "portal/personal_data_erase.html", context)


def _sender(request: HttpRequest) -> int | None:
    """Whose page the form stood on: its session is no more when the account is closed."""
    try:
        return int(signing.loads(request.POST.get("sender", ""), salt=SENDER, max_age=SENT_FOR))
    except signing.BadSignature:
        return None


def _say_farewell(request: HttpRequest) -> HttpResponse:
    text = _("Аккаунт закрыт, данные удаляются. Когда всё будет готово, придёт письмо.")
    messages.success(request, text)
    return redirect("login")


def _refusal(request: PortalRequest) -> TicketRefused | None:
    try:
        require_erasable(request.user)
    except TicketRefused as refusal:
        return refusal
    return None
