"""Files between Telegram and attachments: what a message carries, and fetching it later."""

import asyncio
import logging
import re
import tempfile
import time
from collections.abc import Coroutine
from datetime import timedelta
from mimetypes import guess_extension
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

import httpx
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from telegram import Message
from telegram.error import BadRequest, Forbidden, TelegramError

from accounts.models import MessengerAccount, User
from config.backoff import backoff, is_due
from config.numerals import file_size
from config.queue import enqueue, has_waiting_tasks, is_ending
from telegram_bot.bot_api import SEND_TIMEOUT, short_lived_bot, tls
from telegram_bot.models import TELEGRAM, TelegramFile
from telegram_bot.notices import TelegramKind
from telegram_bot.services import account_of, tell_person
from tickets.attachments import MAX_SIZE as PORTAL_MAX_SIZE
from tickets.attachments import NewFile, check_file, clean_file_name, refuse_file, store_file
from tickets.leases import DOWNLOADS, held_lease, is_held, renew_lease
from tickets.models import Attachment
from tickets.refusals import FileRefused
from tickets.text import clean_line

logger = logging.getLogger(__name__)

SOURCE = f"{TELEGRAM}:"  # begins the source of an attachment; link and file_id follow
FILE_ID_LIMIT = 200  # characters; Telegram's own are shorter
MAX_SIZE = 20 * 1024**2  # bytes; bots cannot download more
USUAL_SUFFIXES = {"video": ".mp4", "audio": ".mp3"}  # where neither name nor type is told
SLICE = 5.0  # seconds of starting downloads in one task
SILENCE = 20.0  # seconds without a byte
DOWNLOAD_TIME = 300.0  # seconds in all
TASK_TIME = timedelta(seconds=SLICE + DOWNLOAD_TIME + 35)  # a last download, and asking for it
RENEW_EVERY = 5.0  # seconds
LISTEN_EVERY = 0.5  # seconds, for the end of the worker
LONGEST_WAIT = timedelta(minutes=5)
PLANNED_AT_ONCE = 200  # downloads
UNSAFE = re.compile(r"[\x00-\x1f\x7f\\%?#:]")  # what no path of Telegram's has
UNAVAILABLE = "temporarily unavailable"  # in an answer that may be right or soon be wrong
UNAVAILABLE_TRIES = 20  # with their waits more than an hour
GIVE_UP_AFTER = timedelta(hours=24)


def sent_file(message: Message | None, *, with_voice: bool = False) -> dict[str, Any] | None:
    """The file, photo, video or audio of a message, as the draft keeps it; size 0 = not told."""
    if message is None:
        return None
    number = message.message_id
    if message.photo:
        best = message.photo[-1]
        return _file(best.file_id, f"photo_{number}.jpg", best.file_size, "image/jpeg")
    if with_voice and message.voice:
        voice = message.voice
        return _file(voice.file_id, f"voice_{number}.ogg", voice.file_size, "audio/ogg")
    if with_voice and message.video_note:
        note = message.video_note
        return _file(note.file_id, f"video_{number}.mp4", note.file_size, "video/mp4")
    for file, name in (
        (message.video, f"video_{number}"),
        (message.audio, f"audio_{number}"),
        (message.document, f"file_{number}"),
    ):
        if file:
            kind = clean_line(file.mime_type or "")
            name = file.file_name or name + (
                guess_extension(kind) or USUAL_SUFFIXES.get(name[:5], "")
            )
            return _file(file.file_id, name, file.file_size, kind)
    return None


def _file(file_id: str, name: str, size: int | None, content_type: str) -> dict[str, Any]:
    return {
        "file_id": clean_line(file_id)[:FILE_ID_LIMIT],
        "name": clean_file_name(name),
        "size": size or 0,
        "type": content_type[:100],
    }


def refusal_of(file: dict[str, Any], advice: str) -> str:
    """Why a sent file cannot be taken, in words for the person; empty when it can.

    `advice` follows where the portal would take it.
    """
    if file["size"] > MAX_SIZE:
        text = _("Файл %(size)s слишком большой для бота (до %(limit)s).") % {
            "size": file_size(file["size"]),
            "limit": file_size(MAX_SIZE),
        }
        return f"{text} {advice}" if file["size"] <= PORTAL_MAX_SIZE else text
    try:
        check_file(name=file["name"], size=file["size"])
    except FileRefused as refusal:
        return str(refusal)
    return ""


def as_new_file(file: dict[str, Any], link: int | None) -> NewFile:
    """The file as an attachment to be: its content is fetched later, by `fetch_soon`.

    It is fetched only while the link that it came by is in force.
    """
    return NewFile(
        name=file["name"],
        size=file["size"],
        content_type=file["type"],
        source=f"{SOURCE}{link}:{file['file_id']}",
    )


def fetch_soon() -> None:
    """Queue the downloads that what was attached in this transaction needs."""
    enqueue("telegram_bot.tasks.fetch_files", timeout=TASK_TIME, merge=True)


def fetch_due_files() -> None:
    """Download what is due, one after another, for a slice; then hand over to the next task."""
    _plan_downloads()
    if _next_due() is None:
        return
    with held_lease(DOWNLOADS) as held:
        if not held:
            return
        end = time.monotonic() + SLICE
        while time.monotonic() < end and not is_ending() and (row := _next_due()):
            _claim(row)
            _fetch(row)
            renew_lease(DOWNLOADS)
    wake_downloads()


def wake_downloads() -> None:
    """Queue the downloads when something is due and nobody is at them."""
    _plan_downloads()
    if _next_due() and not is_held(DOWNLOADS):
        fetch_soon()


def fetch_forgotten() -> None:
    """`wake_downloads` for every few seconds: nothing while tasks wait, so that none pile up."""
    if not has_waiting_tasks():
        wake_downloads()


def _plan_downloads() -> None:
    """Give every attachment that waits for Telegram its download."""
    waiting = Attachment.objects.filter(state=Attachment.State.PENDING, telegram_file=None)
    numbers = waiting.filter(source__startswith=SOURCE).order_by("pk").values_list("pk", flat=True)
    TelegramFile.objects.bulk_create(
        [TelegramFile(attachment_id=number) for number in numbers[:PLANNED_AT_ONCE]],
        ignore_conflicts=True,  # another worker plans as well
    )


def _next_due() -> TelegramFile | None:
    return (
        TelegramFile.objects.filter(
            is_due("due_at", timezone.now(), longest=LONGEST_WAIT), fetched_at=None
        )
        .select_related("attachment__ticket__requester", "attachment__comment__author")
        .order_by("due_at", "pk")
        .first()
    )


def _claim(row: TelegramFile) -> None:
    """Plan the next try before this one: a killed worker must not begin with the same file."""
    row.attempts += 1
    row.due_at = timezone.now() + backoff(row.attempts, longest=LONGEST_WAIT)
    row.save(update_fields=["attempts", "due_at"])


def _fetch(row: TelegramFile) -> None:
    link, _colon, file_id = row.attachment.source.removeprefix(SOURCE).rpartition(":")
    with tempfile.TemporaryFile() as target:
        try:
            _require_link(row.attachment, link)
            suffix = async_to_sync(_download)(file_id, target)
            _require_link(row.attachment, link)  # a download may take minutes
            target.seek(0)
            if row.attachment.name.startswith("photo_") and suffix:
                row.attachment.name = str(PurePath(row.attachment.name).with_suffix(suffix))
            store_file(attachment=row.attachment, content=File(target, row.attachment.name))
        except FileRefused as refusal:
            _refuse(row, str(refusal))
        except (BadRequest, Forbidden) as error:
            if UNAVAILABLE in error.message.lower() and row.attempts < UNAVAILABLE_TRIES:
                logger.warning("File %s: %s", row.pk, error.message)
                return  # `_claim` has planned the next try
            too_big = "too big" in error.message.lower()
            _refuse(row, _too_big() if too_big else _("Telegram не отдал файл."))
        except (TelegramError, httpx.HTTPError, OSError) as error:
            logger.warning("File %s: %s", row.pk, type(error).__name__)
            _give_up_when_old(row)
        else:
            row.fetched_at = timezone.now()
            row.save(update_fields=["fetched_at"])


def _require_link(attachment: Attachment, link: str) -> None:
    """Raise FileRefused when the link of who sent a file is gone since."""
    links = MessengerAccount.objects.in_force()
    if link:
        links = links.filter(pk=link)
    else:  # sent before links were noted
        links = links.filter(channel=TELEGRAM, user=_sender(attachment))
    if not links.exists():
        raise FileRefused(_("Telegram отвязан раньше, чем файл получен."))


def _sender(attachment: Attachment) -> User | None:
    return attachment.comment.author if attachment.comment else attachment.ticket.requester


async def _download(file_id: str, target: Any) -> str:
    """Stream a file of Telegram into `target`, never more than MAX_SIZE bytes; its extension."""
    root = f"{settings.TELEGRAM_API_URL}/file/bot{settings.TELEGRAM_BOT_TOKEN}/"
    async with short_lived_bot() as bot:
        found = await bot.get_file(file_id)
    url = found.file_path or ""
    if (found.file_size or 0) > MAX_SIZE:
        raise FileRefused(_too_big())
    path = url.removeprefix(root)
    if not url.startswith(root) or not _is_plain(path):
        raise FileRefused(_("Telegram не отдал файл."))
    async with asyncio.timeout(DOWNLOAD_TIME):
        await _unless_ending(_stream(root + quote(path), target))
    return PurePath(path).suffix


def _is_plain(path: str) -> bool:
    """Whether a path leads down from its root, also for a server that decodes or normalises it."""
    return not UNSAFE.search(path) and not {"", ".", ".."}.intersection(path.split("/"))


async def _unless_ending(work: Coroutine[Any, Any, None]) -> None:
    """Wait for work, but not longer than the worker lives. Raises InterruptedError."""
    task = asyncio.create_task(work)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=LISTEN_EVERY)
            if not task.done() and is_ending():
                raise InterruptedError("the worker ends")
        await task
    finally:
        task.cancel()


async def _stream(url: str, target: Any) -> None:
    """The lease is renewed while bytes come, so that no other worker begins meanwhile."""
    size, renewed = 0, time.monotonic()
    async with (
        httpx.AsyncClient(
            proxy=settings.TELEGRAM_PROXY_URL or None,
            verify=tls(),
            timeout=httpx.Timeout(SILENCE, connect=SEND_TIMEOUT),
        ) as client,
        client.stream("GET", url) as response,
    ):
        response.raise_for_status()
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > MAX_SIZE:
                raise FileRefused(_too_big())
            target.write(chunk)
            if time.monotonic() - renewed > RENEW_EVERY:
                await sync_to_async(renew_lease)(DOWNLOADS)
                renewed = time.monotonic()


def _too_big() -> str:
    return _("Файл слишком большой для бота (до %(limit)s).") % {"limit": file_size(MAX_SIZE)}


def _give_up_when_old(row: TelegramFile) -> None:
    # from the end of this try, which may have been a long one
    row.due_at = timezone.now() + backoff(row.attempts, longest=LONGEST_WAIT)
    row.save(update_fields=["due_at"])
    if timezone.now() - row.attachment.created_at > GIVE_UP_AFTER:
        _refuse(row, _("Файл не удалось загрузить из Telegram."))


def _refuse(row: TelegramFile, reason: str) -> None:
    """The ticket keeps its text; the person hears which file is missing and why."""
    attachment = row.attachment
    with transaction.atomic():
        refuse_file(attachment=attachment, reason=reason)
        row.fetched_at = timezone.now()
        row.save(update_fields=["fetched_at"])
        if account := account_of(_sender(attachment)):
            tell_person(
                account,
                kind=TelegramKind.FILE_REFUSED,
                ticket_id=attachment.ticket_id,
                key=f"file_refused:{attachment.pk}",
                attachment=attachment.pk,
            )
