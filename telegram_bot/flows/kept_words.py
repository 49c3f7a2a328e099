"""Words and files said outside of any step: kept until a button says which ticket they are for."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from telegram_bot import keyboards as kb
from telegram_bot.files import as_new_file, fetch_soon
from telegram_bot.flows.comments import WRITTEN_SOON, closed, comment_added, usable_file
from telegram_bot.flows.menu import menu_screen, not_understood
from telegram_bot.flows.my_tickets import on_ticket
from telegram_bot.incoming import Incoming
from telegram_bot.models import Dialog, TicketMessage
from telegram_bot.replies import Replies
from tickets.attachments import MAX_FILES
from tickets.comments import add_comment
from tickets.models import Comment, Face, Ticket
from tickets.notices import LAST_PARTS
from tickets.recording import customer
from tickets.refusals import TextRequired, TextTooLong, TicketClosed
from tickets.text import clean_text

KEPT_AT_ONCE = 10  # of one person; the oldest goes


def offer_ticket(dialog: Dialog, message: Incoming) -> Replies:
    """Keep what was said and offer to add it to the newest open ticket."""
    file, refusal = usable_file(message)
    refusals = [message.say(refusal)] if refusal else []
    ticket = Ticket.objects.own(message.customer).open().order_by("-pk").first()
    if ticket is None or not (file or clean_text(message.words)):
        return refusals or not_understood(dialog, message)
    key = _keep(dialog, message, file)
    text = _("Не понял сообщение. Это к заявке № %(number)s?") % {"number": ticket.pk}
    add = kb.button(_("➕ Добавить к № %(number)s") % {"number": ticket.pk}, "add", ticket.pk, key)
    return [
        *refusals,
        message.say(text, kb.inline([add]), in_album="last"),
        menu_screen(message, message.customer),
    ]


def _keep(dialog: Dialog, message: Incoming, file: dict[str, Any] | None) -> int:
    """Put it to what was said just before, or begin anew; the key of it all."""
    now = timezone.now()
    last = dialog.kept[-1] if dialog.kept else None
    goes_on = last and (
        message.album == last["album"] != ""
        or timedelta() <= now - datetime.fromisoformat(last["at"]) <= LAST_PARTS
    )
    if last is None or not goes_on:
        last = {"key": message.message_id, "at": now.isoformat(), "parts": [], "files": []}
        dialog.kept = [*dialog.kept, last][-KEPT_AT_ONCE:]
    last["album"] = message.album
    last["parts"].append([message.message_id, message.words, message.text])
    if file and len(last["files"]) < MAX_FILES:
        last["files"].append(file)
    return int(last["key"])


@on_ticket
def add_kept(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    """«Добавить к № N»: what was kept becomes one comment."""
    ids = kb.parse_ids(kb.parse(message.data)[1], 2)
    kept = next((row for row in dialog.kept if ids and row["key"] == ids[1]), None)
    if kept is None:
        return message.toast(_("Кнопка устарела: эти слова уже добавлены или забыты."))
    try:
        comment = add_comment(
            ticket=ticket,
            actor=customer(message.customer, Face.BOT),
            body="\n".join(words for _number, words, _text in kept["parts"] if words),
            files=[as_new_file(file, message.link) for file in kept["files"]],
        )
    except TicketClosed:
        return closed(message, ticket)
    except (TextRequired, TextTooLong) as refusal:
        return message.toast(str(refusal), alert=True)
    dialog.kept = [row for row in dialog.kept if row is not kept]
    dialog.open_part, dialog.open_comment_id = WRITTEN_SOON, comment.pk
    _note_parts(message.chat_id, comment, kept["parts"])
    if kept["files"]:
        fetch_soon()
    return [comment_added(message, ticket)]


def _note_parts(chat_id: int, comment: Comment, parts: list[tuple[int, str, str]]) -> None:
    """An edited part corrects what it gave to the comment."""
    for number, _words, text in parts:
        TicketMessage.note_part(chat_id, number, comment, clean_text(text))
