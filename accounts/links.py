"""Links of messengers in force, as the database has them at this very moment.

Asked in every step of the bot and before each answer of it.
"""

from typing import Any

from django.db.models import QuerySet

from accounts.models import MessengerAccount
from config.compiled import Compiled


def linked_account(*, channel: str, address: str) -> MessengerAccount | None:
    """The link of whoever writes from this address, while it is in force."""
    return LINKED.first(channel, address)


def is_in_force(link: int) -> bool:
    return IN_FORCE.first(link) is not None


def _linked(channel: str, address: str) -> QuerySet[MessengerAccount, MessengerAccount]:
    links = MessengerAccount.objects.in_force().filter(channel=channel, address=address)
    return links.select_related("user__organization")


def _in_force(link: int) -> QuerySet[MessengerAccount, Any]:
    return MessengerAccount.objects.in_force().filter(pk=link).values_list("pk")


LINKED, IN_FORCE = Compiled(_linked, str, str), Compiled(_in_force, int)
