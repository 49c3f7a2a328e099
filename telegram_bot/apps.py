import os

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TelegramBotConfig(AppConfig):
    name = "telegram_bot"
    verbose_name = _("Telegram-бот")

    def ready(self) -> None:
        # python-telegram-bot: durations as timedelta, without its deprecation warnings
        os.environ.setdefault("PTB_TIMEDELTA", "true")
        from tickets.leases import wake_by  # here: it needs the models, loaded only now

        wake_by(_wake_downloads)


def _wake_downloads(lease: str) -> None:
    from telegram_bot.files import DOWNLOADS, wake_downloads  # here: only the worker needs them

    if lease == DOWNLOADS:
        wake_downloads()
