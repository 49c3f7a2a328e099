"""The chat page and what keeps it up to date."""

import json

import httpx

from tests.local_telegram import Sandbox
from tests.sandbox.api import ANNA, Api


def test_chat_page_is_served_under_a_strict_policy(sandbox: Sandbox) -> None:
    page = httpx.get(f"{sandbox.url}/", trust_env=False)
    outside = httpx.get(f"{sandbox.url}/sandbox/static/..%2Fstate.py", trust_env=False)

    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert outside.status_code == 404


def test_link_to_the_bot_leads_to_the_chat_page_with_its_parameter(sandbox: Sandbox) -> None:
    for query in ("?start=n_7", ""):
        answer = httpx.get(f"{sandbox.url}/support_sandbox_bot{query}", trust_env=False)
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/{query}")


def test_events_tell_of_changes(sandbox: Sandbox) -> None:
    with (
        httpx.Client(trust_env=False, timeout=5) as client,
        client.stream("GET", f"{sandbox.url}/sandbox/events") as events,
    ):
        lines = (json.loads(line[6:]) for line in events.iter_lines() if line.startswith("data"))
        version = next(lines)["version"]
        sandbox.start("anna")
        event = next(lines)

    assert event["version"] > version
    assert event["kind"] == "message"


def test_reset_forgets_everything(anna: Sandbox, api: Api) -> None:
    anna.send("anna", "Привет")
    anna.fault("500", times=None)
    anna.reset()

    state = anna.state()
    assert not any(person["started"] for person in state["people"])
    assert (anna.messages("anna"), anna.requests(), api.updates()) == ([], [], [])
    assert api.refusal("sendMessage", chat_id=ANNA, text="а").startswith("403")
