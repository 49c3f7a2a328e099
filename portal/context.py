"""What portal pages show of the bot."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from telegram_bot.models import TELEGRAM
from tickets.channels import ChannelState
from tickets.delivery import channels


def bot_status(request: HttpRequest) -> dict[str, Any]:
    """Template context: `bot.name`, `bot.url` and `bot.is_working`; read only where it is used."""

    def read() -> ChannelState:
        channel = channels().get(TELEGRAM)
        return channel.state() if channel else ChannelState(is_working=False)

    return {"bot": SimpleLazyObject(read)}
