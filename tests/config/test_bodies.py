"""A real gunicorn, as the image starts it, and clients that send too much or too slowly."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from select import select

import pytest

from config import bodies
from tests.config.server import answer, ask, connect, head, image_command, page

MEGABYTE = 1024**2


def test_large_form_is_answered_before_it_is_sent(port):
    """Nothing of the body is needed for the answer."""
    text = ask(port, head("/login/", f"Content-Length: {300 * MEGABYTE}"))
    assert text.startswith("HTTP/1.1 413")
    assert "Форма не отправлена" in text
    assert 'href="/"' in text


def test_sender_who_goes_on_sees_the_answer(port):
    """As browsers do, which read nothing before all is sent."""
    with connect(port) as client:
        client.sendall(head("/login/", f"Content-Length: {20 * MEGABYTE}"))
        for _ in range(20):
            client.sendall(bytes(MEGABYTE))
        assert answer(client).startswith("HTTP/1.1 413")


def test_stranger_sends_no_files(port):
    """What is typed stays in the page: the way leads to the login, and nothing is read."""
    request = head("/tickets/1/comment/", f"Content-Length: {100 * MEGABYTE}")
    text = ask(port, request)
    assert text.startswith("HTTP/1.1 302")
    assert "Location: /login/?next=/tickets/1/comment/" in text


def test_answer_says_that_the_connection_ends(port):
    """Or a client that keeps it would lose its next request, as programs' pools did."""
    with connect(port) as client:
        client.sendall(head("/api/v1/tickets/", "Content-Length: 2") + b"{}")
        assert "Connection: close" in answer(client)


def test_body_without_a_length_is_refused(port):
    request = head("/login/", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n"
    text = ask(port, request)
    assert text.startswith("HTTP/1.1 411")
    assert "Content-Length" in text


def test_form_that_is_cut_short_is_not_taken(port):
    with connect(port) as client:
        client.sendall(head("/login/", "Content-Length: 100") + b"username=an")
        client.shutdown(socket.SHUT_WR)
        assert answer(client).startswith("HTTP/1.1 408")


@pytest.mark.parametrize("path", ["/healthz", "/nowhere/", "/login/"])
def test_body_that_nobody_reads_holds_no_thread(port, path):
    """20 senders of what no page asks for; the threads are free before they end."""
    with ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(connect(port))
            request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999\r\n\r\nx"
            client.sendall(request.encode())
        assert "Войти" in page(port)


def test_page_is_answered_beside_slow_senders(port):
    """More of them than there are threads: some are waited for, the others told to come again."""
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(port)) for _ in range(20)]
        for client in slow:
            client.sendall(head("/login/", "Content-Length: 1000") + b"username=")
        assert "Войти" in page(port)
        assert not any(status_of(client) == "408" for client in slow)  # nobody was waited out
        waiting = set(slow)
        while len(waiting) > 2 * bodies.AT_ONCE:
            ready = select(waiting, [], [], 30)[0]
            assert {status_of(client) for client in ready} == {"503"}
            waiting -= set(ready)


def status_of(client: socket.socket) -> str:
    """Of the answer that has come, empty without one."""
    if not select([client], [], [], 0)[0]:
        return ""
    return client.recv(12, socket.MSG_PEEK).decode()[9:]


# What waits, without a server


class Server:
    """As gunicorn's response: the application gets its bound method."""

    closes = said = False

    def start_response(self, *_head: object) -> None:
        self.said = self.closes

    def force_close(self) -> None:
        self.closes = True


@pytest.mark.parametrize("read", [0, 4, 10])
def test_connection_ends_after_a_body_that_was_not_read(line, read):
    ours, theirs = line
    theirs.sendall(b"0123456789")
    theirs.shutdown(socket.SHUT_WR)
    server, environ = Server(), {"wsgi.input": Source(ours), "CONTENT_LENGTH": "10"}

    def application(environ: dict, start: Callable[..., None]) -> list[bytes]:
        content = environ["wsgi.input"].read(read)
        start("200 OK", [])
        return [content]

    bodies.bodies_in_time(application)(environ, server.start_response).close()
    assert server.said == (read < 10)
    assert free_places() == bodies.AT_ONCE


class Source:
    """`wsgi.input` as gunicorn has it: reads on until it has all, or nobody sends any more."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def read(self, size: int) -> bytes:
        got = b""
        while len(got) < size and (part := self._connection.recv(size - len(got))):
            got += part
        return got


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def body_of(connection: socket.socket, length: int) -> bodies.Body:
    return bodies.Body(Source(connection), length, connection)


def free_places() -> int:
    with ExitStack() as stack:
        taken = 0
        while bodies._places.acquire(blocking=False):
            stack.callback(bodies._places.release)
            taken += 1
        return taken


def test_body_that_does_not_come_in_time_is_given_up(line, monkeypatch):
    monkeypatch.setattr(bodies, "PATIENCE", 0.05)
    ours, theirs = line
    theirs.sendall(b"usern")
    body = body_of(ours, 10)
    with pytest.raises(bodies.BodyTooSlow):
        body.read(10)
    ours.sendall(b"an answer")
    assert theirs.recv(100) == b"an answer"
    body.discard()
    assert free_places() == bodies.AT_ONCE


def test_time_goes_with_the_length(line, monkeypatch):
    """A person may send slowly, at 50 KB a second at least."""
    given = []
    monkeypatch.setattr(bodies, "Timer", lambda seconds, _act: given.append(seconds) or Mute())
    ours, theirs = line
    theirs.sendall(b"x")
    body = body_of(ours, 50 * MEGABYTE)
    body.read(1)
    body._timer = None
    body.end()
    assert given == [bodies.PATIENCE + 1024]


class Mute:
    def start(self) -> None:
        """Never rings."""


@pytest.mark.parametrize("size", [-1, 4, 10])
def test_whole_body_gives_its_place_back(line, size):
    ours, theirs = line
    theirs.sendall(b"0123456789")
    body = body_of(ours, 10)
    got = b""
    while part := body.read(size):
        got += part
    assert got == b"0123456789"
    assert free_places() == bodies.AT_ONCE


def test_request_that_fails_gives_its_place_back(line):
    ours, theirs = line
    theirs.sendall(b"0123456789")

    def fail(environ, _start):
        environ["wsgi.input"].read(1)
        assert free_places() == bodies.AT_ONCE - 1
        raise RuntimeError

    environ = {"CONTENT_LENGTH": "10", "wsgi.input": Source(ours), "gunicorn.socket": ours}
    with pytest.raises(RuntimeError):
        bodies.bodies_in_time(fail)(environ, print)
    assert free_places() == bodies.AT_ONCE


@pytest.mark.parametrize("length", ["", "0", "-1", "٥", "1_0", "x"])
def test_request_without_a_body_is_left_alone(length):
    environ = {"CONTENT_LENGTH": length, "wsgi.input": None}
    assert bodies.bodies_in_time(lambda _environ, _start: [b"page"])(environ, print) == [b"page"]


def test_one_thread_is_left_for_pages():
    threads = re.search(r"--threads=(\d+)", " ".join(image_command()))
    assert threads
    assert int(threads[1]) == bodies.AT_ONCE + 1
