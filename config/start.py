"""What a portal that others can reach does not start with: one list for all its processes.

Web, worker, bot and `./run` begin with `start_safely`; `check --deploy` reads the same list. What
others need to repair such a state (`migrate`, `createsuperuser`, `changepassword`) still runs.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from email.utils import parseaddr
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.management.base import CommandError
from django.db import connections
from django.utils.translation import gettext as _

from config.letters import ImpossibleAddress, check_sender
from config.private_files import close_to_others

Rule = Callable[[], Iterable[CheckMessage]]

START = "start"  # the tag of Django's checks
KEY_LENGTH, KEY_VARIETY = 50, 5  # what Django's own check of SECRET_KEY demands
PUBLISHED = "django-insecure-"  # how the keys of generated projects begin
GOOD_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{32,256}")
NOBODYS_DOMAINS = (".localdomain", ".invalid")  # beside those of loopback
LOAD_ERROR = 4  # gunicorn ends on it; after any other code it would try again for ever
SMTP = "django.core.mail.backends.smtp.EmailBackend"

_rules: list[Rule] = []


def start_safely(*served: str) -> None:
    """The first act of a process; `served` are hosts it will be reached at beside the settings'.

    Raises CommandError, in one line.
    """
    close_to_others()
    places = open_places(*served)
    found = [error.msg for rule in _rules for error in rule()] if places else []
    if found:
        raise CommandError(
            _("Портал открыт другим (%(where)s) и так не запускается: %(why)s.")
            % {"where": ", ".join(places), "why": "; ".join(found)}
        )


def start_server(*served: str) -> None:
    """`start_safely` for what is no command: one line and an exit code instead of an exception."""
    try:
        start_safely(*served)
    except CommandError as refusal:
        print(refusal, file=sys.stderr, flush=True)  # noqa: T201
        raise SystemExit(LOAD_ERROR) from None
    finally:
        connections.close_all()  # requests have threads, and connections, of their own


def open_places(*served: str) -> list[str]:
    """Where others can reach the portal; none when it serves this machine only."""
    portal = urlsplit(settings.PORTAL_URL).hostname or settings.PORTAL_URL
    hosts = dict.fromkeys((*served, portal, *settings.ALLOWED_HOSTS))
    return [host for host in hosts if host and not is_loopback(host)]


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def never_off_loopback(rule: Rule, *tags: str) -> None:
    """Put a rule on the list, with the tags that Django's own checks of its kind have."""

    def check(*, databases: Sequence[str] | None = None, **_options: Any) -> list[CheckMessage]:
        is_asked = databases or Tags.database not in tags
        return list(rule()) if is_asked and open_places() else []

    _rules.append(rule)
    register(check, START, *tags, deploy=True)


def unsafe_settings() -> Iterator[CheckMessage]:
    key = settings.SECRET_KEY
    if key == settings.DEVELOPMENT_KEY or key.startswith(PUBLISHED):
        yield _refusal(1, _("SECRET_KEY не задан или известен всем, нужен свой случайный"))
    elif len(key) < KEY_LENGTH or len(set(key)) < KEY_VARIETY:
        yield _refusal(1, _("SECRET_KEY можно подобрать, нужны %d случайных знаков") % KEY_LENGTH)
    if settings.DEBUG:
        yield _refusal(2, _("DEBUG=1 показывает посторонним код и настройки"))
    if settings.EMAIL_BACKEND != SMTP or not settings.EMAIL_HOST:
        yield _refusal(
            3,
            _("EMAIL_URL не ведёт к почтовому серверу, PIN-коды и ссылки остались бы в журнале"),
        )
    for host in settings.ALLOWED_HOSTS:
        if host.startswith(("*", ".")):
            yield _refusal(8, _("ALLOWED_HOSTS: %s впускает чужие имена, нужны точные") % host)
    yield from _unsafe_sender()
    for proxy in settings.TRUSTED_PROXIES:
        if not _is_address(proxy):
            yield _refusal(
                7, _("TRUSTED_PROXIES: %s не адрес вида 10.0.0.1 или 2001:db8::1") % proxy
            )
    if settings.WEBHOOK_ALLOW_PRIVATE:
        yield _refusal(9, _("WEBHOOK_ALLOW_PRIVATE=1 пускает чужие вебхуки во внутреннюю сеть"))
    secret = settings.TELEGRAM_WEBHOOK_SECRET
    is_wanted = secret or settings.TELEGRAM_WEBHOOK_URL
    if is_wanted and not GOOD_WEBHOOK_SECRET.fullmatch(secret):
        yield _refusal(
            5, _("TELEGRAM_WEBHOOK_SECRET: нужны хотя бы 32 знака из A–Z, a–z, 0–9, _ и -")
        )


def _unsafe_sender() -> Iterator[CheckMessage]:
    try:
        check_sender(settings.DEFAULT_FROM_EMAIL)
    except ImpossibleAddress:
        yield _refusal(4, _("DEFAULT_FROM_EMAIL: с таким отправителем не уйдёт ни одно письмо"))
        return
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2].lower().rstrip(".")
    if is_loopback(domain) or domain.endswith(NOBODYS_DOMAINS):
        yield _refusal(
            4, _("DEFAULT_FROM_EMAIL: отправителя с адресом @%s не примет ни один сервер") % domain
        )


def _is_address(proxy: str) -> bool:
    """Whether a request can come from there, written like this.

    Of a network none does: one guesser behind the proxy would close the login to everybody.
    """
    try:
        address = ip_address(proxy)
    except ValueError:
        return False
    return str(address) == proxy and not getattr(address, "ipv4_mapped", None)


def _refusal(number: int, words: str) -> Error:
    return Error(words, id=f"start.E{number:03}")
