"""Faults on demand: what the Bot API and the mail server do when they are ill."""

from dataclasses import asdict, dataclass
from typing import Any

from sandbox.errors import ControlError, TelegramError
from sandbox.limits import too_many

API_KINDS = {
    "429",
    "403",
    "400",
    "500",
    "timeout",
    "reset",
    "bad_json",
    "lost_answer",
    "slow",
    "trickle",
    "strings",
}
MAIL_KINDS = {"smtp_down", "smtp_slow", "smtp_lost_answer", "smtp_too_large"}
SECONDS = {"timeout": 60.0, "slow": 2.0, "trickle": 60.0, "smtp_slow": 2.0, "smtp_lost_answer": 2.0}
QUIET = {"getupdates", "getme"}  # methods that «*» leaves alone


@dataclass
class Fault:
    kind: str
    method: str = "*"
    chat: str | None = None
    times: int | None = 1
    retry_after: int = 1
    seconds: float = 0
    description: str = ""

    def matches(self, method: str, chat: str | None) -> bool:
        named = self.method.lower() == method
        everywhere = self.method == "*" and method not in QUIET
        return (named or everywhere) and self.chat in (None, chat)

    def error(self) -> TelegramError | None:
        """The error answer, for the kinds that are one."""
        match self.kind:
            case "429":
                return too_many(self.retry_after)
            case "403":
                return TelegramError(
                    403, self.description or "Forbidden: bot was blocked by the user"
                )
            case "400":
                return TelegramError(400, self.description or "Bad Request: chat not found")
            case "500":
                return TelegramError(500, self.description or "Internal Server Error")
        return None


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fields: dict[str, Any]) -> None:
        try:
            fault = Fault(**{name: value for name, value in fields.items() if value is not None})
        except TypeError as error:
            raise ControlError(f"Неизвестное поле сбоя: {error}") from error
        if fault.kind not in API_KINDS | MAIL_KINDS:
            raise ControlError(f"Неизвестный вид сбоя: {fault.kind}")
        if "times" in fields:
            fault.times = fields["times"]
        fault.seconds = fault.seconds or SECONDS.get(fault.kind, 0)
        self._faults.append(fault)

    def take_api(self, method: str, chat: str | None) -> Fault | None:
        """The fault that hits this request; it is used up by one."""
        return self._take(
            lambda fault: fault.kind in API_KINDS and fault.matches(method.lower(), chat)
        )

    def take_mail(self) -> Fault | None:
        return self._take(lambda fault: fault.kind in MAIL_KINDS)

    def _take(self, wanted: Any) -> Fault | None:
        fault = next(filter(wanted, self._faults), None)
        if fault and fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
        return fault

    def describe(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._faults]

    def clear(self) -> None:
        self._faults.clear()
