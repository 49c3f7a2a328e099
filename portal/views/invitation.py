"""The page behind the link of an invitation: the first password."""

from dataclasses import replace

from axes.utils import reset as forgive_failed_logins
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.client_ip import counted_address
from accounts.invitations import InvitationVoid, accept_invitation, invitation_of
from accounts.security import origin_of
from portal.forms.people import NewPasswordForm


@sensitive_post_parameters()
@never_cache
@login_not_required
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Opening it changes nothing, since scanners do."""
    found = invitation_of(token)
    if found is None:
        return _void(request)
    form = NewPasswordForm(found.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        origin = replace(origin_of(request), address=counted_address(request))
        try:
            accept_invitation(found, password=form.cleaned_data["new_password1"], origin=origin)
        except InvitationVoid:  # pressed twice, or replaced at this moment
            return _void(request)
        forgive_failed_logins(username=found.user.get_username())
        messages.success(request, _("Пароль сохранён. Войдите с ним."))
        return redirect("login")
    return render(request, "portal/invitation.html", {"form": form, "person": found.user})


def _void(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/invitation.html", {"void": True}, status=410)
