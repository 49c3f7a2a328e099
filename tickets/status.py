"""The life of a ticket, in one table; what causes a move is in `services`."""

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class TicketStatus(models.TextChoices):
    NEW = "new", _("Новая")
    IN_PROGRESS = "in_progress", _("В работе")
    WAITING = "waiting", _("Ожидает ответа клиента")
    RESOLVED = "resolved", _("Выполнена")
    CLOSED = "closed", _("Закрыта")


DONE = (TicketStatus.RESOLVED, TicketStatus.CLOSED)


class Role(models.TextChoices):
    CUSTOMER = "customer", _("клиент")
    AGENT = "agent", _("специалист")
    SYSTEM = "system", _("система")


_AGENT = frozenset({Role.AGENT})
_CUSTOMER = frozenset({Role.CUSTOMER})
_SYSTEM = frozenset({Role.SYSTEM})

# from → to → who may
TRANSITIONS: dict[TicketStatus, dict[TicketStatus, frozenset[Role]]] = {
    TicketStatus.NEW: {
        TicketStatus.IN_PROGRESS: _AGENT,
        TicketStatus.WAITING: _AGENT,
        TicketStatus.RESOLVED: _AGENT,
        TicketStatus.CLOSED: _AGENT | _CUSTOMER,  # «Вопрос решён»
    },
    TicketStatus.IN_PROGRESS: {
        TicketStatus.WAITING: _AGENT,
        TicketStatus.RESOLVED: _AGENT,
        TicketStatus.CLOSED: _AGENT | _CUSTOMER,  # «Вопрос решён»
    },
    TicketStatus.WAITING: {
        TicketStatus.IN_PROGRESS: _AGENT | _CUSTOMER,  # the customer by a comment
        TicketStatus.RESOLVED: _AGENT,
        TicketStatus.CLOSED: _AGENT | _CUSTOMER,  # «Вопрос решён»
    },
    TicketStatus.RESOLVED: {
        TicketStatus.IN_PROGRESS: _AGENT | _CUSTOMER,  # return to work
        TicketStatus.CLOSED: _AGENT | _CUSTOMER | _SYSTEM,  # rating, auto-close
    },
    TicketStatus.CLOSED: {},
}


class TransitionNotAllowed(Exception):
    """Refused by the table above; with a code and words, as `tickets.refusals` has them."""

    code = "transition_not_allowed"

    def __init__(self, status: str, to: str) -> None:
        self.status = TicketStatus(status)
        self.to = TicketStatus(to)

    def __str__(self) -> str:
        return gettext("Из статуса «%(status)s» нельзя перейти в «%(to)s».") % {
            "status": self.status.label,
            "to": self.to.label,
        }


def allowed_transitions(status: str, role: Role) -> list[TicketStatus]:
    return [to for to, roles in TRANSITIONS[TicketStatus(status)].items() if role in roles]


def require_transition(status: str, to: str, role: Role) -> None:
    """Raise TransitionNotAllowed unless this role may move a ticket from `status` to `to`."""
    if to not in allowed_transitions(status, role):
        raise TransitionNotAllowed(status, to)
