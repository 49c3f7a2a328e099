"""Accounts made for others: a customer who calls, a client, an agent with a role."""

from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from accounts.identity import EmailTaken, IdentityRefused, note_rights, require_right
from accounts.mailboxes import check_mailbox
from accounts.models import Organization, User
from accounts.rights import ADD_PEOPLE, MANAGE_STAFF, may_act, roles_to_give
from accounts.security import Origin
from accounts.sign_up import login_for

UNKNOWN_PASSWORD = 50  # characters; an unusable one would shut «Забыли пароль?»


class RoleOutOfReach(IdentityRefused):
    code = "role_out_of_reach"

    def __str__(self) -> str:
        return _("Эту роль вы дать не можете: в ней больше прав, чем у вас.")


def add_customer(
    *,
    email: str,
    first_name: str,
    last_name: str,
    organization: Organization | None,
    origin: Origin,
) -> User:
    """Make an account whose owner sets the password by the link of an invitation.

    Raises RightMissing, EmailTaken, and ValidationError for an e-mail that no letter can go to.
    """
    require_right(origin, ADD_PEOPLE)
    return _add(email, first_name=first_name, last_name=last_name, organization=organization)


def add_agent(*, email: str, first_name: str, last_name: str, role: Group, origin: Origin) -> User:
    """The same of an agent, whose role reaches no further than that of whoever adds them.

    Raises RoleOutOfReach, too.
    """
    actor = origin.actor
    if not actor or not may_act(actor, MANAGE_STAFF) or role not in roles_to_give(actor):
        raise RoleOutOfReach
    with transaction.atomic():
        user = _add(email, first_name=first_name, last_name=last_name, is_staff=True)
        user.groups.add(role)
        note_rights(user, ["is_staff", "groups"], origin=origin)
        return user


def _add(email: str, **given: Any) -> User:
    check_mailbox(email)
    if User.objects.by_email(email).exists():
        raise EmailTaken
    password = make_password(get_random_string(UNKNOWN_PASSWORD))
    try:
        with transaction.atomic():
            return User.objects.create(
                username=login_for(email), email=email, password=password, **given
            )
    except IntegrityError:  # somebody took it at this moment
        raise EmailTaken from None
