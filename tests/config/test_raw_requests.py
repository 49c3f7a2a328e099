"""Requests no browser makes, byte by byte: one answer each, and nothing hidden in them is done."""

import re
import socket
from contextlib import suppress

import pytest

from tests.config.server import connect

HOST = "Host: 127.0.0.1\r\n"
HIDDEN = f"GET /healthz HTTP/1.1\r\n{HOST}\r\n"
EMPTY_CHUNK = "0\r\n\r\n"
PATIENCE = 2.0


def get(path: str, *headers: str) -> str:
    return f"GET {path} HTTP/1.1\r\n{HOST}" + "".join(f"{line}\r\n" for line in headers) + "\r\n"


def post(body: str, *headers: str) -> str:
    return get("/login/", *headers).replace("GET", "POST", 1) + body


def answers(port: int, request: str) -> list[tuple[int, str]]:
    """Status and head of every answer that comes before the connection ends or falls silent."""
    got = b""
    with connect(port, PATIENCE) as client:
        client.sendall(request.encode("latin-1"))
        with suppress(socket.timeout, ConnectionResetError):
            while data := client.recv(65536):
                got += data
    heads = re.findall(r"HTTP/1\.\d \d{3} .*?\r\n\r\n", got.decode(errors="replace"), re.S)
    return [(int(head.split()[1]), head) for head in heads]


@pytest.mark.parametrize(
    "request_text",
    [
        post(EMPTY_CHUNK + HIDDEN, "Content-Length: 4", "Transfer-Encoding: chunked"),
        post(EMPTY_CHUNK + HIDDEN, "Transfer-Encoding: chunked", "Content-Length: 4"),
        post(HIDDEN, "Content-Length: 0", f"Content-Length: {len(HIDDEN)}"),
        post(HIDDEN, "Content-Length: 0", "Content-Length: 0"),
        post(HIDDEN, "Content-Length: 0, 0"),
        post(HIDDEN, "Content-Length: +0"),
        post(HIDDEN, "Content-Length: 0_0"),
        post(HIDDEN, f"Content-Length:\r\n {len(HIDDEN)}"),
        post("hello" + HIDDEN, "Content-Length : 5"),
        post(EMPTY_CHUNK + HIDDEN, "Transfer-Encoding:\r\n chunked"),
        post(EMPTY_CHUNK + HIDDEN, "Transfer-Encoding: xchunked"),
        post(EMPTY_CHUNK + HIDDEN, "Transfer-Encoding: \x0bchunked"),
        post(EMPTY_CHUNK + HIDDEN, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        post("zz\r\nhello\r\n" + EMPTY_CHUNK + HIDDEN, "Transfer-Encoding: chunked"),
        post("5;a\nb\r\nhello\r\n" + EMPTY_CHUNK + HIDDEN, "Transfer-Encoding: chunked"),
        post(f"0\r\n{HOST}\r\n" + HIDDEN, "Transfer-Encoding: chunked"),
        get("/login/", f"Content-Length: {len(HIDDEN)}") + HIDDEN,
        get("/healthz", "X-A: b\r\n c"),
        get("/healthz", "X-A: b\rTransfer-Encoding: chunked"),
        get("/healthz", "Host: evil.example"),
    ],
)
def test_hidden_request_is_not_answered(port, request_text):
    assert len(answers(port, request_text)) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SCRIPT_NAME", "/evil"),
        ("SCRIPT_NAME", "/login"),
        ("PATH_INFO", "/admin/login/"),
        ("Path-Info", "/admin/login/"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Original-URL", "/admin/"),
        ("X-Rewrite-URL", "/admin/"),
        ("X-HTTP-Method-Override", "DELETE"),
    ],
)
def test_no_header_moves_the_path(port, name, value):
    """Also from this machine, where a proxy may pass on what strangers have sent it."""
    [(status, head)] = answers(port, get("/profile/", "Connection: close", f"{name}: {value}"))

    assert (status, re.search(r"Location: (\S+)", head)[1]) == (302, "/login/?next=/profile/")


def test_no_header_makes_a_plain_request_a_secure_one(port):
    """gunicorn would believe it of this machine; of two such headers it would refuse the page."""
    headers = ("Connection: close", "X-Forwarded-Proto: https", "X-Forwarded-Ssl: off")

    assert [status for status, _head in answers(port, get("/login/", *headers))] == [200]
