"""What of the demo data others must not reach, and what a new installation still lacks."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.auth.hashers import check_password
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Advice
from django.db import DatabaseError
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import User
from operations.demo_data import PEOPLE, Person
from tickets import set_up

SET_UP = "set_up"  # the tag of Django's checks
IDS = {
    set_up.PRODUCTS: "set_up.W001",
    set_up.AGENTS: "set_up.W002",
    set_up.ORGANIZATIONS: "set_up.W003",
    set_up.DESK_MAIL: "set_up.W004",
}
OF_CHANNELS = "set_up.W005"


def working_demo_passwords() -> Iterator[CheckMessage]:
    """Looks at the rows that have a demo name or e-mail only: each password costs a second."""
    names = ", ".join(user.get_username() for person in PEOPLE for user in _let_in(person))
    if names:
        yield Error(
            _(
                "известен демонстрационный пароль: %s — смените его "
                "(python manage.py changepassword ИМЯ) или отключите учётную запись"
            )
            % names,
            id="start.E006",
        )


def _let_in(person: Person) -> list[User]:
    known = Q(username__iexact=person.username) | Q(email__iexact=person.email)
    try:
        users = list(User.objects.filter(known, is_active=True))
    except DatabaseError:  # not there, or without tables: nobody can log in
        return []
    return [user for user in users if check_password(person.password, user.password)]


def unset_settings(**_options: Any) -> list[CheckMessage]:
    """The part of the desk's check-list that the settings tell."""
    try:
        return _advice(set_up.unset())
    except ImportError:  # a channel that is not there has an error of its own
        return []


def unfilled_database(**_options: Any) -> list[CheckMessage]:
    """The part that the database tells; of one that is absent or empty nothing is known."""
    try:
        return _advice(set_up.unfilled())
    except (DatabaseError, ImportError):
        return []


def _advice(steps: Iterable[set_up.Step]) -> list[CheckMessage]:
    hint = _("Список целиком — на странице «Обзор» рабочего места.")
    return [
        Advice(f"{step.title}: {step.missing}.", hint=hint, id=IDS.get(step.code, OF_CHANNELS))
        for step in steps
    ]
