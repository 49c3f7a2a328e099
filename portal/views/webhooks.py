"""Webhooks under «Интеграции»: added, changed, tried, and what they were told."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from accounts.models import Organization
from accounts.organizations import NotAdministrator
from accounts.quotas import QuotaReached
from accounts.security import origin_of
from portal.forms.webhooks import WebhookForm
from portal.requests import PortalRequest, sent_form
from portal.views.errors import too_often
from tickets.attachments import NewFile
from tickets.forms import Made, once
from tickets.models import Delivery
from tickets.queries import newest_page, read_number
from tickets.refusals import KeyReused
from webhooks import services
from webhooks.addresses import UrlRefused
from webhooks.models import Endpoint
from webhooks.services import WebhookRefused

SHOWN = 20  # deliveries of a page
REFUSALS = (UrlRefused, WebhookRefused, NotAdministrator, QuotaReached)


def webhook_new(request: PortalRequest) -> HttpResponse:
    return _webhook_new(request, None)


def organization_webhook_new(request: PortalRequest) -> HttpResponse:
    if not request.user.is_organization_administrator:
        return redirect("integrations")
    return _webhook_new(request, request.user.organization)


def _webhook_new(request: PortalRequest, organization: Organization | None) -> HttpResponse:
    form = WebhookForm(request.POST if request.method == "POST" else None)
    refusal = None
    if form.is_valid():
        try:
            return _add(request, form, organization)
        except KeyReused:
            text = _("Вебхук уже добавлен. Чтобы добавить ещё один, отправьте форму ещё раз.")
            messages.warning(request, text)
            form = WebhookForm(initial=form.cleaned_data)
        except REFUSALS as error:
            refusal = error
            form.add_error(None, str(refusal))
    page = render(request, "portal/webhook_form.html", {"form": form, "organization": organization})
    return too_often(page, refusal) if isinstance(refusal, QuotaReached) else page


@sensitive_variables("row", "added")
def _add(
    request: PortalRequest, form: WebhookForm, organization: Organization | None
) -> HttpResponse:
    """The answer to the press that added it is the only place where its secret is shown."""
    added: list[Endpoint] = []

    def add(_files: Sequence[NewFile]) -> Made:
        row = services.add_endpoint(
            by=request.user, organization=organization, origin=origin_of(request), **form.wanted()
        )
        added.append(row)
        return {"webhook": row.pk}

    purpose = f"webhook:{organization.pk}" if organization else "webhook"
    done = once(sent_form(request, purpose, form.wanted()), add)
    if not done.is_new:
        text = _("Вебхук уже добавлен. Секрет показывается один раз; новый можно создать здесь.")
        messages.warning(request, text)
        return redirect("integrations_webhook", done.made["webhook"])
    return _show_secret(request, added[-1], added[-1].secret)


@sensitive_variables("secret")
def _show_secret(request: PortalRequest, endpoint: Endpoint, secret: str) -> HttpResponse:
    context = {"webhook": endpoint, "secret": secret}
    return render(request, "portal/webhook_secret_made.html", context)


def webhook(request: PortalRequest, number: int) -> HttpResponse:
    """One endpoint, with what it was told: the newest first, page by page."""
    endpoint = _reachable(request, number)
    before = read_number(request.GET.get("before", ""))
    rows, older = newest_page(services.deliveries_of(endpoint), before, SHOWN)
    context = {"webhook": endpoint, "rows": rows, "older": older, "is_first": before is None}
    return render(request, "portal/webhook.html", context)


def webhook_change(request: PortalRequest, number: int) -> HttpResponse:
    endpoint = _reachable(request, number)
    kept = {"url": endpoint.url, "kinds": endpoint.kinds}
    form = WebhookForm(request.POST if request.method == "POST" else None, initial=kept)
    refusal = None
    if form.is_valid():
        try:
            services.change_endpoint(
                endpoint, by=request.user, origin=origin_of(request), **form.wanted()
            )
        except REFUSALS as error:
            refusal = error
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Вебхук изменён."))
            return redirect("integrations_webhook", endpoint.pk)
    page = render(request, "portal/webhook_form.html", {"form": form, "webhook": endpoint})
    return too_often(page, refusal) if isinstance(refusal, QuotaReached) else page


@sensitive_variables("secret")
def webhook_secret(request: PortalRequest, number: int) -> HttpResponse:
    endpoint = _reachable(request, number)
    if request.method != "POST":
        return render(request, "portal/webhook_secret.html", {"webhook": endpoint})
    try:
        secret = services.change_secret(endpoint, by=request.user, origin=origin_of(request))
    except REFUSALS as refusal:
        messages.warning(request, str(refusal))
        return redirect("integrations_webhook", number)
    return _show_secret(request, endpoint, secret)


def webhook_remove(request: PortalRequest, number: int) -> HttpResponse:
    endpoint = _reachable(request, number)
    if request.method != "POST":
        return render(request, "portal/webhook_remove.html", {"webhook": endpoint})
    try:
        services.remove_endpoint(endpoint, by=request.user, origin=origin_of(request))
    except REFUSALS as refusal:
        messages.warning(request, str(refusal))
        return redirect("integrations_webhook", number)
    messages.success(request, _("Вебхук удалён."))
    return redirect("integrations")


@require_POST
def webhook_switch(request: PortalRequest, number: int) -> HttpResponse:
    is_on = request.POST.get("on") == "1"
    done = _("Вебхук включён.") if is_on else _("Вебхук отключён.")
    return _act(request, number, done, services.set_on, is_on=is_on, origin=origin_of(request))


@require_POST
def webhook_test(request: PortalRequest, number: int) -> HttpResponse:
    done = _("Пробное событие отправляется. Обновите страницу через несколько секунд.")
    return _act(request, number, done, services.send_test)


@require_POST
def webhook_again(request: PortalRequest, number: int, delivery: int) -> HttpResponse:
    rows = Delivery.objects.filter(channel=services.CHANNEL, address=str(number))
    row = get_object_or_404(rows, pk=delivery)
    done = _("Событие отправляется повторно с тем же webhook-id.")
    return _act(request, number, done, services.send_again, delivery=row)


def _act(
    request: PortalRequest, number: int, done: str, act: Callable[..., None], **given: Any
) -> HttpResponse:
    """One change of an endpoint, and back to its page."""
    endpoint = _reachable(request, number)
    try:
        act(endpoint, by=request.user, **given)
    except REFUSALS as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("integrations_webhook", number)


def _reachable(request: PortalRequest, number: int) -> Endpoint:
    return get_object_or_404(services.endpoints_within_reach(request.user), pk=number)
