"""A local Telegram for development and tests: Bot API, chat page and mailbox on loopback."""

TOKEN = "7000000001:sandbox-token-for-local-use-only-000"  # noqa: S105 - opens nothing else
