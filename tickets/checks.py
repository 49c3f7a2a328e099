"""What `check`, `migrate` and the bot say before anything is lost."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

CHANNELS = "channels"


def check_channels(
    *, app_configs: Sequence[AppConfig] | None, **_options: Any
) -> list[CheckMessage]:
    """A name of no channel would refuse every change of a ticket, and none before the first."""
    return [error for name in settings.NOTICE_CHANNELS if (error := _wrong_with(name))]


def _wrong_with(name: str) -> CheckMessage | None:
    try:
        import_string(name)
    except ImportError as error:
        return Error(
            _("NOTICE_CHANNELS: нет канала %(name)s (%(error)s)") % {"name": name, "error": error},
            hint=_("Имена каналов этой версии стоят в config/settings.py."),
            id="tickets.E001",
        )
    return None
