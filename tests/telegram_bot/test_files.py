"""Fetching from Telegram what people attached."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from operations.tasks import every_minute
from telegram_bot.models import TelegramFile
from tests.telegram_bot.bot import LOG, Bot, Chat, content_of, where_stored
from tickets.models import Attachment, Comment, Ticket

State = Attachment.State
Send = Callable[..., Attachment]


@pytest.fixture
def send(ticket: Ticket, chat: Chat) -> Send:
    """Comment on a ticket with a file, under whatever fault was set before."""

    def send(name: str = "log.txt", content: bytes = LOG) -> Attachment:
        chat.press_card(ticket, "➕ Комментарий")
        chat.send((name, content), caption="Вот файл")
        return Attachment.objects.get()

    return send


def fetch_again(bot: Bot) -> None:
    """What the safety net of a minute brings about."""
    every_minute()
    bot.run_queue()


@pytest.mark.parametrize("method", ["getFile", "file"])
@pytest.mark.parametrize("kind", ["500", "reset", "429"])
def test_download_is_tried_again(send: Send, telegram, bot: Bot, method, kind) -> None:
    telegram.fault(kind, method=method)
    attachment = send()
    assert attachment.state == State.PENDING
    bot.clock.advance(seconds=60)
    fetch_again(bot)
    assert content_of(attachment) == LOG
    assert (attachment.state, attachment.size) == (State.READY, len(LOG))


def test_download_waits_longer_after_each_try(send: Send, telegram, bot: Bot) -> None:
    telegram.fault("500", method="getFile", times=None)
    send()
    waits = []
    for _ in range(10):
        row = TelegramFile.objects.get()
        waits.append(round((row.due_at - bot.clock.now()).total_seconds()))
        bot.clock.advance(seconds=waits[-1] + 1)
        fetch_again(bot)
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_download_is_given_up_after_a_day(send: Send, telegram, bot: Bot, chat: Chat) -> None:
    telegram.fault("500", method="getFile", times=None)
    attachment = send()
    bot.clock.advance(hours=24, minutes=1)
    fetch_again(bot)
    attachment.refresh_from_db()
    assert attachment.state == State.REFUSED
    assert "Файл не удалось загрузить из Telegram." in chat.last["text"]
    assert not TelegramFile.objects.filter(fetched_at=None).exists()


UNAVAILABLE = "Bad Request: wrong file_id or the file is temporarily unavailable"


def test_file_that_is_unavailable_for_a_moment_arrives(send: Send, telegram, bot: Bot) -> None:
    telegram.fault("400", method="getFile", description=UNAVAILABLE)
    attachment = send()
    assert attachment.state == State.PENDING
    bot.clock.advance(seconds=3)
    fetch_again(bot)
    assert content_of(attachment) == LOG


def test_file_that_stays_unavailable_is_refused_after_an_hour(
    send: Send, telegram, bot: Bot, chat: Chat
) -> None:
    telegram.fault("400", method="getFile", description=UNAVAILABLE, times=None)
    attachment = send()
    pending = []
    for _five_minutes in range(24):
        bot.clock.advance(seconds=301)
        fetch_again(bot)
        attachment.refresh_from_db()
        pending.append(attachment.state == State.PENDING)
    assert pending[:11] == [True] * 11
    assert not pending[-1]
    assert "Telegram не отдал файл." in chat.last["text"]


@pytest.mark.each_case
@pytest.mark.parametrize(
    ("description", "words"),
    [
        ("Bad Request: file is too big", "Файл слишком большой для бота (до 20 МБ)."),
        ("Bad Request: wrong file_id", "Telegram не отдал файл."),
    ],
)
def test_file_that_telegram_keeps_is_told(
    send: Send, ticket, telegram, chat: Chat, description, words
) -> None:
    telegram.fault("400", method="getFile", description=description)
    assert send().state == State.REFUSED
    assert Comment.objects.get().body == "Вот файл"
    message = chat.message_with("Файл «log.txt»")
    assert f"к заявке № {ticket.pk} не добавлен" in message["text"]
    assert words in message["text"]
    assert "👁 Открыть заявку" in chat.telegram.buttons(message)


@pytest.mark.parametrize(
    ("name", "content"), [("report.pdf", b"MZ\x90\0"), ("log.txt", b"\0\1"), ("photo.jpg", b"<svg")]
)
def test_content_unlike_its_name_is_refused(send: Send, chat: Chat, name, content) -> None:
    assert send(name, content).state == State.REFUSED
    assert "содержимое не похоже на его тип" in chat.message_with(f"Файл «{name}»")["text"]


def test_name_is_shown_literally(send: Send, chat: Chat) -> None:
    assert send("<b>&.pdf", b"MZ").state == State.REFUSED
    assert "Файл «<b>&.pdf»" in chat.last["text"]


def test_path_at_telegram_is_kept_nowhere(send: Send, telegram) -> None:
    assert send().state == State.READY
    assert where_stored(telegram.token) == set()
    assert where_stored("documents/file_") == set()


class OtherApi(http.server.BaseHTTPRequestHandler):
    """A Bot API whose getFile names any path; `fetched` is what is then asked for."""

    file_path = ""
    fetched: list[str]

    def do_POST(self) -> None:
        file = {"file_id": "x", "file_unique_id": "y", "file_path": self.file_path}
        self._answer(json.dumps({"ok": True, "result": file}).encode())

    def do_GET(self) -> None:
        self.fetched.append(self.path)
        self._answer(b"bytes")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def other_api(send: Send, telegram, settings) -> Iterator[type[OtherApi]]:
    """A file waits to be fetched from this server."""

    class Api(OtherApi):
        fetched: list[str] = []

    telegram.fault("500", method="getFile")
    send()
    TelegramFile.objects.update(due_at="2000-01-01T00:00Z")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        settings.TELEGRAM_API_URL = f"http://127.0.0.1:{server.server_port}"
        yield Api
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "http://127.0.0.1:1/x.txt",
        "//127.0.0.1:1/x.txt",
        "documents/../../x.txt",
        "documents/./x.txt",
        "documents//x.txt",
        "documents/%2e%2e/%2e%2e/x.txt",
        "documents/..%2f..%2fx.txt",
        "documents/%252e%252e/x.txt",
        "documents\\..\\..\\x.txt",
        "documents/x.txt?redirect=http://127.0.0.1:1/",
        "documents/x.txt#.png",
        "documents/x.txt\r\nX-Evil: 1",
        "documents/x\x00.txt",
        "@127.0.0.1:1/x.txt",
    ],
)
def test_foreign_path_is_never_fetched(other_api: type[OtherApi], bot: Bot, path) -> None:
    other_api.file_path = path
    fetch_again(bot)
    assert other_api.fetched == []
    assert Attachment.objects.get().state == State.REFUSED


def test_answer_that_leads_elsewhere_is_not_followed(other_api: type[OtherApi], bot: Bot) -> None:
    def answer(handler: OtherApi, body: bytes) -> None:
        handler.send_response(302 if handler.command == "GET" else 200)
        handler.send_header("Location", "/elsewhere")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    other_api._answer = answer
    other_api.file_path = "documents/file_1.txt"
    fetch_again(bot)
    assert len(other_api.fetched) == 1
    assert Attachment.objects.get().state == State.PENDING  # tried again later


def test_odd_but_plain_name_is_fetched_as_it_is(other_api: type[OtherApi], bot: Bot) -> None:
    other_api.file_path = "documents/файл 1 (копия)~.txt"
    fetch_again(bot)
    [path] = other_api.fetched
    assert path.endswith("/documents/" + quote("файл 1 (копия)~.txt"))


def test_plain_path_is_fetched(other_api: type[OtherApi], bot: Bot) -> None:
    other_api.file_path = "documents/file_1.txt"
    fetch_again(bot)
    [path] = other_api.fetched
    assert path.endswith("/documents/file_1.txt")
    assert content_of(Attachment.objects.get()) == b"bytes"
