"""Tickets found by their number and by words: of title, description and comments.

For every face. The rows to search come from the caller, who knows what the person may see. All
words must be there, anywhere in the ticket. Customers search the public words only: what notes hold
is in an index of its own.
"""

import re
from contextlib import suppress
from functools import reduce
from operator import or_

from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models import Q, QuerySet

from accounts.models import BotRegistration, MessengerAccount, Organization, User
from accounts.phone import normalise_phone
from tickets import search_postgresql, search_sqlite
from tickets.models import Ticket
from tickets.queries import NUMBER_DIGITS
from tickets.text import clean_line

TERM_LIMIT = 200  # characters looked at
WORDS_LIMIT = 10
NAME_LENGTH = 3  # characters of a surname or an organization, at least
PEOPLE_LIMIT = 50  # whose tickets are shown for a part of a name or an address
NUMBER = re.compile(r"([№#]?) ?([0-9]+)")
# In a heading, a row of a list and the subject of a letter of ours
OWN_WORDS = re.compile(r"\bзаявк[а-я]* (?:[№#] ?)?([0-9]+)\b|^[№#] ?([0-9]+) ·", re.IGNORECASE)
BETWEEN_WORDS = re.compile(r'[\s«»"()\[\]{}<>,;]+')
EDGES = ".:!?'`…—–-*"  # punctuation around a word, parts of a name inside it
AROUND = EDGES + ' «»"()[]{}<>,;'  # what a pasted number comes with
NOTHING = Q(pk__in=[])


def search_tickets(rows: QuerySet[Ticket], term: str, *, internal: bool) -> QuerySet[Ticket]:
    """Those of the rows that have the number, or all the words, in any order the caller wants.

    With `internal` the words of notes count, too. A frequent word is looked for among the newest
    10,000 of `rows`, and of more rows than that 1,000 are found. A blank term finds all.
    """
    if not term.strip():
        return rows
    term = clean_line(term)
    return rows.filter(_number(term) | _words(rows, term, internal))


def _number(term: str) -> Q:
    found = NUMBER.fullmatch(term.strip(AROUND)) or OWN_WORDS.search(term)
    number = found[2] or found[1] if found else ""
    return Q(pk=number) if 0 < len(number) <= NUMBER_DIGITS else NOTHING


def _words(rows: QuerySet[Ticket], term: str, internal: bool) -> Q:
    """Of a bare number, too: it may be a part of a name, or an error's."""
    found = NUMBER.fullmatch(term.strip(AROUND))
    words = [] if found and found[1] else words_of(term)
    if not words:
        return NOTHING
    on_sqlite = connections[rows.db].vendor == "sqlite"
    with_words = search_sqlite.with_words if on_sqlite else search_postgresql.with_words
    return with_words(rows, words, internal=internal)


def words_of(term: str) -> list[str]:
    """What is looked for, in lower case and with е for ё, as the indexes have it."""
    plain = BETWEEN_WORDS.split(term[:TERM_LIMIT].lower().replace("ё", "е"))
    words = (word.strip(EDGES) for word in plain)
    return list(dict.fromkeys(filter(_has_letters, words)))[:WORDS_LIMIT]


def _has_letters(word: str) -> bool:
    return any(letter.isalnum() for letter in word)


# What agents type


def search_desk(rows: QuerySet[Ticket], term: str) -> QuerySet[Ticket]:
    """By phone, e-mail, @username, surname or organization of the requester, by number and words.

    What none of these finds may be the start of a title.
    """
    if not term.strip():
        return rows
    term = clean_line(term)
    with suppress(ValidationError):
        return rows.filter(requester__in=_with_phone(normalise_phone(term)))
    if "@" in term:
        return rows.filter(_with_address(term))
    found = rows.filter(_number(term) | _words(rows, term, internal=True) | _of_whom(term))
    return found if found.order_by().exists() else rows.filter(_title_starts(term))


def _with_phone(phone: str) -> list[int]:
    known = BotRegistration.objects.filter(phone=phone, withdrawn_at=None)
    return list(known.values_list("user", flat=True)[:PEOPLE_LIMIT])


def _with_address(term: str) -> Q:
    """Of people with that name in a chat; of people and organizations that are written to there."""
    if term.startswith("@"):
        accounts = MessengerAccount.objects.filter(username__iexact=term[1:])
        return Q(requester__in=list(accounts.values_list("user", flat=True)[:PEOPLE_LIMIT]))
    people = User.objects.filter(email__istartswith=term)
    clients = Organization.objects.filter(email__istartswith=term)
    found = [list(rows.values_list("pk", flat=True)[:PEOPLE_LIMIT]) for rows in (people, clients)]
    return Q(requester__in=found[0]) | Q(organization__in=found[1])


def _of_whom(term: str) -> Q:
    """Tickets of people with that surname, and of organizations with that in their name."""
    if len(term) < NAME_LENGTH or not _has_letters(term):
        return NOTHING
    people = User.objects.filter(any_spelling("last_name__istartswith", term), is_staff=False)
    found = list(people.values_list("pk", flat=True)[:PEOPLE_LIMIT])
    return Q(requester__in=found) | Q(organization__in=organizations_named(term))


def organizations_named(term: str) -> list[int]:
    """Ids of organizations with a term, which must not be blank, in their name."""
    clients = Organization.objects.filter(any_spelling("name__icontains", term))
    return list(clients.values_list("pk", flat=True)[:PEOPLE_LIMIT])


def _title_starts(term: str) -> Q:
    return any_spelling("title__istartswith", term) if _has_letters(term) else NOTHING


def any_spelling(lookup: str, term: str) -> Q:
    """SQLite compares only ASCII without case, so the usual spellings are tried, too."""
    first = term[:1].swapcase() + term[1:]
    spellings = {term, first, term.lower(), term.upper(), term.capitalize()}
    return reduce(or_, (Q(**{lookup: spelling}) for spelling in sorted(spellings)))
