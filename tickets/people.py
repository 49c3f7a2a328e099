"""Customers found by what an agent hears on the phone."""

from contextlib import suppress

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from accounts.models import BotRegistration, MessengerAccount, User
from accounts.phone import normalise_phone
from tickets.search import NAME_LENGTH, any_spelling, organizations_named
from tickets.text import clean_line

FOUND = 20  # people shown; who is not among them is looked for by more words
WORDS = 4
TERM_LIMIT = 100  # characters looked at


def find_people(term: str) -> list[User]:
    """Active people by phone, @username, e-mail, login, names or organization; at most FOUND."""
    term = clean_line(term[:TERM_LIMIT])
    if not term:
        return []
    people = User.objects.filter(_about(term), is_active=True)
    return list(people.select_related("organization").order_by("last_name", "pk")[:FOUND])


def _about(term: str) -> Q:
    with suppress(ValidationError):
        known = BotRegistration.objects.filter(phone=normalise_phone(term), withdrawn_at=None)
        return Q(pk__in=_ids(known, "user"))
    if term.startswith("@"):
        found = MessengerAccount.objects.filter(username__iexact=term[1:])
        return Q(pk__in=_ids(found, "user")) | Q(username__iexact=term[1:])
    if "@" in term:
        return Q(email__istartswith=term) | Q(username__istartswith=term)
    return _named(term) | _of_organization(term)


def _named(term: str) -> Q:
    """Every word begins a name or is the login: «Анна Ким» and «Ким Анна» alike."""
    found = Q()
    for word in term.split()[:WORDS]:
        names = any_spelling("first_name__istartswith", word)
        names |= any_spelling("last_name__istartswith", word)
        found &= names | Q(username__istartswith=word)
    return found


def _of_organization(term: str) -> Q:
    if len(term) < NAME_LENGTH:
        return Q(pk__in=[])
    return Q(organization__in=organizations_named(term))


def _ids(rows: QuerySet[BotRegistration] | QuerySet[MessengerAccount], name: str) -> list[int]:
    return list(rows.values_list(name, flat=True)[:FOUND])
