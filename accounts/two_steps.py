"""Logging in where a password alone lets nobody in: what is between the two steps.

Until the second step nobody is signed in: the session only remembers whose password was right.
"""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import User
from accounts.second_factor import has_second_factor, is_demanded_of, new_secret
from config.backoff import CLOCK_SKEW

HELD_FOR = timedelta(minutes=10)
_HELD = "after_password"
_PASSED = "second_step_passed"
_SECRET = "second_factor_key"  # noqa: S105 - where the session keeps it


class PasswordStep(LoginView):
    """The page of a password: lets in, or leads to the second step, and remembers where to."""

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        if not isinstance(user, User) or not is_demanded_of(user):
            return super().form_valid(form)
        hold(self.request, user, after=self.get_success_url())
        return redirect("second_step")


def hold(request: HttpRequest, user: User, *, after: str) -> None:
    """Remember a person whose password was right, under a new key of the session.

    `after` is an address that was checked. Whoever has no app yet gets its secret, too.
    """
    if request.user.is_authenticated:
        logout(request)  # somebody else's session
    request.session.cycle_key()
    request.session[_HELD] = {
        "user": user.pk,
        "backend": user.backend,
        "password": user.get_session_auth_hash(),
        "since": timezone.now().timestamp(),
        "after": after,
    }
    if not has_second_factor(user):
        keep_secret(request, new_secret())


def held_person(request: HttpRequest) -> User | None:
    """Whose password was right a moment ago; nobody any more once it or the account changed."""
    held = request.session.get(_HELD)
    if held is None or not _is_fresh(held["since"]):
        return None
    user = User.objects.filter(pk=held["user"], is_active=True).first()
    if user is None or not constant_time_compare(held["password"], user.get_session_auth_hash()):
        return None
    return user


def let_in(request: HttpRequest, user: User) -> str:
    """Sign in whoever passed the second step; returns where they wanted to."""
    held = request.session.pop(_HELD)
    login(request, user, backend=held["backend"])
    note_passed(request)
    return str(held["after"])


def note_passed(request: HttpRequest) -> None:
    """This session has passed the second step, and needs no secret any more."""
    request.session.pop(_SECRET, None)
    request.session[_PASSED] = True


def keep_secret(request: HttpRequest, secret: str) -> None:
    """In the session, so that nobody sees what another will put in force."""
    request.session[_SECRET] = secret


def kept_secret(request: HttpRequest) -> str | None:
    secret: str | None = request.session.get(_SECRET)
    return secret


def lacks_second_step(request: HttpRequest) -> bool:
    """Whether a session of staff began before all needed two steps, or before its person did."""
    user = request.user
    is_asked = settings.STAFF_2FA and user.is_authenticated and user.is_staff
    return bool(is_asked) and not request.session.get(_PASSED)


def wanted_page(request: HttpRequest) -> str:
    """Where whoever is between the steps wanted to, also when that took too long."""
    return str(request.session.get(_HELD, {}).get("after", ""))


def _is_fresh(since: float) -> bool:
    age = timezone.now().timestamp() - since
    return -CLOCK_SKEW.total_seconds() <= age < HELD_FOR.total_seconds()
