"""What every request goes through, over HTTP, as a bot meets it."""

import json
from typing import Any

import httpx
import pytest

from sandbox import TOKEN
from tests.local_telegram import Sandbox
from tests.sandbox.api import ANNA, Api, inline


def test_token_and_method_are_checked(sandbox: Sandbox) -> None:
    def get(path: str) -> tuple[int, str]:
        response = httpx.get(sandbox.url + path, trust_env=False)
        return response.status_code, response.json()["description"]

    assert get("/bot1:wrong/getMe") == (401, "Unauthorized")
    assert get("/botnonsense/getMe") == (404, "Not Found")
    assert get("/file/bot1:wrong/documents/file_1") == (401, "Unauthorized")
    assert get(f"/bot{TOKEN}/getGameHighScores") == (404, "Not Found: method not found")
    assert [entry["method"] for entry in sandbox.refused()] == ["getGameHighScores"]


def test_unknown_parameter_is_refused_and_flagged(anna: Sandbox, api: Api) -> None:
    refusal = api.refusal("sendMessage", chat_id=ANNA, text="Привет", pay_by_card=True)

    assert refusal == "400 Bad Request: sandbox: unknown parameter pay_by_card"
    assert [entry["refused"] for entry in anna.requests(method="sendMessage")] == [True]


@pytest.mark.parametrize("way", ["query", "form", "json", "multipart"])
def test_parameters_come_in_every_way(anna: Sandbox, way: str) -> None:
    markup = json.dumps(inline({"text": "А", "callback_data": "a"}))
    fields = {"chat_id": str(ANNA), "text": "Привет", "reply_markup": markup}
    ways: dict[str, Any] = {
        "query": {"params": fields},
        "form": {"data": fields},
        "json": {"json": fields},
        "multipart": {"files": {name: (None, value) for name, value in fields.items()}},
    }

    with httpx.Client(trust_env=False) as client:
        answer = client.post(f"{anna.url}/bot{TOKEN}/SendMessage", **ways[way]).json()

    assert answer["ok"], answer
    assert anna.buttons(anna.last("anna")) == {"А": "a"}


def test_log_hides_secrets(sandbox: Sandbox, api: Api) -> None:
    api.call("setWebhook", url="http://127.0.0.1:9/hook", secret_token="hush-hush")
    api.call("deleteWebhook")

    log = json.dumps(sandbox.requests())
    assert "hush" not in log
    assert TOKEN.split(":")[1] not in log


def test_other_sites_are_kept_out(sandbox: Sandbox) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        response = httpx.post(f"{sandbox.url}/sandbox/reset", headers=headers, trust_env=False)
        assert response.status_code == 403
