"""The sandbox answers as strictly as Telegram: every rule over HTTP, as this bot meets it."""

from typing import Any

import httpx

ANNA, BORIS, VIKTOR = 510000001, 510000002, 510000003
GROUP = -4510000001
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
MEGABYTE = 1024 * 1024
MENTION = "@support_sandbox_bot"


class Api:
    """A bot without a library: one call, one envelope."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/bot{token}/", timeout=60, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def answer(self, method: str, files: Any = None, **fields: Any) -> dict[str, Any]:
        if files:
            response = self._http.post(method, data=fields, files=files)
        else:
            response = self._http.post(method, json=fields)
        body: dict[str, Any] = response.json()
        assert response.status_code == body.get("error_code", 200)
        return body

    def call(self, method: str, files: Any = None, **fields: Any) -> Any:
        body = self.answer(method, files, **fields)
        assert body["ok"], body
        return body["result"]

    def refusal(self, method: str, files: Any = None, **fields: Any) -> str:
        body = self.answer(method, files, **fields)
        assert not body["ok"], body
        return f"{body['error_code']} {body['description']}"

    def say(self, text: str = "Привет", chat_id: int = ANNA, **fields: Any) -> Any:
        return self.call("sendMessage", chat_id=chat_id, text=text, **fields)

    def updates(self) -> list[dict[str, Any]]:
        """The updates that wait, confirmed at once."""
        found: list[dict[str, Any]] = self.call("getUpdates")
        if found:
            self.call("getUpdates", offset=found[-1]["update_id"] + 1)
        return found


def inline(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"inline_keyboard": [list(buttons)]}


def reply(message_id: int, **fields: Any) -> dict[str, Any]:
    return {"message_id": message_id, **fields}
