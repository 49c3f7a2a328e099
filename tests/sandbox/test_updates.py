"""Updates: numbered, polled for, or sent to a webhook."""

import http.server
import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import Queue
from typing import Any

from sandbox.state import State
from sandbox.updates import Updates
from tests.local_telegram import Sandbox
from tests.sandbox.api import ANNA, GROUP, Api


def test_offset_confirms_and_limit_cuts(anna: Sandbox, api: Api) -> None:
    for text in ("1", "2", "3"):
        anna.send("anna", text)
    ids = [update["update_id"] for update in api.call("getUpdates")]

    assert ids == sorted(set(ids))
    assert len(api.call("getUpdates", limit=2)) == 2
    rest = api.call("getUpdates", offset=ids[1])
    assert [update["update_id"] for update in rest] == ids[1:]
    assert len(api.call("getUpdates")) == 2
    assert [update["update_id"] for update in api.call("getUpdates", offset=-1)] == ids[2:]


def test_update_ids_follow_the_clock_over_restarts() -> None:
    now = 1_795_000_000.0
    before, after = Updates(lambda: now), Updates(lambda: now + 1)
    last = Updates(lambda: now + 10**8)

    assert before.next_id < after.next_id < last.next_id < 2**31


def test_message_ids_follow_the_clock_over_restarts() -> None:
    now = 1_795_000_000.0

    def first_ids(clock: float) -> set[int]:
        return {chat.next_message_id for chat in State(clock=lambda: clock).chats.values()}

    [before], [after], [last] = (first_ids(now + later) for later in (0, 1, 10**8))
    assert before < after < last < 2**31


def test_message_ids_never_come_back_after_a_reset(sandbox: Sandbox, api: Api) -> None:
    def ids_of_a_life() -> dict[int, list[int]]:
        """Ids by chat, of more messages than the clock gives ids for."""
        sandbox.start("anna")
        sandbox.group("add_bot")
        small = [api.say(chat_id=GROUP)["message_id"] for _ in range(30)]
        new_id = sandbox.group("migrate")["id"]
        private = [api.say()["message_id"] for _ in range(30)]
        large = [api.say(chat_id=new_id)["message_id"]]
        assert large < small[1:]  # a supergroup numbers anew
        return {ANNA: private, GROUP: small, new_id: large}

    lives = []
    for _ in range(3):
        sandbox.reset()
        lives.append(ids_of_a_life())

    for earlier, later in itertools.pairwise(lives):
        for chat_id, ids in later.items():
            assert min(ids) > max(earlier[chat_id])


def test_long_poll_ends_with_an_update(anna: Sandbox, api: Api) -> None:
    with ThreadPoolExecutor() as pool:
        polling = pool.submit(api.call, "getUpdates", timeout=50)
        sent = anna.send("anna", "Привет")
        assert [update["update_id"] for update in polling.result(30)] == [sent["update_id"]]


def test_second_poller_cuts_off_the_first(anna: Sandbox, api: Api) -> None:
    with ThreadPoolExecutor() as pool:
        first = pool.submit(api.refusal, "getUpdates", timeout=10)
        while not first.done():
            api.call("getUpdates", timeout=0)
        assert first.result() == (
            "409 Conflict: terminated by other getUpdates request; "
            "make sure that only one bot instance is running"
        )


def test_allowed_updates_are_remembered(anna: Sandbox, api: Api) -> None:
    message = api.say()
    api.call("getUpdates", allowed_updates=["callback_query"])
    assert anna.send("anna", "Привет")["update_id"] is None
    assert api.updates() == []
    assert anna.press("anna", "x", message, wait=0)["update_id"]
    api.call("getUpdates", allowed_updates=[])
    assert anna.send("anna", "Привет")["update_id"]


class Hook(http.server.BaseHTTPRequestHandler):
    answers: Queue[int]
    seen: Queue[tuple[str, int]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        secret = self.headers["X-Telegram-Bot-Api-Secret-Token"]
        self.seen.put((secret, body["update_id"]))
        self.send_response(self.answers.get())
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def listening_hook(*statuses: int) -> Iterator[str]:
    """A bot behind a webhook that answers so, one after the other."""
    Hook.answers, Hook.seen = Queue(), Queue()
    for status in statuses:
        Hook.answers.put(status)
    with http.server.HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook"
        finally:
            server.shutdown()
            thread.join()


def test_webhook_delivers_in_order_until_2xx(anna: Sandbox, api: Api) -> None:
    with listening_hook(500, 200, 200) as url:
        api.call("setWebhook", url=url, secret_token="s3cret")
        first = anna.send("anna", "1")["update_id"]
        second = anna.send("anna", "2")["update_id"]
        seen = [Hook.seen.get(timeout=60) for _ in range(3)]
        conflict = api.refusal("getUpdates")
        info = api.call("getWebhookInfo")

    assert seen == [("s3cret", first), ("s3cret", first), ("s3cret", second)]
    assert conflict.startswith("409 Conflict: can't use getUpdates method while webhook is active")
    assert info["url"] == url
    assert info["last_error_message"] == "Wrong response from the webhook: 500"


def test_webhook_stays_on_loopback(api: Api) -> None:
    assert "loopback" in api.refusal("setWebhook", url="https://example.com/hook")
