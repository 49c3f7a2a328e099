"""Calls to the Bot API on the wire: what a server or a proxy may do, and what must never leak."""

import asyncio
import gc
import gzip
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qs

import pytest
from telegram import Bot
from telegram.error import InvalidToken, NetworkError, TelegramError, TimedOut

from telegram_bot import bot_api
from telegram_bot.bot_api import Request, last_answer, short_lived_bot
from telegram_bot.management.commands.runbot import RunningBot

TOKEN = "42:secret-of-the-bot"
SENT = {"message_id": 7, "date": 1, "chat": {"id": 5, "type": "private"}, "text": "Слова"}
TAKEN = json.dumps({"ok": True, "result": SENT}).encode()

Asked = list[tuple[str, dict[str, str], bytes]]  # line, headers, body
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def http(body: bytes = TAKEN, status: str = "200 OK", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


def gives(answer: bytes, *, close: bool = False) -> Answer:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        if close:
            writer.close()

    return write


async def silence(_writer: asyncio.StreamWriter) -> None:
    """A server that takes a request and never answers."""


@asynccontextmanager
async def server(answer: Answer):
    """Its address and what it was asked."""
    asked: Asked = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                asked.append((head[0], headers, body))
                await answer(writer)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", asked
    finally:
        listening.close()
        for writer in writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@pytest.fixture(autouse=True)
def quick(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TELEGRAM_BOT_TOKEN = TOKEN
    monkeypatch.setattr(bot_api, "SEND_TIMEOUT", 0.5)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def served(
    settings, answer: Answer, talk: Callable[[Bot], Awaitable[Any]], *, name: str = "127.0.0.1"
) -> Asked:
    """What a server that answers so was asked in a talk of the bot with it."""

    async def run() -> Asked:
        async with server(answer) as (url, asked):
            settings.TELEGRAM_API_URL = url.replace("127.0.0.1", name)
            async with short_lived_bot() as bot:
                await talk(bot)
            return asked

    return asyncio.run(run())


async def greet(bot: Bot) -> None:
    await bot.send_message(5, "Слова & знаки")


def refused_by(settings, answer: Answer) -> TelegramError:
    with pytest.raises(TelegramError) as refusal:
        served(settings, answer, greet)
    return refusal.value


def test_words_arrive_as_a_form_and_the_answer_is_kept(settings) -> None:
    async def talk(bot: Bot) -> None:
        await greet(bot)
        assert last_answer()["result"]["message_id"] == 7

    [(line, headers, body)] = served(settings, gives(http()), talk)
    assert line == f"POST /bot{TOKEN}/sendMessage HTTP/1.1"
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(body.decode()) == {"chat_id": ["5"], "text": ["Слова & знаки"]}


def test_connection_serves_several_calls(settings) -> None:
    places: set[Any] = set()

    async def answer(writer: asyncio.StreamWriter) -> None:
        places.add(writer.get_extra_info("peername"))
        writer.write(http())

    async def talk(bot: Bot) -> None:
        for _number in range(3):
            await greet(bot)

    served(settings, answer, talk)
    assert len(places) == 1


def test_connection_that_the_server_closed_is_not_used_again(settings) -> None:
    """aio-libs/aiohttp 7297, 3507: it says keep-alive and closes all the same."""

    async def talk(bot: Bot) -> None:
        for _number in range(3):
            await greet(bot)
            await asyncio.sleep(0.05)  # the end of the connection arrives

    closing = gives(http(TAKEN, "200 OK", "Connection: keep-alive"), close=True)
    assert len(served(settings, closing, talk)) == 3


def test_call_is_made_once_whatever_becomes_of_it(settings) -> None:
    """aio-libs/aiohttp 10790: repeated by itself, a message would be sent twice."""
    asked: list[int] = []

    async def drop(writer: asyncio.StreamWriter) -> None:
        asked.append(1)
        writer.write(http()) if len(asked) == 1 else writer.close()

    async def talk(bot: Bot) -> None:
        await greet(bot)
        with pytest.raises(NetworkError, match="ServerDisconnectedError"):
            await greet(bot)

    served(settings, drop, talk)
    assert len(asked) == 2


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
def test_server_that_hangs_is_given_up(settings, begun: bytes) -> None:
    async def hang(writer: asyncio.StreamWriter) -> None:
        writer.write(begun)

    assert isinstance(refused_by(settings, hang), TimedOut)


def test_poll_waits_as_long_as_it_was_asked_to(settings) -> None:
    async def late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.8)
        writer.write(http(b'{"ok": true, "result": []}'))

    async def talk(bot: Bot) -> None:
        assert await bot.get_updates(timeout=1) == ()

    served(settings, late, talk)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (gives(b"\x16\x03\x01 no http"), "aiohttp.ClientResponseError"),
        (gives(http(b"{", "200 OK", f"X: {'x' * 70_000}")), "aiohttp.ClientResponseError"),
        (gives(b"", close=True), "aiohttp.ServerDisconnectedError"),
        (gives(http(b"<html>", "502 Bad Gateway")), "Bad Gateway"),
        (gives(http(b"", "302 Found", "Location: http://127.0.0.1:1/")), "Found"),
        (gives(http(b"\xff\xfe", "200 OK", "Content-Encoding: gzip")), "aiohttp."),
    ],
    ids=["no http", "endless header", "closed", "bad gateway", "redirect", "no gzip"],
)
def test_what_cannot_be_understood_is_an_error_without_the_token(
    settings, answer: Answer, words: str
) -> None:
    error = refused_by(settings, answer)
    assert isinstance(error, NetworkError)
    assert words in str(error)
    assert "secret-of-the-bot" not in str(error)


def test_nobody_listens(settings, unused_port: int) -> None:
    settings.TELEGRAM_API_URL = f"http://127.0.0.1:{unused_port}"

    async def run() -> None:
        async with short_lived_bot() as bot:
            await greet(bot)

    with pytest.raises(NetworkError, match="ClientConnectorError"):
        asyncio.run(run())


@pytest.fixture
def unused_port() -> int:
    async def find() -> int:
        listening = await asyncio.start_server(lambda *_two: None, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        listening.close()
        return int(port)

    return asyncio.run(find())


def test_packed_answer_is_read(settings) -> None:
    packed = http(gzip.compress(TAKEN), "200 OK", "Content-Encoding: gzip")
    assert len(served(settings, gives(packed), greet)) == 1


def test_cookies_are_not_kept(settings) -> None:
    async def twice(bot: Bot) -> None:
        await greet(bot)
        await greet(bot)

    sets = gives(http(TAKEN, "200 OK", "Set-Cookie: a=b; Path=/"))
    asked = served(settings, sets, twice, name="localhost")  # a bare number gets none back
    assert not any("cookie" in headers for _line, headers, _body in asked)


def test_file_goes_in_parts(settings) -> None:
    async def talk(bot: Bot) -> None:
        await bot.send_document(5, b"content", filename="report.txt")

    [(_line, headers, body)] = served(settings, gives(http()), talk)
    assert headers["content-type"].startswith("multipart/form-data")
    assert b"content" in body


def test_without_aiohttp_every_call_is_made_all_the_same(
    settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot_api, "aiohttp", None)
    [(line, _headers, body)] = served(settings, gives(http()), greet)
    assert line.startswith("POST")
    assert parse_qs(body.decode())["text"] == ["Слова & знаки"]


@pytest.mark.parametrize(
    ("by", "named"),
    [
        ("settings", "http://bot:pass@{}"),
        ("environment", "http://bot:pass@{}"),
        ("environment", "bot:pass@{}"),
    ],
)
def test_proxy_is_asked_with_its_password(
    settings, monkeypatch: pytest.MonkeyPatch, by: str, named: str
) -> None:
    async def run() -> Asked:
        async with server(gives(http())) as (url, asked):
            settings.TELEGRAM_API_URL = "http://telegram.invalid"
            proxy = named.format(url.removeprefix("http://"))
            if by == "settings":
                settings.TELEGRAM_PROXY_URL = proxy
            else:
                monkeypatch.setenv("http_proxy", proxy)
            async with short_lived_bot() as bot:
                await greet(bot)
            return asked

    [(line, headers, _body)] = asyncio.run(run())
    assert line.startswith("POST http://telegram.invalid/bot")
    assert headers["proxy-authorization"] == "basic ym90onbhc3m="  # lower, as all headers here


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "127.0.0.1:1"])
def test_proxy_of_the_environment_is_left_out_where_it_says_so(
    settings, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "telegram.example, 127.0.0.1")
    assert len(served(settings, gives(http()), greet)) == 1


def test_socks_is_never_spoken_to_as_if_it_were_http(settings) -> None:
    async def run() -> Asked:
        async with server(gives(http())) as (url, asked):
            settings.TELEGRAM_PROXY_URL = url.replace("http", "socks5")
            async with short_lived_bot() as bot:
                await greet(bot)
            return asked

    with pytest.raises((RuntimeError, NetworkError)):
        asyncio.run(run())


def test_requests_of_two_loops_do_not_meet(settings) -> None:
    """A worker has a loop for each of its tasks."""
    assert len(served(settings, gives(http()), greet)) == 1
    assert len(served(settings, gives(http()), greet)) == 1


def test_request_can_be_ended_and_begun_again(settings) -> None:
    async def run() -> Asked:
        async with server(gives(http())) as (url, asked):
            request = Request()
            for _time in range(2):
                await request.initialize()
                await request.retrieve(url)
                await request.shutdown()
            await request.shutdown()  # once more is harmless
            return asked

    assert len(asyncio.run(run())) == 2


def test_connections_are_closed_where_the_bot_never_began(settings) -> None:
    async def run() -> None:
        refusal = http(b'{"ok": false, "description": "Unauthorized"}', "401 Unauthorized")
        async with server(gives(refusal)) as (url, _asked):
            settings.TELEGRAM_API_URL = url
            bot = RunningBot(exclusive=True)
            with pytest.raises(InvalidToken):
                await bot.application.initialize()
            await bot._stop(bot.application)

    asyncio.run(run())
    gc.collect()  # complains of what is left open
