"""A ticket of Anna's, behind the bot's back."""

from operations.tasks import every_minute
from tests.telegram_bot.bot import Bot
from tickets.models import Ticket
from tickets.notices import LAST_PARTS

NOT_FOUND = "Заявка не найдена или недоступна"
WRITE = "➕ Комментарий"


def in_status(ticket: Ticket, status: str) -> Ticket:
    Ticket.objects.filter(pk=ticket.pk).update(status=status)
    ticket.refresh_from_db()
    return ticket


def status_of(ticket: Ticket) -> str:
    ticket.refresh_from_db()
    return ticket.status


def tell_staff(bot: Bot) -> None:
    """Let the time pass in which more may join a comment."""
    bot.clock.advance(seconds=LAST_PARTS.total_seconds() + 1)
    every_minute()
    bot.run_queue()
