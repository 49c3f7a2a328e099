"""Limits, and faults that are asked for."""

import socket
import struct
import time
from typing import Any

import httpx
import pytest

from sandbox.errors import TelegramError
from sandbox.limits import Limits
from tests.local_telegram import Sandbox, running_sandbox
from tests.sandbox.api import ANNA, BORIS, GROUP, Api


def test_flood_limits() -> None:
    now = 0.0
    limits = Limits(lambda: now, enabled=True)

    def send(chat_id: int, times: int, *, private: bool = True) -> int:
        """How many went through before the refusal."""
        for number in range(times):
            try:
                limits.take(chat_id, private=private)
            except TelegramError:
                return number
        return times

    assert send(ANNA, 25) == 20
    assert send(BORIS, 25) == 10  # 30 a second over all
    now = 5.0
    assert send(ANNA, 25) == 5  # then one a second
    now = 10.0
    assert send(GROUP, 25, private=False) == 20
    now = 13.0
    assert send(GROUP, 25, private=False) == 1  # 20 a minute


def test_limits_are_on_unless_switched_off() -> None:
    with running_sandbox(limits=True) as sandbox:
        sandbox.start("anna")
        api = Api(sandbox.url, sandbox.token)
        answers = [api.answer("sendMessage", chat_id=ANNA, text="а") for _ in range(25)]
        api.close()

    refused = [answer for answer in answers if not answer["ok"]]
    assert refused
    assert refused[0]["error_code"] == 429
    assert refused[0]["parameters"]["retry_after"] >= 1


def test_error_faults(anna: Sandbox, api: Api) -> None:
    def send() -> dict[str, Any]:
        return api.answer("sendMessage", chat_id=ANNA, text="а")

    anna.fault("429", retry_after=7)
    assert send()["parameters"] == {"retry_after": 7}
    anna.fault("403", times=2)
    assert [send()["error_code"], send()["error_code"], send()["ok"]] == [403, 403, True]
    anna.fault("500", method="editMessageText", times=None)
    assert send()["ok"]
    anna.fault("400", chat="boris")
    assert send()["ok"]
    anna.clear_faults()
    anna.fault("500")
    assert api.call("getMe")
    assert api.call("getUpdates") is not None
    assert send()["error_code"] == 500


@pytest.mark.parametrize(
    ("kind", "delivered"), [("reset", 0), ("timeout", 0), ("lost_answer", 1), ("bad_json", 0)]
)
def test_broken_answers(anna: Sandbox, api: Api, kind: str, delivered: int) -> None:
    anna.fault(kind, seconds=0.01)
    with pytest.raises((httpx.TransportError, ValueError)):
        api.answer("sendMessage", chat_id=ANNA, text="а")

    assert len(anna.from_bot("anna")) == delivered
    assert api.say()


def test_numbers_as_strings(anna: Sandbox, api: Api) -> None:
    anna.fault("strings")
    message = api.call("sendMessage", chat_id=ANNA, text="а")
    assert (type(message["message_id"]), message["chat"]["id"]) == (str, ANNA)
    assert len(anna.from_bot("anna")) == 1


def test_slow_answer_and_failing_download(anna: Sandbox, api: Api) -> None:
    anna.fault("slow", seconds=0.05)
    began = time.monotonic()
    message = api.call("sendDocument", {"document": ("a.txt", b"text")}, chat_id=ANNA)
    assert time.monotonic() - began >= 0.05

    anna.fault("500", method="file")
    path = api.call("getFile", file_id=message["document"]["file_id"])["file_path"]
    url = f"{anna.url}/file/bot{anna.token}/{path}"
    statuses = [httpx.get(url, trust_env=False).status_code for _ in range(2)]
    assert statuses == [500, 200]


def test_file_by_drops(anna: Sandbox, api: Api) -> None:
    message = api.call("sendDocument", {"document": ("a.txt", b"text" * 9)}, chat_id=ANNA)
    path = api.call("getFile", file_id=message["document"]["file_id"])["file_path"]
    anna.fault("trickle", method="file", seconds=0.3)
    with httpx.stream("GET", f"{anna.url}/file/bot{anna.token}/{path}", trust_env=False) as answer:
        parts = list(answer.iter_raw())

    assert b"".join(parts) == b"text" * 9
    assert len(parts) > 1


def leave_in_the_middle(sandbox: Sandbox, request: str) -> None:
    """Start a request and reset the connection, as a killed client does."""
    address = httpx.URL(sandbox.url)
    with socket.create_connection((address.host, address.port)) as client:
        client.sendall(f"{request} HTTP/1.1\r\nHost: {address.netloc.decode()}\r\n".encode())
        client.sendall(b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{")
        sandbox.state()  # by now the handler waits for the rest
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sandbox.state()  # by now it knows that there is none


@pytest.mark.parametrize("path", ["bot{token}/sendMessage", "sandbox/send"])
def test_client_that_leaves_is_no_error(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    leave_in_the_middle(sandbox, f"POST /{path.format(token=sandbox.token)}")

    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
