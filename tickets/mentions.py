"""«@igor» in a note: agents who are called by their login."""

import re
from collections.abc import Iterator

from django.db.models import QuerySet
from django.db.models.functions import Lower

from accounts.models import User
from tickets.models import serving

FENCED = re.compile(r"^```[^`\n]*$.*?^```[ \t]*$", re.MULTILINE | re.DOTALL)
# What is code or quoted is passed over whole; what follows a letter is an e-mail or an address
TOKEN = re.compile(r"`[^`\n]+`|^[ \t]*>.*$|(?<![\w.@+/:-])@([\w.+-]+)", re.MULTILINE)
EDGES = ".-+"  # at the end of a login they are the sentence's
MOST_KNOWN = 500
MOST = 20  # people that one note calls


def logins_in(text: str) -> list[str]:
    """What may be logins of agents, in lower case, each once."""
    plain = FENCED.sub("", text)
    return list(dict.fromkeys(login for login, _piece in pieces(plain) if login))[:MOST]


def pieces(text: str) -> Iterator[tuple[str, str]]:
    """The text in its order: what may be a login, and how it stands there; else an empty one."""
    at = 0
    for found in TOKEN.finditer(text):
        login = (found[1] or "").rstrip(EDGES)
        if login:
            end = found.start(1) + len(login)
            yield "", text[at : found.start()]
            yield login.lower(), text[found.start() : end]
            at = end
    yield "", text[at:]


def called(logins: list[str]) -> QuerySet[User]:
    """Agents with these logins who may see tickets."""
    return serving().alias(login=Lower("username")).filter(login__in=logins)


def known_logins() -> set[str]:
    """Of agents who can be called; the first ones."""
    logins = serving().order_by("pk").values_list("username", flat=True)
    return {login.lower() for login in logins[:MOST_KNOWN]}


def called_in(text: str) -> list[User]:
    logins = logins_in(text)
    return list(called(logins)) if logins else []
