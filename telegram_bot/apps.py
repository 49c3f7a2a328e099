import os

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TelegramBotConfig(AppConfig):
    name = "telegram_bot"
    verbose_name = _("Telegram-бот")

    def ready(self) -> None:
        # python-telegram-bot: durations as timedelta, without its deprecation warnings
        os.environ.setdefault("PTB_TIMEDELTA", "true")
