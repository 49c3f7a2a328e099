"""One update, one transaction: the step of a dialog, what it changed and what it answers."""

import json
import logging
import secrets
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from telegram import Bot, Update

from accounts.quotas import QuotaReached, TooManyChanges
from accounts.services import note_seen
from accounts.time_zones import times_of
from config.backoff import backoff
from config.compiled import Compiled
from config.database import is_unavailable, retry_once
from config.statements import write_columns
from telegram_bot.database import in_database
from telegram_bot.direct_replies import REPLY_CLAIM, send_replies
from telegram_bot.inbox import DurableUpdateQueue
from telegram_bot.incoming import Flow, Incoming, Inquiry
from telegram_bot.keyboards import button, inline
from telegram_bot.models import DRAFT_STEPS, STEP_LIFETIME, Dialog, IncomingUpdate
from telegram_bot.replies import Replies, answer

logger = logging.getLogger(__name__)

STEP_ATTEMPTS = 5  # of an update whose step fails
UPDATES_A_MINUTE = 30  # per person
ALBUM_WAIT = timedelta(seconds=1)  # parts of an album get one answer


async def work_off(
    bot: Bot,
    queue: DurableUpdateQueue,
    update: Update,
    flow: Flow,
    inquiry: Inquiry | None = None,
) -> None:
    """Run an update's flow in its transaction, then send what it answered.

    An inquiry is put to Telegram before: no request is made while the transaction is open.
    """
    message = Incoming(update, queue.bot_id, queue.username)
    try:
        if inquiry:
            message.facts = await inquiry(bot, update)
        row = await in_database(retry_once, run_flow, message, flow)
    except Exception as error:
        row = await _after_failure(queue.bot_id, update, error)
    finally:
        queue.forget(update)
    if row and row.replies and not row.album:
        await send_replies(bot, row)


async def _after_failure(bot_id: int, update: Update, error: Exception) -> IncomingUpdate | None:
    """A database that cannot serve is no failure of the update, which waits for it."""
    if is_unavailable(error):
        logger.warning("Update %s waits for the database: %s", update.update_id, error)
        return None
    logger.error("Update %s failed", update.update_id, exc_info=error)
    return await in_database(record_failure, bot_id, update, error)


def run_flow(message: Incoming, flow: Flow) -> IncomingUpdate | None:
    """The update's row with its replies, None when it is done already or not yet its turn."""
    try:
        return _run(message, flow)
    except QuotaReached as refusal:  # what the flow did is rolled back: step and draft wait
        return _run(message, partial(_refuse_change, refusal))


def _run(message: Incoming, flow: Flow) -> IncomingUpdate | None:
    with transaction.atomic():
        dialog = _lock_dialog(message)
        row = NEXT.first(message.bot_id, message.telegram_id)
        if row is None or row.update_id != message.update.update_id:
            return None  # an older one waits for its retry: the sweep brings both, in order
        now = timezone.now()
        _forget_old_step(dialog, now)
        dialog.belong_to(message.link)
        replies: Replies | None = [] if message.is_edit and _is_unchanged(row) else None
        if replies is None:
            replies = _refuse_flood(dialog, message, now)
        if replies is None:
            with times_of(message.user):
                replies = flow(dialog, message)
            _note_seen(message)  # not for what is refused: the excess of a flood must be cheap
        dialog.belong_to(message.link)  # the flow may have made or ended it
        write_columns(dialog)
        _finish(row, message, replies, now)
        return row


def _lock_dialog(message: Incoming) -> Dialog:
    key = message.telegram_id, message.chat_id
    dialog = LOCKED.first(*key)
    if dialog is None:
        new = Dialog(telegram_id=message.telegram_id, chat_id=message.chat_id)
        Dialog.objects.bulk_create([new], ignore_conflicts=True)
        dialog = LOCKED.first(*key)
    if dialog is None:
        raise Dialog.DoesNotExist
    return dialog


def _locked(telegram_id: int, chat_id: int) -> QuerySet[Dialog]:
    return Dialog.objects.select_for_update().filter(telegram_id=telegram_id, chat_id=chat_id)


def _next(bot_id: int, telegram_id: int) -> QuerySet[IncomingUpdate]:
    """The oldest update of a person that is not done."""
    waiting = IncomingUpdate.objects.filter(bot_id=bot_id, processed_at=None)
    return waiting.filter(telegram_id=telegram_id).order_by("id")[:1]


LOCKED, NEXT = Compiled(_locked, int, int), Compiled(_next, int, int)


def _forget_old_step(dialog: Dialog, now: datetime) -> None:
    if dialog.step and now - dialog.updated_at > STEP_LIFETIME:
        dialog.set_step("")
    if dialog.draft_at and now - dialog.draft_at > STEP_LIFETIME:
        dialog.draft, dialog.draft_at = {}, None
        if dialog.step in DRAFT_STEPS:  # its question may have been put again since
            dialog.set_step("")
    since = (now - STEP_LIFETIME).isoformat()
    dialog.kept = [row for row in dialog.kept if row["at"] > since]


def _refuse_flood(dialog: Dialog, message: Incoming, now: datetime) -> Replies | None:
    """None while the person may go on; the excess of a minute gets one answer."""
    minute = dialog.minute_at
    if minute is None or not timedelta() <= now - minute <= timedelta(minutes=1):
        dialog.minute_at, dialog.minute_count, dialog.minute_refused = now, 0, False
    if not message.album or message.album != dialog.minute_album:
        dialog.minute_count += 1
    dialog.minute_album = message.album
    if dialog.minute_count <= UPDATES_A_MINUTE:
        return None
    text = _("Слишком много сообщений сразу. Подождите минуту и продолжайте.")
    return _refuse_once(dialog, message, text)


def _refuse_once(dialog: Dialog, message: Incoming, text: str) -> Replies:
    """Words for the first of what is too much in a minute; a press is always answered."""
    if message.press:
        return message.toast(text)
    told, dialog.minute_refused = dialog.minute_refused, True
    return [] if told else _refuse(message, text)


def _refuse_change(refusal: QuotaReached, dialog: Dialog, message: Incoming) -> Replies:
    if isinstance(refusal, TooManyChanges):
        return _refuse_once(dialog, message, str(refusal))
    return _refuse(message, str(refusal))  # of this message only, others may be taken


def _refuse(message: Incoming, text: str) -> Replies:
    if message.press:
        return message.toast(text, alert=True)
    return [message.say(text, topic=message.topic)]


def _is_unchanged(row: IncomingUpdate) -> bool:
    """A reaction or a preview comes as an edited message that says what it said before."""
    same = IncomingUpdate.objects.filter(chat_id=row.chat_id, message_id=row.message_id)
    before = same.filter(bot_id=row.bot_id, pk__lt=row.pk).order_by("-pk").first()
    return before is not None and before.digest == row.digest


def _note_seen(message: Incoming) -> None:
    """Who writes can be written to again, and is known by the name of today."""
    if message.is_private and message.message and message.account:
        note_seen(message.account, username=message.username)


def _finish(row: IncomingUpdate, message: Incoming, replies: Replies, now: datetime) -> None:
    link = message.link if message.is_private else None  # a group reads what all may know
    calls = [reply.only_for(link).as_call() for reply in replies]
    if message.press:
        if not any(call["method"] == "answer_callback_query" for call in calls):
            calls.append(answer(message.press.id).as_call())
        calls.sort(key=lambda call: call["method"] != "answer_callback_query")
    if message.album:
        calls = _answer_to_album(row, calls)
    row.processed_at, row.payload, row.error = now, "", ""
    row.replies = json.dumps(calls) if calls else ""
    row.reply_due_at = now + (ALBUM_WAIT if message.album else REPLY_CLAIM) if calls else None
    write_columns(
        row, "attempts", "due_at", "processed_at", "payload", "error", "replies", "reply_due_at"
    )


def _answer_to_album(row: IncomingUpdate, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One answer to all parts so far, given with the last; see `InAlbum`."""
    parts = IncomingUpdate.objects.filter(
        telegram_id=row.telegram_id, album=row.album, reply_due_at__isnull=False
    )
    waiting = parts.order_by("id").values_list("replies", flat=True)
    earlier = [call for replies in waiting for call in json.loads(replies)]
    if earlier:
        calls = [call for call in calls if call["in_album"] != "first"]
    if any(call["in_album"] == "last" for call in calls):
        earlier = [call for call in earlier if call["in_album"] != "last"]
    parts.update(replies="", reply_due_at=None)
    return [*(call for call in earlier if call not in calls), *calls]


def record_failure(bot_id: int, update: Update, error: Exception) -> IncomingUpdate | None:
    """Plan the next attempt; after the last one apologise to the person and leave a trace."""
    now = timezone.now()
    message = Incoming(update)
    with transaction.atomic():
        row = (
            IncomingUpdate.objects.select_for_update()
            .filter(bot_id=bot_id, update_id=update.update_id, processed_at=None)
            .first()
        )
        if row is None:
            return None
        row.attempts += 1
        row.error = type(error).__name__
        row.due_at = now + backoff(row.attempts - 1)
        if row.attempts < STEP_ATTEMPTS:
            row.save()
            return None
        code = secrets.token_hex(2).upper()
        logger.error("Update %s given up, code %s", update.update_id, code)
        failure = f"{row.error}, {code}"
        text = _(
            "Сейчас не получается выполнить действие. Мы уже знаем. Попробуйте через минуту."
            " Код: %(code)s"
        ) % {"code": code}
        _finish(row, message, [message.say(text, inline([button(_("‹ Меню"), "menu")]))], now)
        row.error = failure
        row.save(update_fields=["error"])
        return row
