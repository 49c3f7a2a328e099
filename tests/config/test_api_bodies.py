"""What programs send to a real gunicorn: refused as problems, before the body has come."""

import json

import pytest

from tests.config.server import ask

MEGABYTE = 1024**2


def head(path: str, *headers: str) -> bytes:
    lines = [f"POST /api/v1/{path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def refusal(text: str) -> tuple[int, str, str]:
    """Status, media type and code."""
    lines = text.splitlines()
    headers = dict(line.split(": ", 1) for line in lines[1:-1])
    return int(text.split()[1]), headers["Content-Type"], json.loads(lines[-1])["code"]


UPLOAD = "tickets/1/attachments/"
JSON, FILES = "Content-Type: application/json", "Content-Type: multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("tickets/", [JSON, f"Content-Length: {2 * MEGABYTE}"], 413, "too_large"),
        ("tickets/", [JSON, "Content-Length: 100"], 401, "unauthenticated"),
        ("tickets/", [JSON, "Transfer-Encoding: chunked"], 411, "length_required"),
        ("nowhere/", [JSON, "Content-Length: 100"], 404, "not_found"),
        (UPLOAD, [FILES, f"Content-Length: {100 * MEGABYTE}"], 401, "unauthenticated"),
        (UPLOAD, [FILES, f"Content-Length: {900 * MEGABYTE}"], 413, "too_large"),
        ("tickets/1/comments/", [FILES, f"Content-Length: {100 * MEGABYTE}"], 413, "too_large"),
    ],
)  # fmt: skip
def test_refused_unread(port, path, headers, status, code):
    """Nothing of the body is ever sent."""
    assert refusal(ask(port, head(path, *headers))) == (status, "application/problem+json", code)
