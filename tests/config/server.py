"""A real gunicorn, as the image starts it, and raw connections to it."""

import re
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def image_command() -> list[str]:
    command = re.search(r"^CMD \[(.+)\]$", (ROOT / "Dockerfile").read_text(), re.M)
    assert command
    words = [word.strip().strip('"') for word in command[1].split(",")]
    return [word for word in words if not word.startswith("--bind")]


def connect(port: int, seconds: float = 30) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=seconds)


def head(path: str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Cookie: csrftoken={'a' * 32}", *headers]
    lines.append("Content-Type: application/x-www-form-urlencoded")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer(client: socket.socket) -> str:
    """All of one response, by its Content-Length."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += client.recv(65536)
    top, _, body = got.partition(b"\r\n\r\n")
    length = int(re.search(rb"Content-Length: (\d+)", top)[1])
    while len(body) < length:
        body += client.recv(65536)
    return f"{top.decode()}\n{body.decode()}"


def ask(port: int, request: bytes, seconds: float = 30) -> str:
    with connect(port, seconds) as client:
        client.sendall(request)
        return answer(client)


def page(port: int) -> str:
    return ask(port, b"GET /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
