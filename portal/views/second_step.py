"""After the password: the code of the second step, or the app where one has to be set up first."""

from dataclasses import replace

from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.identity import IdentityRefused
from accounts.models import User
from accounts.second_factor import WrongCode, has_second_factor, turn_on
from accounts.security import origin_of
from accounts.two_steps import held_person, kept_secret, let_in, wanted_page
from portal.forms.people import CodeForm, RecoveryCodeForm
from portal.views.second_factor import app_page, codes_page


@sensitive_post_parameters("otp")
@never_cache
@login_not_required
def second_step(request: HttpRequest) -> HttpResponse:
    person = held_person(request)
    if person is None:
        return _begin_anew(request)
    if not has_second_factor(person):
        return _set_up(request, person)
    is_paper = "paper" in request.GET
    form = (RecoveryCodeForm if is_paper else CodeForm)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["otp"]
        if authenticate(request, username=person.get_username(), token=code):
            return redirect(let_in(request, person))
        form.add_error("otp", _wrong_code(is_paper=is_paper))
    context = {"form": form, "person": person, "is_paper": is_paper}
    return render(request, "registration/second_step.html", context)


def _wrong_code(*, is_paper: bool) -> str:
    if is_paper:
        return _("Код не подошёл: проверьте буквы. Использованный код второй раз не подходит.")
    return str(WrongCode())


def _begin_anew(request: HttpRequest) -> HttpResponse:
    """Nobody is between the steps: done in another tab, or it took too long."""
    if request.user.is_authenticated:
        return redirect("ticket_list")
    if page := wanted_page(request):
        messages.warning(request, _("Время на второй шаг вышло. Введите пароль ещё раз."))
        return redirect_to_login(page)
    return redirect("login")


def _set_up(request: HttpRequest, person: User) -> HttpResponse:
    """Where all staff needs two steps, whoever has no app sets it up before anything else."""
    secret = kept_secret(request)
    if secret is None:
        return redirect_to_login(wanted_page(request))  # it was reset meanwhile
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        origin = replace(origin_of(request), actor=person)
        try:
            codes = turn_on(
                user=person, secret=secret, code=form.cleaned_data["otp"], origin=origin
            )
        except IdentityRefused as refusal:
            form.add_error("otp", str(refusal))
        else:
            return codes_page(request, codes, after=let_in(request, person), is_plain=True)
    return app_page(request, person, form, secret, is_plain=True)
