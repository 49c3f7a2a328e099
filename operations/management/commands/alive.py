from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from telegram_bot.models import BotHeartbeat
from tickets.readiness import is_worker_silent, stamp_look


def hears_telegram() -> bool:
    bot = BotHeartbeat.latest()
    return bot is not None and bot.is_alive


def works_off_tasks() -> bool:
    stamp_look()
    return not is_worker_silent()


SIGNS_OF_LIFE: dict[str, Callable[[], bool]] = {
    "bot": hears_telegram,
    "worker": works_off_tasks,
}


class Command(BaseCommand):
    help = "End with 0 while the bot, or the worker, has shown itself lately: a health check."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("process", choices=SIGNS_OF_LIFE)

    def handle(self, *args: Any, process: str, **options: Any) -> None:
        if not SIGNS_OF_LIFE[process]():
            raise CommandError(_("Не подаёт признаков жизни: %s") % process)
