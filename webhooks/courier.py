"""One request to somebody else's server: to a checked address, within ten seconds, once.

Requests run side by side in a thread with an event loop, and touch no database. A name is resolved
for each of them, every address of it is checked, and what was checked is connected to: nobody can
change the answer in between. Redirects are not followed, proxies of the environment not used,
answers not unpacked.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from ipaddress import ip_address
from socket import IPPROTO_TCP, getaddrinfo
from threading import Thread
from typing import Any

import httpcore
from django.utils.translation import gettext as _

from webhooks.addresses import UrlRefused, clean_url, require_public

logger = logging.getLogger(__name__)

TIME_LIMIT = 10.0  # seconds for all of it, however the bytes drip
ANSWER_LIMIT = 64 * 1024  # bytes of an answer that are kept
# One that is cut into bytes, or announced without end, would keep the thread from all others
PARTS_LIMIT = 500
TRAFFIC_LIMIT = ANSWER_LIMIT + 32 * 1024  # bytes that are let in
HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "support-portal-webhooks/1",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


@dataclass(frozen=True)
class Parcel:
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What came back; `error` says in words why nothing did."""

    status: int | None = None
    milliseconds: int = 0
    body: bytes = b""
    retry_after: str = ""
    error: str = ""

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Courier:
    """Carries parcels side by side until it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="webhooks", daemon=True)
        self._thread.start()

    def carry(self, parcel: Parcel) -> "Future[Answer]":
        """Begin a request; the future has its answer within TIME_LIMIT and never raises."""
        return asyncio.run_coroutine_threadsafe(deliver(parcel), self._loop)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=1)
        if not self._thread.is_alive():
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()


async def deliver(parcel: Parcel) -> Answer:
    begun = time.monotonic()
    answer = Answer()
    try:
        async with asyncio.timeout(TIME_LIMIT):
            async for part in _post(parcel):
                answer = part
    except Exception as failure:
        if answer.status is None:  # else it is known, whatever became of the rest
            answer = Answer(error=_words_for(failure))
    return replace(answer, milliseconds=round((time.monotonic() - begun) * 1000))


async def _post(parcel: Parcel) -> AsyncIterator[Answer]:
    """The answer as it grows, from its status on."""
    url = httpcore.URL(clean_url(parcel.url))  # as it is judged today
    headers: list[tuple[bytes | str, bytes | str]] = [("Host", _host_header(url))]
    headers += {**HEADERS, **parcel.headers}.items()
    connection = httpcore.AsyncHTTPConnection(
        origin=url.origin,
        ssl_context=tls() if url.scheme == b"https" else None,
        network_backend=CheckedBackend(),
    )
    async with (
        connection,
        connection.stream("POST", url, headers=headers, content=parcel.body) as response,
    ):
        found = {name.lower(): value for name, value in response.headers}
        later = found.get(b"retry-after", b"").decode("ascii", "replace")
        answer = Answer(response.status, retry_after=later)
        yield answer
        parts = 0
        async for chunk in response.aiter_stream():
            parts += 1
            answer = replace(answer, body=(answer.body + chunk)[:ANSWER_LIMIT])
            yield answer
            if len(answer.body) == ANSWER_LIMIT or parts == PARTS_LIMIT:
                return


def _host_header(url: httpcore.URL) -> str:
    host = url.host.decode()
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{url.port}" if url.port else host


@cache
def tls() -> ssl.SSLContext:
    """One for the process: building it costs more than many requests."""
    return ssl.create_default_context()


class CheckedBackend(httpcore.AnyIOBackend):
    """Connects to an address that was looked at, never to a name. TLS still asks for the name."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as the library names it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await resolve(host, port)
        for address in addresses:  # all of them: one that leads inside spoils the name
            require_public(ip_address(address))
        failure: Exception = OSError("no address")
        for address in addresses:
            try:
                return BoundedStream(await super().connect_tcp(address, port, timeout))
            except httpcore.ConnectError as error:
                failure = error
        raise failure


class BoundedStream(httpcore.AsyncNetworkStream):
    """A connection that ends when more comes in than any answer needs."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._left = TRAFFIC_LIMIT

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        if self._left <= 0:
            raise httpcore.RemoteProtocolError("too much")
        data = await self._stream.read(min(max_bytes, self._left), timeout)
        self._left -= len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(self, *args: Any, **given: Any) -> httpcore.AsyncNetworkStream:
        return BoundedStream(await self._stream.start_tls(*args, **given))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


async def resolve(host: str, port: int) -> list[str]:
    """In a thread of its own, which nobody waits for: the resolver keeps to no time limit."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def settle(addresses: list[str], error: OSError | None) -> None:
        if found.done():
            return
        if error:
            found.set_exception(error)
        else:
            found.set_result(addresses)

    def look_up() -> None:
        addresses: list[str] = []
        error = None
        try:
            rows = getaddrinfo(host, port, proto=IPPROTO_TCP)
            addresses = list(dict.fromkeys(str(row[4][0]) for row in rows))
        except (OSError, UnicodeError) as failure:
            error = NameUnknown(str(failure))
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, addresses, error)

    Thread(target=look_up, name=f"look up {host}", daemon=True).start()
    return await found


class NameUnknown(OSError):
    pass


def _words_for(failure: Exception) -> str:
    """Why there is no answer, for people; never an address that only our resolver knows."""
    cause = failure.__cause__ or failure.__context__ or failure
    if isinstance(failure, TimeoutError):
        return _("Нет ответа за 10 секунд.")
    if isinstance(failure, UrlRefused):
        return str(failure)
    if isinstance(failure, NameUnknown):
        return _("Имя сервера не найдено.")
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _("Сертификат сервера не подходит: %(why)s.") % {"why": cause.verify_message}
    if isinstance(cause, ssl.SSLError):
        return _("Защищённое соединение не получилось.")
    if isinstance(failure, httpcore.ConnectError):
        return _("Сервер не принимает соединений.")
    if isinstance(failure, httpcore.RemoteProtocolError):
        return _("Сервер ответил не по HTTP или оборвал ответ.")
    if isinstance(failure, httpcore.NetworkError):
        return _("Соединение оборвалось.")
    logger.error("A webhook cannot be sent", exc_info=failure)
    return _("Запрос не получился.")
