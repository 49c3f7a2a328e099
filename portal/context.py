"""What portal pages show of the bot."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from telegram_bot.models import ALIVE_FOR, BotHeartbeat


def bot_status(request: HttpRequest) -> dict[str, Any]:
    """Template context: `bot.username`, `bot.url` and `bot.online`; read only where it is used."""

    def read() -> dict[str, Any]:
        heartbeat = BotHeartbeat.latest()
        if heartbeat is None:
            return {"username": "", "url": "", "online": False}
        return {
            "username": heartbeat.username,
            "url": f"{settings.TELEGRAM_LINK_URL}/{heartbeat.username}",
            "online": heartbeat.seen_at > timezone.now() - ALIVE_FOR,
        }

    return {"bot": SimpleLazyObject(read)}
