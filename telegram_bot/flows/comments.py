"""Comments on one's own tickets: read, written in parts, corrected (R4.3)."""

from datetime import timedelta
from typing import Any, cast

from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from telegram_bot import keyboards as kb
from telegram_bot.files import as_new_file, fetch_soon, refusal_of, sent_file
from telegram_bot.flows.menu import leave_step
from telegram_bot.flows.my_tickets import (
    NOT_FOUND,
    PAGED_ROWS,
    not_found,
    on_ticket,
)
from telegram_bot.incoming import Incoming
from telegram_bot.models import Dialog, TicketMessage
from telegram_bot.replies import MESSAGE_PART, InAlbum, Replies, Reply
from telegram_bot.templating import render
from telegram_bot.utf16 import split_utf16, utf16_length
from tickets.attachments import MAX_FILES
from tickets.comments import add_comment, correct_comment, extend_comment
from tickets.models import Comment, Face, Ticket
from tickets.notices import LAST_PARTS
from tickets.reads import mark_read
from tickets.recording import customer
from tickets.refusals import (
    NotYours,
    TextRequired,
    TextTooLong,
    TicketClosed,
    TooLate,
    TooManyFiles,
)
from tickets.status import TicketStatus
from tickets.text import clean_text

COMMENTS_A_PAGE = 3
COMMENT_SHOWN = 1000  # UTF-16 units of a comment on its page
FULL_MESSAGE = 4000  # UTF-16 units: apps cut a longer text into several messages
EDITABLE = timedelta(hours=48)
SPLIT_TEXT, WRITTEN_SOON = "split text", "written soon"  # what may go on, beside albums


# Reading


@on_ticket
def show_comments(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    """Newest last; the page without a number is the last one."""
    mark_read(ticket, message.customer)
    newest = ticket.comments.public().order_by("-pk").values_list("pk", flat=True)
    numbers = list(newest[:PAGED_ROWS])[::-1]
    pages = max(1, -(-len(numbers) // COMMENTS_A_PAGE))
    asked = kb.parse_ids(kb.parse(message.data)[1], 2)
    page = min(max(asked[1], 1), pages) if asked else pages
    first = (page - 1) * COMMENTS_A_PAGE
    shown = numbers[first : first + COMMENTS_A_PAGE]
    comments = (
        Comment.objects.public()
        .filter(pk__in=shown)
        .select_related("author")
        .prefetch_related("attachments")
    )
    text = render(
        "comments",
        ticket=ticket,
        reader=message.customer,
        comments=comments,
        first=first + 1,
        last=first + len(shown),
        count=len(numbers),
        shown=COMMENT_SHOWN,
    )
    whole = [
        [kb.button(_when(comment, _("📄 Целиком: %(when)s")), "whole", ticket.pk, comment.pk)]
        for comment in comments
        if utf16_length(comment.body) > COMMENT_SHOWN
    ]
    answer = [] if ticket.is_closed else [kb.button(_("➕ Ответить"), "comment", ticket.pk)]
    return [
        message.screen(
            text,
            kb.inline(
                *whole,
                kb.pager(f"comments:{ticket.pk}", page, pages),
                [*answer, kb.button(_("‹ К заявке"), "card", ticket.pk)],
            ),
            ticket_id=ticket.pk,
        )
    ]


@on_ticket
def show_whole(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    """A description or a comment that is too long for its screen, in messages of its own."""
    ids = kb.parse_ids(kb.parse(message.data)[1], 2)
    body, heading = ticket.description, _("описание")
    if ids:
        comment = ticket.comments.public().filter(pk=ids[1]).first()
        if comment is None:
            return not_found(message)
        body, heading = comment.body, _when(comment, _("комментарий, %(when)s"))
    return [
        message.say(
            render("text_part", body=part, number=ticket.pk, heading=heading), ticket_id=ticket.pk
        )
        for part in split_utf16(body, MESSAGE_PART)
    ]


def _when(comment: Comment, text: str) -> str:
    return text % {"when": f"{timezone.localtime(comment.created_at):%d.%m %H:%M}"}


# Writing


@on_ticket
def ask_comment(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    if ticket.is_closed:
        return closed(message, ticket)
    parked = leave_step(dialog, message)
    dialog.set_step("comment", ticket=ticket.pk)
    text = _("Напишите комментарий к заявке № %(number)s или отправьте файл.")
    cancel = kb.inline([kb.cancel("comment", ticket.pk)])
    return [*parked, message.say(text % {"number": ticket.pk}, cancel, ticket_id=ticket.pk)]


@on_ticket
def take_comment(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    return write_comment(dialog, message, ticket)


def replied_message(message: Incoming) -> TicketMessage | None:
    """What is known of the message that this one replies to."""
    if not message.replied_id or message.user is None:
        return None
    return TicketMessage.objects.filter(
        chat_id=message.chat_id, message_id=message.replied_id
    ).first()


def lead_to_desk(message: Incoming, about: TicketMessage) -> Replies:
    """A reply to what only an agent is told: it becomes nobody's comment, and that is said."""
    text = _("Это сообщение никуда не отправлено. Ответить клиенту можно на рабочем месте.")
    button = kb.desk(_("Открыть № %(number)s") % {"number": about.ticket_id}, about.ticket_id)
    return [message.say(text, kb.inline([button]), reply_to=message.message_id)]


def write_comment(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    """Add what was sent as a comment. A refused one leaves the step as it is, to try again."""
    cancel = kb.inline([kb.cancel("comment", ticket.pk)])
    file, refusal = usable_file(message)
    refusals = [message.say(refusal)] if refusal else []
    if refusals and not clean_text(message.text):
        return refusals
    try:
        comment = add_comment(
            ticket=ticket,
            actor=customer(message.customer, Face.BOT),
            body=message.words,
            files=[as_new_file(file, message.link)] if file else [],
        )
    except TicketClosed:
        dialog.set_step("")
        return closed(message, ticket)
    except NotYours:  # left the organization meanwhile
        dialog.set_step("")
        return not_found(message)
    except TextRequired:
        return [message.say(_("Комментарий не может быть пустым. Напишите текст."), cancel)]
    except TextTooLong as long:
        return [message.say(str(long), cancel)]
    if dialog.step in ("comment", "reason") and dialog.data.get("ticket") == ticket.pk:
        dialog.set_step("")
    keep_part(dialog, message, comment, file)
    return [*refusals, comment_added(message, comment.ticket)]


def usable_file(message: Incoming) -> tuple[dict[str, Any] | None, str]:
    """The file of a message, or the reason why there is one that cannot be taken."""
    file = sent_file(message.message)
    refusal = refusal_of(file, _("Его можно приложить на портале.")) if file else ""
    return (None, format_html("{}", refusal)) if refusal else (file, "")


def keep_part(
    dialog: Dialog, message: Incoming, comment: Comment, file: dict[str, Any] | None
) -> None:
    """Remember what this message gave to its comment, and that more of it may come."""
    is_full = utf16_length(message.text) >= FULL_MESSAGE
    dialog.open_part = message.album or (SPLIT_TEXT if is_full else WRITTEN_SOON)
    dialog.open_comment_id = comment.pk
    keep_comment_message(message, comment, message.text)
    if file:
        fetch_soon()


def keep_comment_message(message: Incoming, comment: Comment, words: str) -> None:
    """Remember what a message gave to a comment: edited, it corrects that."""
    TicketMessage.note_part(message.chat_id, message.message_id, comment, clean_text(words))


def comment_message(message: Incoming) -> TicketMessage | None:
    """What this message has given to a comment."""
    made = TicketMessage.objects.filter(
        chat_id=message.chat_id, message_id=message.message_id, comment__isnull=False
    )
    return made.select_related("comment__ticket").first()


def open_comment(dialog: Dialog, message: Incoming) -> Comment | None:
    """The comment this message goes on with: a part of its album, or a thought written soon after.

    Staff are told of a comment when that time is over, so that they read it whole.
    """
    if not dialog.open_part or message.user is None:
        return None
    is_in_album = dialog.open_part == message.album
    if not is_in_album and (dialog.step or message.replied_id):
        return None
    mine = Comment.objects.filter(pk=dialog.open_comment_id or 0, author=message.user)
    if not is_in_album:
        now = timezone.now()
        mine = mine.filter(created_at__range=(now - LAST_PARTS, now))
    return mine.select_related("ticket").first()


def go_on_with_comment(dialog: Dialog, message: Incoming, comment: Comment) -> Replies:
    """A further part of what was sent at once joins the comment of its first part."""
    if comment.ticket.is_closed:
        return closed(message, comment.ticket)
    file, refusal = usable_file(message)
    refusals = [message.say(refusal)] if refusal else []
    try:
        extend_comment(
            comment=comment,
            body=message.words,
            files=[as_new_file(file, message.link)] if file else [],
        )
    except TooManyFiles:
        text = _("К комментарию можно приложить до %(limit)s файлов, остальные я не взял.")
        refusals, file = [message.say(text % {"limit": MAX_FILES})], None
    except TextTooLong as long:
        return [message.say(str(long))]
    except NotYours:
        dialog.open_part = ""
        return not_found(message)
    keep_part(dialog, message, comment, file)
    text = _("✅ Комментарий к № %(number)s дополнен.")
    return [*refusals, comment_added(message, comment.ticket, text, in_album="first")]


# Correcting


def take_edit(dialog: Dialog, message: Incoming) -> Replies:
    """An edited message corrects the comment it made, for a while."""
    if not message.text:
        return []  # a live location moves on, a caption was taken away
    if message.message and timezone.now() - message.message.date > EDITABLE:
        return []  # somebody put a reaction on it: Telegram lets nobody edit so old a message
    made = comment_message(message)
    if made is None or message.user is None:
        text = _("Изменённое сообщение я не перечитываю. Отправьте исправление новым сообщением.")
        return [message.say(text, reply_to=message.message_id)]
    return correct(message, made, message.text)


def correct(message: Incoming, made: TicketMessage, words: str) -> Replies:
    """Put new words in the place of those a message gave to its comment."""
    if clean_text(words) == made.text:
        return []
    face = Face.BOT if message.is_private else Face.GROUP
    comment = cast(Comment, made.comment)
    try:
        correct_comment(
            comment=comment, actor=customer(message.customer, face), old=made.text, new=words
        )
    except NotYours:
        text = str(NOT_FOUND)
    except TooLate:
        text = _("Комментарий отправлен больше 15 минут назад, исправить его нельзя."
                 " Напишите новый комментарий.")  # fmt: skip
    except TicketClosed:
        text = _("Заявка закрыта, комментарий исправить нельзя.")
    except TextRequired:
        text = _("Комментарий не может быть пустым, я оставил прежний.")
    except TextTooLong as long:
        text = str(long)
    else:
        made.text = clean_text(words)
        made.save(update_fields=["text"])
        text = _("✏️ Комментарий к № %(number)s исправлен.") % {"number": comment.ticket_id}
    return [
        message.say(
            text, reply_to=message.message_id, topic=message.topic, ticket_id=comment.ticket_id
        )
    ]


def comment_added(
    message: Incoming, ticket: Ticket, text: str = "", in_album: InAlbum = "each"
) -> Reply:
    text = (text or _("✅ Комментарий добавлен к № %(number)s")) % {"number": ticket.pk}
    rows = [
        [
            kb.button(_("💬 Все комментарии"), "comments", ticket.pk, kb.KEPT),
            kb.button(_("‹ К заявке"), "card", ticket.pk, kb.KEPT),
        ]
    ]
    is_own = message.user is not None and ticket.requester_id == message.user.pk
    resolved = is_own and ticket.status == TicketStatus.RESOLVED
    if resolved:
        text += "\n" + _("Заявка выполнена. Если проблема осталась, верните её в работу.")
        rows.insert(0, [kb.button(_("↩️ Вернуть в работу"), "return", ticket.pk, kb.KEPT)])
    return message.say(
        text,
        kb.inline(*rows),
        ticket_id=ticket.pk,
        has_resolution=resolved,
        in_album=in_album,
    )


def closed(message: Incoming, ticket: Ticket) -> Replies:
    text = _("Заявка № %(number)s закрыта, комментарии к ней не принимаются. Создайте новую.")
    follow_up = kb.button(_("📝 Создать новую на её основе"), "follow_up", ticket.pk)
    return [message.say(text % {"number": ticket.pk}, kb.inline([follow_up]), ticket_id=ticket.pk)]
