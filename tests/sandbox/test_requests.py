"""What every request goes through, over HTTP, as a bot meets it."""

import json
from typing import Any

import httpx
import pytest

from tests.local_telegram import Sandbox
from tests.sandbox.api import ANNA, Api, inline


def test_token_and_method_are_checked(sandbox: Sandbox) -> None:
    def get(path: str) -> tuple[int, str]:
        response = httpx.get(sandbox.url + path, trust_env=False)
        return response.status_code, response.json()["description"]

    assert get("/bot1:wrong/getMe") == (401, "Unauthorized")
    assert get("/botnonsense/getMe") == (404, "Not Found")
    assert get("/file/bot1:wrong/documents/file_1") == (401, "Unauthorized")
    assert get(f"/bot{sandbox.token}/getGameHighScores") == (404, "Not Found: method not found")
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
        answer = client.post(f"{anna.url}/bot{anna.token}/SendMessage", **ways[way]).json()

    assert answer["ok"], answer
    assert anna.buttons(anna.last("anna")) == {"А": "a"}


def test_log_hides_secrets(sandbox: Sandbox, api: Api) -> None:
    api.call("setWebhook", url="http://127.0.0.1:9/hook", secret_token="hush-hush")
    api.call("deleteWebhook")

    log = json.dumps(sandbox.requests())
    assert "hush" not in log
    assert sandbox.token.split(":")[1] not in log


def test_other_sites_are_kept_out(sandbox: Sandbox) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        response = httpx.post(f"{sandbox.url}/sandbox/reset", headers=headers, trust_env=False)
        assert response.status_code == 403


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        "{" + '"a":{' * 100_000,
        '{"text":' + "[" * 150 + "]" * 150 + "}",
        '{"chat_id":NaN}',
        '{"chat_id":-Infinity}',
        '{"chat_id":1,"chat_id":2}',
        '{"chat_id":' + "9" * 5000 + "}",
        '"text"',
        "{}}",
        "\ufeff{}",
    ],
)
def test_odd_json_is_a_bad_request(anna: Sandbox, body: str) -> None:
    url = f"{anna.url}/bot{anna.token}/sendMessage"
    headers = {"Content-Type": "application/json"}

    response = httpx.post(url, content=body.encode(), headers=headers, trust_env=False)

    assert response.status_code == response.json()["error_code"] == 400


@pytest.mark.parametrize("kind", ["application/json; charset=nonsense", "text/plain; charset=x"])
@pytest.mark.parametrize("body", [b"{}", b"\xff\xfe"])
def test_odd_charset_is_a_bad_request(anna: Sandbox, kind: str, body: bytes) -> None:
    url = f"{anna.url}/bot{anna.token}/sendMessage"

    response = httpx.post(url, content=body, headers={"Content-Type": kind}, trust_env=False)

    assert response.status_code == response.json()["error_code"] == 400


@pytest.mark.parametrize("path", ["bot", "sandbox/files"])
def test_broken_form_is_a_bad_request(anna: Sandbox, path: str) -> None:
    url = f"{anna.url}/bot{anna.token}/sendMessage" if path == "bot" else f"{anna.url}/{path}"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}

    response = httpx.post(url, content=b"--x\r\njunk", headers=headers, trust_env=False)

    assert response.status_code == 400


@pytest.mark.parametrize("markup", [DEEP, '{"a":NaN}', '{"a":1,"a":2}'])
def test_odd_json_in_a_parameter_names_it(anna: Sandbox, api: Api, markup: str) -> None:
    refusal = api.refusal("sendMessage", chat_id=ANNA, text="Привет", reply_markup=markup)

    assert refusal == "400 Bad Request: can't parse parameter reply_markup"


def test_deep_json_of_the_page_is_told(sandbox: Sandbox) -> None:
    response = httpx.post(f"{sandbox.url}/sandbox/send", content=DEEP, trust_env=False)

    assert (response.status_code, response.json()) == (400, {"error": "Тело запроса — не JSON."})


def test_hundred_levels_are_read(anna: Sandbox, api: Api) -> None:
    """As deep as Telegram itself reads; the parameter means nothing to the sandbox."""
    deep = json.dumps({"a": json.loads("[" * 97 + "]" * 97)})

    assert "can't parse parameter" not in api.refusal(
        "sendMessage", chat_id=ANNA, text="Привет", reply_markup=deep
    )
