"""The texts of the bot, from templates/telegram."""

from functools import cache
from typing import Any

from django.conf import settings
from django.template import Context, Engine


@cache
def _engine() -> Engine:
    """With these tags only: the project's own loads those of all apps, the API's with 9 MiB."""
    return Engine(
        dirs=[str(settings.BASE_DIR / "templates")],
        libraries={
            "i18n": "django.templatetags.i18n",
            "labels": "tickets.templatetags.labels",
            "telegram": "telegram_bot.templatetags.telegram",
        },
    )


def render(template: str, **context: Any) -> str:
    found = _engine().get_template(f"telegram/{template}.html")
    return found.render(Context(context)).strip()
