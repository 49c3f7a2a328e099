"""Lists, cards and comments of one's own tickets (R4)."""

from datetime import timedelta
from typing import Any, cast

from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from telegram_bot import keyboards as kb
from telegram_bot.dialog import Incoming, render, set_step
from telegram_bot.files import as_new_file, refusal_of, sent_file, wait_for_files
from telegram_bot.flows.menu import leave_step
from telegram_bot.models import Dialog, TicketMessage
from telegram_bot.replies import PART, InAlbum, Replies, Reply
from tickets.attachments import MAX_FILES
from tickets.delivery import tell
from tickets.models import Attachment, Comment, Face, Ticket
from tickets.services import (
    NotYours,
    TextRequired,
    TextTooLong,
    TicketClosed,
    TooLate,
    TooManyFiles,
    add_comment,
    correct_comment,
    customer,
    extend_comment,
)
from tickets.status import TicketStatus
from tickets.text import clean_text, plural, split_utf16, utf16_length

TICKETS_A_PAGE = 6
LISTED = 300  # newest tickets or comments that can be paged through; the portal has them all
COMMENTS_A_PAGE = 3
DESCRIPTION_SHOWN, COMMENT_SHOWN = 2800, 1000  # UTF-16 units on their screens
FULL = 4000  # UTF-16 units: apps cut a longer text into several messages
SPLIT = "split text"
SPLIT_WINDOW = timedelta(seconds=10)
NOT_FOUND = gettext_lazy("Заявка не найдена или недоступна")


def find_ticket(message: Incoming, number: int) -> Ticket | None:
    """One's own ticket; a foreign one looks like a missing one."""
    return (
        Ticket.objects.visible_to(message.customer)
        .select_related("requester", "organization", "product")
        .filter(pk=number)
        .first()
    )


def pressed_ticket(message: Incoming) -> Ticket | None:
    ids = kb.parse_ids(kb.parse(message.data)[1][:1], 1)
    return find_ticket(message, ids[0]) if ids else None


def not_found(message: Incoming) -> Replies:
    if message.press:
        return message.toast(str(NOT_FOUND), alert=True)
    return [message.say(str(NOT_FOUND), kb.inline([kb.button(_("‹ Меню"), "menu")]))]


# Lists


def show_open(dialog: Dialog, message: Incoming) -> Replies:
    parked = [] if message.press else leave_step(dialog, message)
    return [*parked, _list_screen(message, closed=False)]


def show_closed(dialog: Dialog, message: Incoming) -> Replies:
    return [_list_screen(message, closed=True)]


def _list_screen(message: Incoming, *, closed: bool) -> Reply:
    mine = Ticket.objects.visible_to(message.customer)
    tickets = mine.closed() if closed else mine.open()
    word = "closed" if closed else "list"
    numbers = list(tickets.order_by("-id").values_list("pk", flat=True)[: LISTED + 1])
    if not numbers:
        return _empty_list(message, closed=closed)
    more = len(numbers) > LISTED
    pages = -(-min(len(numbers), LISTED) // TICKETS_A_PAGE)
    asked = kb.parse_ids(kb.parse(message.data)[1], 1) if message.press else None
    page = min(max(asked[0] if asked else 1, 1), pages)
    shown = numbers[(page - 1) * TICKETS_A_PAGE : page * TICKETS_A_PAGE]
    rows = list(mine.filter(pk__in=shown).order_by("-id").only("pk", "title", "status"))
    text = render("list", tickets=rows, closed=closed, count=f"{LISTED}+" if more else len(numbers))
    waiting = TicketStatus.WAITING
    buttons = [
        kb.button(f"{row.pk} ❗" if row.status == waiting else str(row.pk), "card", row.pk)
        for row in rows
    ]
    other = kb.button(_("📋 Открытые"), "list") if closed else kb.button(_("📁 Закрытые"), "closed")
    return message.screen(
        text,
        kb.inline(
            *kb.in_rows(buttons, 3),
            kb.pager(word, page, pages),
            [kb.button(_("🔄 Обновить"), word, page), other],
            [kb.button(_("‹ Меню"), "menu")],
        ),
    )


def _empty_list(message: Incoming, *, closed: bool) -> Reply:
    back = [kb.button(_("‹ Меню"), "menu")]
    if closed:
        return message.screen(_("Закрытых заявок нет."), kb.inline(back))
    return message.screen(
        _("Открытых заявок нет. 🎉"),
        kb.inline([kb.button(_("➕ Создать"), "new"), kb.button(_("📁 Закрытые"), "closed")], back),
    )


# Card


def card_screen(message: Incoming, ticket: Ticket) -> Reply:
    files = ticket.attachments.exclude(state=Attachment.State.REFUSED)
    counts = {
        "comments": ticket.comments.public().count(),
        "files": files.exclude(comment__is_internal=True).count(),
    }
    comments = f"{_('💬 Комментарии')} · {counts['comments']}"
    resolved = ticket.status == TicketStatus.RESOLVED
    rows = [
        [
            kb.button(comments, "comments", ticket.pk),
            *([] if ticket.is_closed else [kb.button(_("➕ Комментарий"), "comment", ticket.pk)]),
        ],
        [
            kb.button(_("⭐ Оценить выполнение"), "rate", ticket.pk),
            kb.button(_("↩️ Вернуть в работу"), "return", ticket.pk),
        ]
        if resolved
        else [],
        [kb.button(_("📝 Создать новую на её основе"), "follow_up", ticket.pk)]
        if ticket.is_closed
        else [],
        [kb.button(_("📄 Описание целиком"), "whole", ticket.pk)]
        if utf16_length(ticket.description) > DESCRIPTION_SHOWN
        else [],
        [kb.button(f"{_('📎 Файлы')} · {counts['files']}", "files", ticket.pk)]
        if counts["files"]
        else [],
        [
            kb.button(_("🔄 Обновить"), "card", ticket.pk),
            kb.portal(_("🌐 На портале"), ticket.get_absolute_url()),
        ],
        [kb.button(_("‹ К списку"), "list")],
    ]
    text = render("card", ticket=ticket, shown=DESCRIPTION_SHOWN, **counts)
    return message.screen(text, kb.inline(*rows), ticket_id=ticket.pk, has_resolution=resolved)


def show_card(dialog: Dialog, message: Incoming) -> Replies:
    ticket = pressed_ticket(message)
    return [card_screen(message, ticket)] if ticket else not_found(message)


def show_numbered(dialog: Dialog, message: Incoming) -> Replies:
    """A number typed in the chat opens its card."""
    number = message.text.strip().lstrip("№#").strip()
    ids = kb.parse_ids([number], 1)
    ticket = find_ticket(message, ids[0]) if ids else None
    return [card_screen(message, ticket)] if ticket else not_found(message)


def linked_ticket(message: Incoming, prefix: str) -> Ticket | None:
    """The ticket of a deep link: the link is context only, ownership is checked as ever."""
    ids = kb.parse_ids([message.argument.removeprefix(prefix)], 1)
    return find_ticket(message, ids[0]) if ids else None


def show_linked(dialog: Dialog, message: Incoming) -> Replies:
    """`/start t_<number>`"""
    ticket = linked_ticket(message, "t_")
    parked = leave_step(dialog, message)
    return [*parked, card_screen(message, ticket)] if ticket else [*parked, *not_found(message)]


# Comments


def show_comments(dialog: Dialog, message: Incoming) -> Replies:
    """Newest last; the page without a number is the last one."""
    ticket = pressed_ticket(message)
    if ticket is None:
        return not_found(message)
    newest = ticket.comments.public().order_by("-pk").values_list("pk", flat=True)
    numbers = list(newest[:LISTED])[::-1]
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


def show_whole(dialog: Dialog, message: Incoming) -> Replies:
    """A description or a comment that is too long for its screen, in messages of its own."""
    ticket = pressed_ticket(message)
    if ticket is None:
        return not_found(message)
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
        for part in split_utf16(body, PART)
    ]


def _when(comment: Comment, text: str) -> str:
    return text % {"when": f"{timezone.localtime(comment.created_at):%d.%m %H:%M}"}


def ask_comment(dialog: Dialog, message: Incoming) -> Replies:
    ticket = pressed_ticket(message)
    if ticket is None:
        return not_found(message)
    if ticket.is_closed:
        return _closed(message, ticket)
    parked = leave_step(dialog, message)
    set_step(dialog, "comment", ticket=ticket.pk)
    text = _("Напишите комментарий к заявке № %(number)s или отправьте файл.")
    cancel = kb.inline([kb.cancel("comment", ticket.pk)])
    return [*parked, message.say(text % {"number": ticket.pk}, cancel, ticket_id=ticket.pk)]


def take_comment(dialog: Dialog, message: Incoming) -> Replies:
    ticket = find_ticket(message, dialog.data.get("ticket", 0))
    if ticket is None:
        set_step(dialog, "")
        return not_found(message)
    return write_comment(dialog, message, ticket)


def replied_ticket(message: Incoming) -> Ticket | None:
    """The ticket of the message that this one replies to."""
    if not message.replied_id or message.user is None:
        return None
    about = TicketMessage.objects.filter(
        chat_id=message.chat_id, message_id=message.replied_id
    ).first()
    return find_ticket(message, about.ticket_id) if about else None


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
            body=message.text,
            files=[as_new_file(file)] if file else [],
        )
    except TicketClosed:
        set_step(dialog, "")
        return _closed(message, ticket)
    except TextRequired:
        return [message.say(_("Комментарий не может быть пустым. Напишите текст."), cancel)]
    except TextTooLong as long:
        return [message.say(str(long), cancel)]
    if dialog.step in ("comment", "reason") and dialog.data.get("ticket") == ticket.pk:
        set_step(dialog, "")
    keep_part(dialog, message, comment, file)
    return [*refusals, _comment_added(message, ticket)]


def usable_file(message: Incoming) -> tuple[dict[str, Any] | None, str]:
    """The file of a message, or the reason why there is one that cannot be taken."""
    file = sent_file(message.message)
    refusal = refusal_of(file, _("Его можно приложить на портале.")) if file else ""
    return (None, format_html("{}", refusal)) if refusal else (file, "")


def keep_part(
    dialog: Dialog, message: Incoming, comment: Comment, file: dict[str, Any] | None
) -> None:
    """Remember what this message gave to its comment, and that more of it may come."""
    dialog.open_part = message.album or (SPLIT if utf16_length(message.text) >= FULL else "")
    dialog.open_comment_id = comment.pk
    keep_comment_message(message, comment, message.text)
    wait_for_files(comment.ticket, comment, [file] if file else [], message.chat_id)


def keep_comment_message(message: Incoming, comment: Comment, words: str) -> None:
    """Remember what a message gave to a comment: edited, it corrects that."""
    TicketMessage.objects.update_or_create(
        chat_id=message.chat_id,
        message_id=message.message_id,
        defaults={"ticket": comment.ticket, "comment": comment, "text": clean_text(words)},
    )


def comment_message(message: Incoming) -> TicketMessage | None:
    """What this message has given to a comment."""
    made = TicketMessage.objects.filter(
        chat_id=message.chat_id, message_id=message.message_id, comment__isnull=False
    )
    return made.select_related("comment__ticket").first()


def open_comment(dialog: Dialog, message: Incoming) -> Comment | None:
    """The comment this message goes on with: a part of its album, or of a text too long for one."""
    if not dialog.open_part or message.user is None:
        return None
    if dialog.open_part == SPLIT:
        late = timezone.now() - dialog.updated_at > SPLIT_WINDOW
        if late or dialog.step or message.album or message.replied_id:
            return None
    elif dialog.open_part != message.album:
        return None
    return (
        Comment.objects.filter(pk=dialog.open_comment_id or 0, author=message.user)
        .select_related("ticket")
        .first()
    )


def go_on_with_comment(dialog: Dialog, message: Incoming, comment: Comment) -> Replies:
    """A further part of what was sent at once joins the comment of its first part."""
    file, refusal = usable_file(message)
    refusals = [message.say(refusal)] if refusal else []
    try:
        extend_comment(
            comment=comment, body=message.text, files=[as_new_file(file)] if file else []
        )
    except TooManyFiles:
        text = _("К комментарию можно приложить до %(limit)s файлов, остальные я не взял.")
        refusals, file = [message.say(text % {"limit": MAX_FILES})], None
    except TextTooLong as long:
        return [message.say(str(long))]
    keep_part(dialog, message, comment, file)
    return [*refusals, _comment_added(message, comment.ticket, in_album="first")]


def take_edit(dialog: Dialog, message: Incoming) -> Replies:
    """An edited message corrects the comment it made, for a while."""
    if not message.text:
        return []  # a live location moves on, a caption was taken away
    made = comment_message(message)
    if made is None or message.user is None:
        text = _("Изменённое сообщение я не перечитываю. Отправьте исправление новым сообщением.")
        return [message.say(text, reply_to=message.message_id)]
    return correct(message, made, message.text)


def correct(message: Incoming, made: TicketMessage, words: str) -> Replies:
    """Put new words in the place of those a message gave to its comment."""
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
        text = _("✏️ Комментарий к № %(number)s исправлен.") % {"number": made.ticket_id}
    return [
        message.say(
            text, reply_to=message.message_id, topic=message.topic, ticket_id=made.ticket_id
        )
    ]


def send_files(dialog: Dialog, message: Incoming) -> Replies:
    """Queue the ticket's files to the chat: they leave by the same door as notices."""
    ticket = pressed_ticket(message)
    if ticket is None:
        return not_found(message)
    ready = ticket.attachments.filter(state=Attachment.State.READY)
    files = list(ready.exclude(comment__is_internal=True).order_by("-pk")[: MAX_FILES + 1])
    shown = files[:MAX_FILES]
    queued = [
        tell(
            channel="telegram",
            kind="file",
            address=str(message.chat_id),
            recipient=message.customer,
            key=f"file:{file.pk}:{message.chat_id}:{timezone.now():%Y%m%d%H%M}",
            data={"attachment": file.pk},
        )
        for file in reversed(shown)
    ]
    if not files:
        return message.toast(_("Файлов пока нет."))
    if not any(queued):
        return message.toast(_("Файлы уже отправлены или в пути."))
    if len(files) > MAX_FILES:
        text = _("Отправляю последние %(count)s %(noun)s, все файлы — на портале.")
    else:
        text = _("Отправляю %(count)s %(noun)s")
    noun = plural(len(shown), "файл", "файла", "файлов")
    return message.toast(text % {"count": len(shown), "noun": noun})


def _comment_added(message: Incoming, ticket: Ticket, in_album: InAlbum = "each") -> Reply:
    text = _("✅ Комментарий добавлен к № %(number)s") % {"number": ticket.pk}
    rows = [
        [
            kb.button(_("💬 Все комментарии"), "comments", ticket.pk, kb.KEPT),
            kb.button(_("‹ К заявке"), "card", ticket.pk, kb.KEPT),
        ]
    ]
    resolved = ticket.status == TicketStatus.RESOLVED
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


def _closed(message: Incoming, ticket: Ticket) -> Replies:
    text = _("Заявка № %(number)s закрыта, комментарии к ней не принимаются. Создайте новую.")
    follow_up = kb.button(_("📝 Создать новую на её основе"), "follow_up", ticket.pk)
    return [message.say(text % {"number": ticket.pk}, kb.inline([follow_up]), ticket_id=ticket.pk)]
