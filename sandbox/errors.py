"""Refusals of the two sides of the sandbox."""

from typing import Any


class TelegramError(Exception):
    """An error answer of the Bot API. `refused` marks what Telegram has but the sandbox has not."""

    def __init__(
        self, code: int, description: str, *, refused: bool = False, **parameters: Any
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.refused = refused
        self.parameters = parameters


class BrokenAnswer(TelegramError):
    """What a fault makes of an answer: a broken body, or none and a dropped connection."""

    def __init__(self, kind: str, body: str | None = None) -> None:
        super().__init__(0, f"fault: {kind}")
        self.body = body


class ControlError(Exception):
    """An action a person could not take; the text is shown on the chat page."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


def bad_request(text: str, **parameters: Any) -> TelegramError:
    return TelegramError(400, f"Bad Request: {text}", **parameters)


def forbidden(text: str) -> TelegramError:
    return TelegramError(403, f"Forbidden: {text}")


def not_emulated(text: str) -> TelegramError:
    return TelegramError(400, f"Bad Request: sandbox: {text}", refused=True)
