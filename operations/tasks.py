"""Queue entry points of what belongs to no single app."""

import logging
from collections.abc import Callable

from accounts.quotas import delete_old_usage
from accounts.retention import (
    delete_expired_logins,
    delete_old_pins,
    delete_old_security_events,
)
from accounts.services import queue_due_pin_mails
from config.queue import delete_old_failures
from telegram_bot.files import wake_downloads
from telegram_bot.tasks import delete_old_dialogs, delete_old_updates, forget_ended_links
from tickets.clocks import close_silent_tickets, tell_of_due_times
from tickets.delivery import delete_old_deliveries, drain_all
from tickets.erasures import forget_last_letters
from tickets.exports import delete_old_exports
from tickets.forms import delete_old_forms
from tickets.handover import wake_handover
from tickets.presence import delete_old_presences
from tickets.readiness import stamp_worker
from tickets.snoozing import tell_of_woken_tickets
from tickets.strays import delete_stray_files
from tickets.tasks import wake_incident_answers, wake_personal_data
from webhooks.services import delete_old_attempts, switch_off_of_closed_accounts

logger = logging.getLogger(__name__)

# Wake what a killed process left behind, let time do its work, drop what is past its retention
EVERY_MINUTE: tuple[Callable[[], None], ...] = (
    stamp_worker,
    queue_due_pin_mails,
    drain_all,
    wake_downloads,
    close_silent_tickets,
    tell_of_due_times,
    wake_handover,
    tell_of_woken_tickets,
    wake_personal_data,
    wake_incident_answers,
    switch_off_of_closed_accounts,
    delete_old_pins,
    delete_expired_logins,
    delete_old_usage,
    delete_old_security_events,
    delete_old_deliveries,
    delete_old_attempts,
    delete_old_forms,
    delete_old_presences,
    delete_old_updates,
    delete_old_dialogs,
    forget_ended_links,
    delete_old_failures,
    delete_stray_files,
    delete_old_exports,
    forget_last_letters,
)


def every_minute() -> None:
    """The safety net. A step that fails is no reason to leave out the ones after it."""
    for step in EVERY_MINUTE:
        try:
            step()
        except Exception:
            logger.exception("%s failed", step.__name__)
