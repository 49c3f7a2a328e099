"""Queue entry points: names and ids in, quiet when there is nothing to do."""

from accounts.retention import delete_expired_logins
from accounts.services import delete_old_pins, queue_due_pin_mails
from config.queue import delete_old_failures
from tickets import delivery
from tickets.services import close_silent_tickets


def drain(channel_name: str) -> None:
    delivery.drain(channel_name)


def every_minute() -> None:
    """The safety net: wake what a killed process left behind, drop what is past its retention."""
    queue_due_pin_mails()
    delivery.drain_all()
    close_silent_tickets()
    delete_old_pins()
    delete_expired_logins()
    delivery.delete_old_deliveries()
    delete_old_failures()
