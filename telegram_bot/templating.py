"""The texts of the bot, from templates/telegram."""

from typing import Any

from django.template.loader import render_to_string


def render(template: str, **context: Any) -> str:
    return render_to_string(f"telegram/{template}.html", context).strip()
