"""Queue entry points: names and ids in, quiet when there is nothing to do."""

from accounts.services import delete_old_pins, queue_due_pin_mails
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
    delivery.delete_old_deliveries()
