"""«Интеграции»: with what programs come in, and what they are told."""

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from accounts.identity import IdentityRefused
from accounts.models import ApiToken, Organization, TokenState
from accounts.organizations import NotAdministrator
from accounts.quotas import QuotaReached
from accounts.security import origin_of
from accounts.token_form import TokenForm
from accounts.tokens import OF_CUSTOMERS, revoke_token, tokens_of
from portal.requests import PortalRequest, sent_form
from portal.views.errors import too_often
from tickets.token_forms import TokenMadeBefore, make_token_once
from webhooks.services import endpoints_of

TOKENS_SHOWN = 40  # twice as many as may be in force


def integrations(request: PortalRequest) -> HttpResponse:
    user = request.user
    context = {"tokens": tokens_of(user)[:TOKENS_SHOWN], "webhooks": endpoints_of(user)}
    if user.organization and user.is_organization_administrator:
        context["shared_tokens"] = tokens_of(user.organization)[:TOKENS_SHOWN]
        context["shared_webhooks"] = endpoints_of(user.organization)
    return render(request, "portal/integrations.html", context)


def token_new(request: PortalRequest) -> HttpResponse:
    if request.user.is_staff:
        return redirect("admin:own_tokens")
    return _token_new(request, None)


def organization_token_new(request: PortalRequest) -> HttpResponse:
    if not request.user.is_organization_administrator:
        return redirect("integrations")
    return _token_new(request, request.user.organization)


def _token_new(request: PortalRequest, organization: Organization | None) -> HttpResponse:
    typed = request.POST if request.method == "POST" else None
    form = TokenForm(typed, scopes=OF_CUSTOMERS)
    refusal = None
    if form.is_valid():
        try:
            return _make(request, form, organization)
        except TokenMadeBefore as made:
            messages.warning(request, str(made))
            form = TokenForm(initial=form.cleaned_data, scopes=OF_CUSTOMERS)
        except (IdentityRefused, NotAdministrator, QuotaReached) as error:
            refusal = error
            form.refuse(refusal)
    page = render(request, "portal/token_new.html", {"form": form, "organization": organization})
    return too_often(page, refusal) if isinstance(refusal, QuotaReached) else page


@sensitive_variables("text")
def _make(
    request: PortalRequest, form: TokenForm, organization: Organization | None
) -> HttpResponse:
    """The answer to the press that made it is the only place where its text is ever shown."""
    purpose = f"token:{organization.pk}" if organization else "token"
    token, text = make_token_once(
        sent_form(request, purpose, form.typed()),
        organization=organization,
        origin=origin_of(request),
        **form.wanted(),
    )
    context = {"token": token, "text": text}
    return render(request, "portal/token_made.html", context) if token else redirect("integrations")


def token_revoke(request: PortalRequest, number: int) -> HttpResponse:
    user = request.user
    whose = Q(user=user)
    if user.is_organization_administrator:
        whose |= Q(organization=user.organization)
    token = get_object_or_404(ApiToken.objects.filter(whose), pk=number)
    if request.method != "POST" and token.state == TokenState.IN_FORCE:
        return render(request, "portal/token_revoke.html", {"token": token})
    try:
        if request.method == "POST":
            revoke_token(token, origin=origin_of(request))
            messages.success(request, _("Токен отозван. Программы с ним больше не войдут."))
    except (IdentityRefused, NotAdministrator) as refusal:
        messages.warning(request, str(refusal))
    return redirect("integrations")
