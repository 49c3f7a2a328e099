"""«Организация»: who is in it, and what its administrators decide."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from accounts.models import JoinRequest, OrganizationRole, User
from accounts.organizations import (
    OrganizationRefused,
    ask_to_join,
    decide_join,
    organization_to_join,
    set_role,
    switch_sharing,
)
from accounts.quotas import QuotaReached
from accounts.security import origin_of
from portal.requests import PortalRequest, form_of

PEOPLE_SHOWN = 100
REQUESTS_SHOWN = 50


def organization(request: PortalRequest) -> HttpResponse:
    if request.user.organization is None:
        return _no_organization(request)
    people = User.objects.filter(organization=request.user.organization, is_active=True)
    found = list(people.order_by("organization_role", "first_name", "pk")[: PEOPLE_SHOWN + 1])
    context = {
        "organization": request.user.organization,
        "people": found[:PEOPLE_SHOWN],
        "are_more": len(found) > PEOPLE_SHOWN,
        "requests": _requests(request.user),
    }
    return render(request, "portal/organization.html", context)


def _no_organization(request: PortalRequest) -> HttpResponse:
    waiting = JoinRequest.objects.filter(user=request.user).select_related("organization").first()
    context = {"may_join": organization_to_join(request.user), "waiting": waiting}
    return render(request, "portal/organization_none.html", context)


def _requests(user: User) -> list[JoinRequest]:
    """Those that this person may decide."""
    if not user.is_organization_administrator:
        return []
    rows = JoinRequest.objects.filter(organization=user.organization).select_related("user")
    return list(rows.order_by("pk")[:REQUESTS_SHOWN])


def organization_sharing(request: PortalRequest) -> HttpResponse:
    """The switch, with what it means before it is moved."""
    user = request.user
    if not user.is_organization_administrator:
        return redirect("organization")
    if request.method != "POST":
        context = {"organization": user.organization}
        return render(request, "portal/organization_sharing.html", context)
    shares = request.POST.get("shares") == "yes"
    text = (
        _("Коллеги теперь видят заявки друг друга.")
        if shares
        else _("Теперь каждый видит только свои заявки.")
    )
    return _try(request, text, switch_sharing, by=user, shares=shares)


@form_of("organization")
def organization_join(request: PortalRequest) -> HttpResponse:
    text = _("Просьба отправлена. Когда по ней решат, пришлём письмо.")
    return _try(request, text, ask_to_join, user=request.user)


@form_of("organization")
def organization_decide(request: PortalRequest, number: int) -> HttpResponse:
    rows = JoinRequest.objects.filter(organization=request.user.organization_id)
    asked = get_object_or_404(rows, pk=number)
    accepts = request.POST.get("accept") == "yes"
    text = _("Человек принят в организацию.") if accepts else _("Просьба отклонена.")
    return _try(request, text, decide_join, request=asked, accepts=accepts)


@form_of("organization")
def organization_role(request: PortalRequest, number: int) -> HttpResponse:
    rows = User.objects.filter(organization=request.user.organization_id, is_active=True)
    person = get_object_or_404(rows.exclude(organization=None), pk=number)
    makes = request.POST.get("role") == OrganizationRole.ADMINISTRATOR
    role = OrganizationRole.ADMINISTRATOR if makes else OrganizationRole.MEMBER
    text = _("%(name)s теперь администратор.") if makes else _("%(name)s больше не администратор.")
    text %= {"name": person.short_name}
    return _try(request, text, set_role, by=request.user, person=person, role=role)


def _try(
    http_request: PortalRequest, text: str, act: Callable[..., object], **given: Any
) -> HttpResponse:
    """Do it, say what came of it, and lead back to the page that shows it."""
    try:
        act(**given, origin=origin_of(http_request))
    except (OrganizationRefused, QuotaReached) as refusal:
        messages.warning(http_request, str(refusal))
    else:
        messages.success(http_request, text)
    return redirect("organization")
