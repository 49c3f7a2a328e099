"""«Уведомления»: what comes to the chat, what by mail."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.quotas import QuotaReached
from portal.forms.settings import NotificationsForm
from portal.requests import PortalRequest
from portal.views.errors import too_often
from tickets.agents import is_serving
from tickets.preferences import can_chat, choices_of, choose


def notifications(request: PortalRequest) -> HttpResponse:
    typed = request.POST if request.method == "POST" else None  # also with every mark taken away
    form = NotificationsForm(
        typed, choices=choices_of(request.user), is_agent=is_serving(request.user)
    )
    context = {"form": form, "can_chat": can_chat(request.user)}
    if request.method == "POST" and form.is_valid():
        try:
            choose(user=request.user, choices=form.chosen())
        except QuotaReached as refusal:
            messages.warning(request, str(refusal))
            return too_often(render(request, "portal/notifications.html", context), refusal)
        messages.success(request, _("Сохранено. Дальше сообщаем так, как вы выбрали."))
        return redirect("notifications")
    return render(request, "portal/notifications.html", context)
