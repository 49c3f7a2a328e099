"""Queue entry points of what belongs to no single app."""

import logging
from collections.abc import Callable

from accounts.retention import delete_expired_logins
from accounts.services import delete_old_pins, queue_due_pin_mails
from config.queue import delete_old_failures
from operations.health import stamp_worker
from telegram_bot.files import fetch_forgotten
from telegram_bot.tasks import delete_old_updates
from tickets.clocks import close_silent_tickets
from tickets.delivery import delete_old_deliveries, drain_all
from tickets.forms import delete_old_forms
from tickets.strays import delete_stray_files

logger = logging.getLogger(__name__)

# Wake what a killed process left behind, let time do its work, drop what is past its retention
EVERY_MINUTE: tuple[Callable[[], None], ...] = (
    stamp_worker,
    queue_due_pin_mails,
    drain_all,
    fetch_forgotten,
    close_silent_tickets,
    delete_old_pins,
    delete_expired_logins,
    delete_old_deliveries,
    delete_old_forms,
    delete_old_updates,
    delete_old_failures,
    delete_stray_files,
)


def every_minute() -> None:
    """The safety net. A step that fails is no reason to leave out the ones after it."""
    for step in EVERY_MINUTE:
        try:
            step()
        except Exception:
            logger.exception("%s failed", step.__name__)
