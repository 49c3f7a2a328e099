"""A local Telegram for development and tests: Bot API, chat page and mailbox on loopback."""

import secrets

BOT_ID = 7000000001


def new_token() -> str:
    """A token as Telegram's look. Pages of other sites must not know it, so none stays."""
    return f"{BOT_ID}:{secrets.token_urlsafe(26)}"
