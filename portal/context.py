"""What portal pages show of the bot."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from telegram_bot.models import TELEGRAM
from tickets.delivery import channels


def bot_status(request: HttpRequest) -> dict[str, Any]:
    """Template context: `bot.name`, `bot.url` and `bot.is_working`; read only where it is used."""
    return {"bot": SimpleLazyObject(channels()[TELEGRAM].state)}
