"""A receiver of webhooks as a customer has one: a real server that can misbehave."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]  # names in small letters
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """What it says, by the package that customers use. Raises WebhookVerificationError."""
        return Webhook(secret).verify(self.body, self.headers)


Behaviour = Callable[["Handler", Received], None]


class Receiver:
    """`plan` has one behaviour a request, in turn; after the last all are taken with 204."""

    def __init__(self, port: int = 0, tls: SSLContext | None = None) -> None:
        self.plan: list[Behaviour] = []
        self.received: list[Received] = []
        self.ended = threading.Event()
        handler = type("Bound", (Handler,), {"receiver": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.server.daemon_threads = True
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    receiver: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        one = Received(self.path, headers, body)
        self.receiver.received.append(one)
        behave = self.receiver.plan.pop(0) if self.receiver.plan else code(204)
        with suppress(OSError):
            behave(self, one)

    do_GET = do_POST

    def log_message(self, *_args: Any) -> None:
        pass


def code(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    def answer(handler: Handler, _one: Received) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hang(handler: Handler, _one: Received) -> None:
    handler.receiver.ended.wait(60)


def drip(handler: Handler, _one: Received) -> None:
    """A byte of the first line now and then: no single wait is long."""
    for _number in range(600):
        handler.wfile.write(b"H")
        if handler.receiver.ended.wait(0.1):
            return


def drip_body(handler: Handler, _one: Received) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _number in range(600):
        handler.wfile.write(b"x")
        if handler.receiver.ended.wait(0.1):
            return


def flood(handler: Handler, _one: Received) -> None:
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    handler.end_headers()
    for _number in range(10_000):
        handler.wfile.write(b"\x1f\x8b" * 5000)


def crumble(handler: Handler, _one: Received) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for _number in range(10_000):
        handler.wfile.write(b"1\r\nx\r\n" * 5000)


def announce(handler: Handler, _one: Received) -> None:
    """Without end that an answer is on its way."""
    while not handler.receiver.ended.is_set():
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def garbage(handler: Handler, _one: Received) -> None:
    handler.wfile.write(b"\x00\xff not HTTP at all\r\n\r\n")
    handler.close_connection = True


def reset(handler: Handler, _one: Received) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


@contextmanager
def running(port: int = 0, tls: SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver(port, tls)
    yield receiver
    receiver.close()
