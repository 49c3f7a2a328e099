"""Bodies of requests on their way in: whole, in time, and never on every thread at once.

Between the server and Django, because only there a body that does not come can be waited for less.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from socket import SHUT_RD, socket
from threading import BoundedSemaphore, Timer
from typing import Any

from django.core.exceptions import BadRequest

AT_ONCE = 3  # of a process; one fewer than gunicorn's --threads, so that pages are answered
PATIENCE = 20  # seconds for any body
SLOWEST = 50 * 1024  # bytes a second that one has to bring besides
DISCARDED = 64 * 1024**2  # bytes of a refused body that are let in, for the answer to be seen
DISCARDED_FOR = 5  # seconds
PIECE = 64 * 1024
UNKNOWN = 1 << 62  # the length of a chunked body

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_places = BoundedSemaphore(AT_ONCE)


class BodyIncomplete(BadRequest):
    """The sender has gone before the end of it."""


class BodyTooSlow(BodyIncomplete):
    pass


class TooManyBodies(BodyIncomplete):
    """So many others are still coming that this one is not waited for."""


class Body:
    """`wsgi.input` that holds a place from its first read to its end, and is never cut short."""

    def __init__(self, source: Any, length: int, connection: socket | None) -> None:
        self._source, self._connection = source, connection
        self.length = self.left = length
        self._timer: Timer | None = None
        self._has_place = self._is_late = False

    def read(self, size: int = -1) -> bytes:
        data = self._take(self._source.read, size)
        if self.left and (size is None or size < 0 or len(data) < size):
            raise BodyIncomplete("the body ended too early")
        return data

    def readline(self, size: int = -1) -> bytes:
        return self._take(self._source.readline, size)

    def _take(self, read: Callable[[int], bytes], size: int) -> bytes:
        size = self.left if size is None or size < 0 else min(size, self.left)
        if not size:
            return b""
        if not self._has_place and not self._begin(PATIENCE + self.length / SLOWEST):
            raise TooManyBodies("too many bodies at once")
        data: bytes = read(size)
        self.left -= len(data)
        if self._is_late:
            raise BodyTooSlow("the body came too slowly")
        if not data:
            raise BodyIncomplete("the body ended too early")
        if not self.left:
            self.end()
        return data

    def _begin(self, patience: float) -> bool:
        self._has_place = _places.acquire(blocking=False)
        if self._has_place and self._connection:
            self._timer = Timer(patience, self._give_up)
            self._timer.daemon = True
            self._timer.start()
        return self._has_place

    def _give_up(self) -> None:
        """Wake whoever waits for more; the answer can still be sent."""
        self._is_late = True
        self._read_no_more()

    def _read_no_more(self) -> None:
        if self._connection:
            with suppress(OSError):
                self._connection.shutdown(SHUT_RD)

    def end(self) -> None:
        """Give the place back."""
        if self._timer:
            self._timer.cancel()
        if self._has_place:
            self._has_place = False
            _places.release()

    def discard(self) -> None:
        """Let in some of what nobody has read: a browser that still sends sees no answer."""
        self.end()
        if not self.left:
            return
        if not self._is_late and self._begin(DISCARDED_FOR):
            with suppress(Exception):  # whatever is wrong with it
                allowed = DISCARDED
                while allowed > 0 and (data := self._source.read(PIECE)):
                    allowed -= len(data)
            self.end()
        self._read_no_more()


class Answer:
    """A response after which the rest of the body is discarded."""

    def __init__(self, response: Iterable[bytes], body: Body) -> None:
        self._response, self._body = response, body

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._response)

    def close(self) -> None:
        try:
            if hasattr(self._response, "close"):
                self._response.close()
        finally:
            self._body.discard()


def bodies_in_time(application: Application) -> Application:
    def wrapper(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        length = _length(environ)
        if not length:
            return application(environ, start_response)
        body = Body(environ["wsgi.input"], length, environ.get("gunicorn.socket"))
        environ["wsgi.input"] = body

        def start(*args: Any) -> Any:
            if body.left:  # said in the headers, or the sender would lose its next request
                _closing(start_response)()
            return start_response(*args)

        try:
            return Answer(application(environ, start), body)
        except BaseException:
            body.end()
            raise

    return wrapper


def _closing(start_response: Callable[..., Any]) -> Callable[[], None]:
    """What ends gunicorn's connection: the rest of a body must not be read as another request."""
    response = getattr(start_response, "__self__", None)
    return getattr(response, "force_close", lambda: None)


def _length(environ: dict[str, Any]) -> int:
    if environ.get("HTTP_TRANSFER_ENCODING"):
        return UNKNOWN
    text = environ.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isascii() and text.isdigit() else 0
