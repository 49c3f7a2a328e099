"""«Мои токены API»: an agent's own, with what only agents' programs may do."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from accounts.identity import IdentityRefused
from accounts.models import Scope, TokenState, User
from accounts.quotas import QuotaReached
from accounts.security import origin_of
from accounts.token_form import TokenForm
from accounts.tokens import revoke_token, tokens_of
from desk.lists import agent_of
from tickets.forms import read_sending
from tickets.token_forms import TokenMadeBefore, make_token_once

TOKENS_SHOWN = 40  # twice as many as may be in force
SERVES = "tickets.view_ticket"


def own_tokens(request: HttpRequest) -> HttpResponse:
    """The list, and the form; the answer to the press that made a token shows its text, once."""
    agent = _serving_agent(request)
    form = TokenForm(request.POST if request.method == "POST" else None, scopes=Scope)
    if form.is_valid():
        try:
            return _make(request, agent, form)
        except TokenMadeBefore as refusal:
            messages.warning(request, str(refusal))
            form = TokenForm(initial=form.cleaned_data, scopes=Scope)
        except (IdentityRefused, QuotaReached) as refusal:
            form.refuse(refusal)
    return _page(request, agent, form=form)


@sensitive_variables("text")
def _make(request: HttpRequest, agent: User, form: TokenForm) -> HttpResponse:
    sending = read_sending(request, user=agent, purpose="own_token", content=form.typed())
    token, text = make_token_once(sending, at_desk=True, origin=origin_of(request), **form.wanted())
    return _page(request, agent, made=token, text=text, form=TokenForm(scopes=Scope))


def revoke(request: HttpRequest, number: int) -> HttpResponse:
    token = get_object_or_404(_serving_agent(request).api_tokens, pk=number)
    if request.method != "POST" and token.state == TokenState.IN_FORCE:
        title = _("Отозвать токен")
        context = {**admin.site.each_context(request), "title": title, "tokens": [token]}
        return TemplateResponse(request, "admin/revoke_tokens.html", context)
    if request.method == "POST":
        try:
            revoke_token(token, origin=origin_of(request))
            messages.success(request, _("Токен отозван. Программы с ним больше не войдут."))
        except IdentityRefused as refusal:
            messages.warning(request, str(refusal))
    return redirect("admin:own_tokens")


def _serving_agent(request: HttpRequest) -> User:
    if not request.user.has_perm(SERVES):
        raise PermissionDenied
    return agent_of(request)


def _page(request: HttpRequest, agent: User, *, form: TokenForm, **context: Any) -> HttpResponse:
    context |= {
        **admin.site.each_context(request),
        "title": _("Ошибка: ") * bool(form.errors) + _("Мои токены API"),
        "form": form,
        "tokens": tokens_of(agent)[:TOKENS_SHOWN],
    }
    return TemplateResponse(request, "admin/own_tokens.html", context)
