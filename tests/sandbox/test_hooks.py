"""The receiver of webhooks: what arrived, and whether the signature holds."""

from datetime import UTC, datetime

import httpx
import pytest

from tests.local_telegram import Sandbox
from webhooks.signing import new_secret, signed_headers

BODY = '{"type":"ticket.created","данные":1}'


def send(sandbox: Sandbox, secret: str, *, body: str = BODY) -> None:
    headers = signed_headers(
        webhook_id="msg_1", at=datetime.now(UTC), body=BODY.encode(), secrets=[new_secret(), secret]
    )
    answer = httpx.post(f"{sandbox.url}/hooks/anna", content=body.encode(), headers=headers)
    assert answer.status_code == 204


def hooks(sandbox: Sandbox) -> list[dict]:
    return httpx.get(f"{sandbox.url}/sandbox/hooks").json()["hooks"]


def paste(sandbox: Sandbox, secret: str) -> httpx.Response:
    return httpx.post(f"{sandbox.url}/sandbox/hooks", json={"secret": secret})


def test_what_arrived_is_shown_with_its_signature(sandbox: Sandbox) -> None:
    secret = new_secret()
    send(sandbox, secret)
    [one] = hooks(sandbox)
    assert (one["name"], one["body"], one["holds"]) == ("anna", BODY, None)
    assert one["headers"]["webhook-id"] == "msg_1"
    paste(sandbox, secret)
    send(sandbox, secret, body=BODY.replace("1", "2"))
    assert [one["holds"] for one in hooks(sandbox)] == [False, True]
    paste(sandbox, new_secret())
    assert [one["holds"] for one in hooks(sandbox)] == [False, False]
    assert secret not in httpx.get(f"{sandbox.url}/sandbox/hooks").text
    httpx.delete(f"{sandbox.url}/sandbox/hooks")
    assert hooks(sandbox) == []


@pytest.mark.parametrize("text", ["secret", "whsec_", "whsec_?", "whsec_ключ"])
def test_what_is_no_secret_is_refused(sandbox: Sandbox, text: str) -> None:
    assert paste(sandbox, text).status_code == 400
    send(sandbox, new_secret())
    assert hooks(sandbox)[0]["holds"] is None
