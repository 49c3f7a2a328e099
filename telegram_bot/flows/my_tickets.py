"""Lists, cards and files of one's own tickets (R4.1, R4.2)."""

from collections.abc import Callable
from functools import wraps

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from telegram_bot import keyboards as kb
from telegram_bot.flows.menu import leave_step
from telegram_bot.incoming import Flow, Incoming
from telegram_bot.models import TELEGRAM, Dialog
from telegram_bot.notices import TelegramKind
from telegram_bot.replies import Replies, Reply
from telegram_bot.texts import render
from telegram_bot.utf16 import utf16_length
from tickets.attachments import MAX_FILES
from tickets.delivery import tell
from tickets.models import Attachment, Ticket
from tickets.status import TicketStatus
from tickets.wording import plural

TICKETS_A_PAGE = 6
PAGED_ROWS = 300  # newest tickets or comments that can be paged through; the portal has them all
DESCRIPTION_SHOWN = 2800  # UTF-16 units on the card
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


TicketFlow = Callable[[Dialog, Incoming, Ticket], Replies]


def on_ticket(flow: TicketFlow) -> Flow:
    """A flow for the ticket its button names, or the one its step asks about."""

    @wraps(flow)
    def wrapper(dialog: Dialog, message: Incoming) -> Replies:
        if message.press:
            ticket = pressed_ticket(message)
        else:
            ticket = find_ticket(message, dialog.data.get("ticket", 0))
        if ticket is not None:
            return flow(dialog, message, ticket)
        if not message.press:
            dialog.set_step("")  # the question about it has lost its sense
        return not_found(message)

    return wrapper


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
    numbers = list(tickets.order_by("-id").values_list("pk", flat=True)[: PAGED_ROWS + 1])
    if not numbers:
        return _empty_list(message, closed=closed)
    more = len(numbers) > PAGED_ROWS
    pages = -(-min(len(numbers), PAGED_ROWS) // TICKETS_A_PAGE)
    asked = kb.parse_ids(kb.parse(message.data)[1], 1) if message.press else None
    page = min(max(asked[0] if asked else 1, 1), pages)
    shown = numbers[(page - 1) * TICKETS_A_PAGE : page * TICKETS_A_PAGE]
    rows = list(mine.filter(pk__in=shown).order_by("-id").only("pk", "title", "status"))
    text = render(
        "list", tickets=rows, closed=closed, count=f"{PAGED_ROWS}+" if more else len(numbers)
    )
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


@on_ticket
def show_card(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    return [card_screen(message, ticket)]


def numbered_ticket(message: Incoming) -> Ticket | None:
    number = message.text.strip().lstrip("№#").strip()
    ids = kb.parse_ids([number], 1)
    return find_ticket(message, ids[0]) if ids else None


def show_numbered(dialog: Dialog, message: Incoming) -> Replies:
    """A number typed in the chat opens its card; what was written before is at its end."""
    dialog.open_part = ""
    ticket = numbered_ticket(message)
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


# Files


@on_ticket
def send_files(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    """Queue the ticket's files to the chat: they leave by the same door as notices."""
    ready = ticket.attachments.filter(state=Attachment.State.READY)
    files = list(ready.exclude(comment__is_internal=True).order_by("-pk")[: MAX_FILES + 1])
    shown = files[:MAX_FILES]
    queued = [
        tell(
            channel=TELEGRAM,
            kind=TelegramKind.FILE,
            address=str(message.chat_id),
            recipient=message.customer,
            ticket_id=ticket.pk,
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
