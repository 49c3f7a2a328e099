"""The bot's own template engine knows every tag of its texts."""

import pytest
from django.conf import settings

from telegram_bot.templating import _engine

TEMPLATES = settings.BASE_DIR / "templates"
TEXTS = [*TEMPLATES.glob("telegram/*"), *TEMPLATES.glob("notices/*")]  # and what they include


@pytest.mark.parametrize("name", sorted(str(text.relative_to(TEMPLATES)) for text in TEXTS))
def test_text_can_be_compiled(name: str) -> None:
    _engine().get_template(name)
