"""What portal pages show of the bot, and how far a person has come with it."""

from typing import Any, cast

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from portal.requests import PortalRequest
from portal.standing import standing_of
from telegram_bot.models import TELEGRAM
from tickets.channels import ChannelState
from tickets.delivery import channels


def bot_status(request: HttpRequest) -> dict[str, Any]:
    """Template context: `bot.name`, `bot.url`, `bot.is_working`, `telegram_link`, `announced`.

    Each is read only where it is used, and once a page.
    """

    def read() -> ChannelState:
        channel = channels().get(TELEGRAM)
        return channel.state() if channel else ChannelState(is_working=False)

    return {
        "bot": SimpleLazyObject(read),
        "telegram_link": SimpleLazyObject(lambda: standing_of(cast(PortalRequest, request)).link),
        "announced": SimpleLazyObject(lambda: standing_of(cast(PortalRequest, request)).announced),
    }
