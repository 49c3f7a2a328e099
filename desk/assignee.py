"""Choosing an agent from a list, which offers only so many."""

from __future__ import annotations  # ModelChoiceField[User] is generic for the type checker only

from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from accounts.models import User
from tickets.agents import serving

if TYPE_CHECKING:
    UserChoiceField = forms.ModelChoiceField[User]
else:
    UserChoiceField = forms.ModelChoiceField

AGENTS_OFFERED = 200


def offered(agents: QuerySet[User]) -> dict[int, str]:
    """As many agents as a list can hold, by name."""
    rows = agents.only("username", "first_name", "last_name")
    rows = rows.order_by("last_name", "first_name", "pk")[:AGENTS_OFFERED]
    return {agent.pk: str(agent) for agent in rows}


class AssigneeField(UserChoiceField):
    """Offers those who serve. Whether the one who was chosen may have a ticket the services say."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(User.objects.all(), label=gettext_lazy("Исполнитель"), **kwargs)

    def offer(self, *, empty: Any, now: User | None = None) -> None:
        """With whoever has the ticket now, who may have left."""
        names = offered(serving())
        if now:
            names.setdefault(now.pk, str(now))
        self.widget.choices = [("", empty), *names.items()]
