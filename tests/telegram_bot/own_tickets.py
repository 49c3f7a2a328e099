"""A ticket of Anna's, behind the bot's back."""

from tickets.models import Ticket

NOT_FOUND = "Заявка не найдена или недоступна"
WRITE = "➕ Комментарий"


def in_status(ticket: Ticket, status: str) -> Ticket:
    Ticket.objects.filter(pk=ticket.pk).update(status=status)
    ticket.refresh_from_db()
    return ticket


def status_of(ticket: Ticket) -> str:
    ticket.refresh_from_db()
    return ticket.status
