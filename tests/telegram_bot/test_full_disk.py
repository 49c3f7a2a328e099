"""Files from Telegram while the disk is full: the words are kept, the person is told."""

import errno
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage

from tests.telegram_bot.bot import LOG, Bot, Chat
from tickets.attachments import attachment_storage
from tickets.models import Attachment, Comment, Ticket


def send_log(chat: Chat, ticket: Ticket) -> None:
    chat.press_card(ticket, "➕ Комментарий")
    chat.send(("log.txt", LOG), caption="Вот файл")


def test_nearly_full_disk_is_told_at_once(chat: Chat, ticket: Ticket, settings) -> None:
    settings.MIN_FREE_DISK_MB = 10**9
    send_log(chat, ticket)
    assert chat.message_with("Файл «log.txt» сейчас принять нельзя: на сервере мало места.")
    assert Comment.objects.get().body == "Вот файл"
    assert not Attachment.objects.exists()


def test_disk_that_fills_while_a_file_is_stored(
    chat: Chat, ticket: Ticket, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_a_part(storage: FileSystemStorage, name: str, _content: object) -> str:
        path = Path(storage.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(LOG[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "_save", write_a_part)
    send_log(chat, ticket)
    assert chat.message_with("Файл «log.txt» сейчас принять нельзя: на сервере мало места.")
    assert Comment.objects.get().body == "Вот файл"
    assert Attachment.objects.get().state == Attachment.State.REFUSED
    storage = attachment_storage()
    assert not [path for path in Path(storage.path("")).rglob("*") if path.is_file()]
