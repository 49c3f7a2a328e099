"""Which addresses a webhook may have: none that leads inside.

Asked twice: of the text when it is typed, and of each address that its name leads to when
something is sent, right before that very address is connected to (`webhooks/courier.py`).
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webhooks.models import URL_LIMIT

HTTPS_PORT = 443
GLOBAL_IPV6 = ip_network("2000::/3")
# What `is_global` of some Python takes for public, and forms that carry another address inside
NEVER = [
    ip_network(text)
    for text in (
        "192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32",  # the last: inside of a cloud
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
]  # fmt: skip
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
LOOKS_NUMERIC = re.compile(r"0x[0-9a-f]*|[0-9]+")
INSIDE = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain")
SAFE_IN_PATH = "/%:@!$&'()*+,;=~-._?"


class UrlRefused(Exception):
    """An address that no webhook may have. `str()` is for people."""

    code: ClassVar[str] = "url_refused"
    words: ClassVar[Any] = gettext_lazy("Это не адрес: нужен вида https://hooks.example.com/путь.")

    def __str__(self) -> str:
        return str(self.words)


class NotHttps(UrlRefused):
    code = "not_https"
    words = gettext_lazy("Нужен адрес, который начинается с https://: иначе ответы поддержки шли "
                         "бы по сети открыто.")  # fmt: skip


class PortRefused(UrlRefused):
    code = "port_refused"
    words = gettext_lazy("Порт может быть только 443: уберите его из адреса.")


class UserInUrl(UrlRefused):
    code = "user_in_url"
    words = gettext_lazy("Уберите из адреса имя и пароль перед знаком @: отправителя подтверждает "
                         "подпись.")  # fmt: skip


class LeadsInside(UrlRefused):
    code = "leads_inside"
    words = gettext_lazy("Этот адрес ведёт во внутреннюю сеть. Нужен доступный из интернета.")


class OddAddress(UrlRefused):
    code = "odd_address"
    words = gettext_lazy("Запишите имя сервера обычным образом, без точки в конце и без чисел в "
                         "особой записи.")  # fmt: skip


class UrlTooLong(UrlRefused):
    code = "url_too_long"

    def __str__(self) -> str:
        return _("Адрес не должен быть длиннее %(limit)d символов.") % {"limit": URL_LIMIT}


def clean_url(text: str) -> str:
    """The address as it is kept and sent to, its name in ASCII. Raises UrlRefused."""
    text = text.strip()
    if len(text) > URL_LIMIT:
        raise UrlTooLong
    if not text.isprintable() or re.search(r"[\s\\]", text):
        raise UrlRefused
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UrlRefused from None
    scheme = _clean_scheme(parts.scheme)
    if "@" in parts.netloc:
        raise UserInUrl
    if port not in (None, HTTPS_PORT) and not settings.WEBHOOK_ALLOW_PRIVATE:
        raise PortRefused
    host = clean_host(parts.hostname or "")
    place = f"[{host}]" if ":" in host else host
    if port and port != {"https": HTTPS_PORT, "http": 80}[scheme]:
        place += f":{port}"
    path = quote(parts.path or "/", safe=SAFE_IN_PATH)
    query = f"?{quote(parts.query, safe=SAFE_IN_PATH)}" if parts.query else ""
    url = f"{scheme}://{place}{path}{query}"
    if len(url) > URL_LIMIT:
        raise UrlTooLong
    return url


def _clean_scheme(scheme: str) -> str:
    allowed = ("https", "http") if settings.WEBHOOK_ALLOW_PRIVATE else ("https",)
    if scheme not in allowed:
        raise NotHttps if scheme == "http" else UrlRefused
    return scheme


def clean_host(host: str) -> str:
    """A name, or an address written the usual way. Raises UrlRefused."""
    literal = _literal(host)
    if literal:
        require_public(literal)
        return str(literal)
    try:
        name = host.encode("idna").decode().lower()  # also full-width letters, digits and dots
    except UnicodeError:
        raise UrlRefused from None
    labels = name.split(".")
    if not name:
        raise UrlRefused
    if not labels[-1] or LOOKS_NUMERIC.fullmatch(labels[-1]) or _literal(name):
        raise OddAddress  # 2130706433, 0177.0.0.1, 0x7f.1: some resolvers read them as addresses
    if len(name) > 253 or not all(map(LABEL.fullmatch, labels)):
        raise UrlRefused
    if not settings.WEBHOOK_ALLOW_PRIVATE:
        own = (urlsplit(settings.PORTAL_URL).hostname or "").lower()
        inside = any(name == end or name.endswith(f".{end}") for end in INSIDE)
        if inside or len(labels) == 1 or name == own:
            raise LeadsInside
    return name


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def require_public(address: IPv4Address | IPv6Address) -> None:
    """Raises LeadsInside."""
    if not settings.WEBHOOK_ALLOW_PRIVATE and not is_public(address):
        raise LeadsInside


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is somebody's on the internet, and no other one in disguise."""
    if any(address in network for network in NEVER) or address.is_multicast:
        return False
    if isinstance(address, IPv6Address) and (address.scope_id or address not in GLOBAL_IPV6):
        return False  # also ::ffff:127.0.0.1, ::127.0.0.1, 64:ff9b::7f00:1
    return address.is_global and not address.is_reserved
