from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_ip(request: HttpRequest) -> str | None:
    """The address of the person: forwarded headers count only behind our own proxies."""
    address = _valid(request.META.get("REMOTE_ADDR", ""))  # empty behind a unix socket
    for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        forwarded = _valid(hop)
        if address not in settings.TRUSTED_PROXIES or forwarded is None:
            break
        address = forwarded
    return address


def is_own_proxy(request: HttpRequest) -> bool:
    return _valid(request.META.get("REMOTE_ADDR", "")) in settings.TRUSTED_PROXIES


def _valid(text: str) -> str | None:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return None
