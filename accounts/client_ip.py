from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

NETWORK = 64  # bits of an IPv6 address that a provider gives to one customer at least


def client_ip(request: HttpRequest) -> str | None:
    """The address of the person: forwarded headers count only behind our own proxies."""
    address = _valid(request.META.get("REMOTE_ADDR", ""))  # empty behind a unix socket
    for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        forwarded = _valid(hop)
        if address not in settings.TRUSTED_PROXIES or forwarded is None:
            break
        address = forwarded
    return address


def counted_address(request: HttpRequest) -> str | None:
    """What the limits of guessing take for one place."""
    return network_of(client_ip(request))


def network_of(address: str | None) -> str | None:
    """Whoever has one IPv6 address has its whole /64: as many as they like."""
    if address is None or ":" not in address:
        return address
    return str(ip_network(f"{address}/{NETWORK}", strict=False).network_address)


def is_own_proxy(request: HttpRequest) -> bool:
    return _valid(request.META.get("REMOTE_ADDR", "")) in settings.TRUSTED_PROXIES


def _valid(text: str) -> str | None:
    """In one spelling: a socket of both kinds tells IPv4 in the form of IPv6; no scope."""
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)
