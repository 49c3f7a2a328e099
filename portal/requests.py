from django.http import HttpRequest

from accounts.models import User


class PortalRequest(HttpRequest):
    """A request behind LoginRequiredMiddleware: somebody is signed in."""

    user: User
