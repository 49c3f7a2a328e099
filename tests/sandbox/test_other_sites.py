"""A page of another site in the same browser can neither drive the sandbox nor read it."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.local_telegram import Sandbox
from tests.sandbox.api import ANNA, Api

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
IMAGE = {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
FRAME = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
SCRIPT = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
FOREIGN = ("cross-site", "same-site")  # another port of this machine is the same site


def get(sandbox: Sandbox, path: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    address = sandbox.url + path.format(token=sandbox.token)
    return httpx.get(address, headers=named, trust_env=False).status_code


API = f"/bot{{token}}/sendMessage?chat_id={ANNA}&text=x"


@pytest.mark.parametrize("site", FOREIGN)
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (API, IMAGE),
        (API, NAVIGATION),
        ("/file/bot{token}/documents/file_1", IMAGE),
        ("/sandbox/state", SCRIPT),
        ("/sandbox/requests", SCRIPT),
        ("/sandbox/mail", NAVIGATION),
        ("/sandbox/wait?timeout=0", IMAGE),
        ("/sandbox/static/app.js", IMAGE),
        ("/", FRAME),
        ("/", SCRIPT),
    ],
)
def test_request_of_another_site_is_refused(anna: Sandbox, path, kind, site) -> None:
    before = len(anna.from_bot("anna"))

    assert get(anna, path, **{"Sec-Fetch-Site": site, **kind}) == 403

    assert len(anna.from_bot("anna")) == before


@pytest.mark.parametrize("origin", ["https://example.com", "null", "http://127.0.0.1:1"])
@pytest.mark.parametrize("path", ["/sandbox/reset", "/bot{token}/deleteWebhook"])
def test_post_of_another_origin_is_refused(sandbox: Sandbox, path: str, origin: str) -> None:
    address = sandbox.url + path.format(token=sandbox.token)

    answer = httpx.post(address, headers={"Origin": origin}, trust_env=False)

    assert answer.status_code == 403


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1.example.com", "0.0.0.0", "[::]"])  # noqa: S104
@pytest.mark.parametrize("path", ["/", "/sandbox/state", API])
def test_name_that_was_made_to_lead_here_is_refused(sandbox: Sandbox, path, host) -> None:
    port = sandbox.url.rpartition(":")[2]

    assert get(sandbox, path, Host=f"{host}:{port}") == 403


@pytest.mark.parametrize("path", ["/", "/support_sandbox_bot?start=t_1"])
def test_link_of_the_portal_opens_the_chat_page(sandbox: Sandbox, path: str) -> None:
    headers = {"Sec-Fetch-Site": "same-site", **NAVIGATION}
    answer = httpx.get(sandbox.url + path, headers=headers, follow_redirects=True, trust_env=False)

    assert answer.status_code == 200
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_own_page_and_address_bar_are_let_in(sandbox: Sandbox, site: str) -> None:
    assert get(sandbox, "/sandbox/state", Sec_Fetch_Site=site) == 200
    assert get(sandbox, "/bot{token}/getMe", Sec_Fetch_Site=site) == 200


class Hook(http.server.BaseHTTPRequestHandler):
    paths: list[str]
    came: threading.Event

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.paths.append(self.path)
        self.send_response(307)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        if len(self.paths) > 1:
            self.came.set()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def redirecting_hook() -> Iterator[str]:
    Hook.paths, Hook.came = [], threading.Event()
    with http.server.HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook"
        finally:
            server.shutdown()
            thread.join()


def test_webhook_follows_no_redirect(anna: Sandbox, api: Api) -> None:
    with redirecting_hook() as url:
        api.call("setWebhook", url=url)
        anna.send("anna", "1")
        assert Hook.came.wait(60)
        # the answer is read a moment after it was given
        told = anna.wait_until(lambda: api.call("getWebhookInfo").get("last_error_message"))

    assert set(Hook.paths) == {"/hook"}
    assert told == "Wrong response from the webhook: 307"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "http://127.0.0.1@example.com/hook",
        "http://example.com\\@127.0.0.1/hook",
        "http://127.0.0.1.example.com/",
        "http://0.0.0.0:1/",
        "http://169.254.169.254/",
        "http://2130706433/",
        "http://0x7f.1/",
        "ftp://127.0.0.1/",
        "http:///hook",
        "http://127.0.0.1:99999/",
        "//127.0.0.1/hook",
    ],
)
def test_webhook_leads_to_loopback_only(api: Api, url: str) -> None:
    assert "loopback" in api.refusal("setWebhook", url=url)


class Trap(http.server.BaseHTTPRequestHandler):
    """A page of another site that knows the token, and tries each way a page has."""

    attacks: list[str]

    def do_GET(self) -> None:
        tags = "".join(f'<img src="{url}"><iframe src="{url}"></iframe>' for url in self.attacks)
        body = f"<!doctype html><title>trap</title>{tags}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def test_page_in_a_real_browser_drives_nothing(anna: Sandbox, browser) -> None:
    Trap.attacks = [anna.url + API.format(token=anna.token), f"{anna.url}/"]
    seen: dict[str, set[int]] = {}
    with http.server.HTTPServer(("127.0.0.1", 0), Trap) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        page = browser.new_page()
        page.on("response", lambda it: seen.setdefault(it.url, set()).add(it.status))
        try:
            page.goto(f"http://localhost:{server.server_port}/", wait_until="networkidle")
        finally:
            page.close()
            server.shutdown()
            thread.join()

    assert {url: seen[url] for url in Trap.attacks} == {url: {403} for url in Trap.attacks}
    assert anna.from_bot("anna") == []
