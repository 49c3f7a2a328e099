from typing import Any

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.http import HttpRequest

from accounts.models import User
from accounts.second_factor import spend_code
from accounts.security import digest_of, origin_of
from accounts.two_steps import held_person


class UsernameOrEmailBackend(ModelBackend):
    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if not username or password is None:
            return None
        user = User.objects.by_login(username)
        if user is None:
            User().set_password(password)  # an unknown login takes as long as a wrong password
            return None
        return user if user.check_password(password) and self.user_can_authenticate(user) else None


class SecondStepBackend(BaseBackend):
    """The code after the password: by the same door, so that the same limiter stands before it."""

    def authenticate(  # type: ignore[override]  # Django passes over what does not fit
        self, request: HttpRequest | None, username: str | None = None, token: str | None = None
    ) -> User | None:
        user = held_person(request) if request and token else None
        if request is None or user is None or user.get_username() != username:
            return None
        return user if spend_code(user=user, code=token or "", origin=origin_of(request)) else None


def attempted_login(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str:
    """The name failed logins count under: username and e-mail of an account count as one.

    What is nobody's login may be somebody's password, so it is stored as a digest only.
    """
    source = credentials or (request.POST if request else {})
    login = str(source.get("username") or "")
    user = User.objects.by_login(login)
    return user.username if user else digest_of(login.lower())
