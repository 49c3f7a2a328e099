from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User


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


def attempted_login(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str:
    """The name failed logins count under: username and e-mail of an account count as one."""
    source = credentials or (request.POST if request else {})
    login = str(source.get("username") or "")
    user = User.objects.by_login(login)
    return user.username if user else login.lower()
