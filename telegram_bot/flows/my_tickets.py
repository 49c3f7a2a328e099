"""Cards and files of one's own tickets (R4.2)."""

from collections.abc import Callable
from functools import wraps

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from config.numerals import plural
from telegram_bot import keyboards as kb
from telegram_bot.flows.menu import leave_step
from telegram_bot.incoming import Flow, Incoming
from telegram_bot.models import Dialog
from telegram_bot.notices import TelegramKind
from telegram_bot.replies import Replies, Reply
from telegram_bot.services import tell_person
from telegram_bot.templating import render
from telegram_bot.utf16 import utf16_length
from tickets.attachments import MAX_FILES
from tickets.models import Attachment, Ticket
from tickets.queries import TicketFinder
from tickets.reads import mark_read, with_reads
from tickets.refusals import NotYours
from tickets.status import TicketStatus

PAGED_ROWS = 300  # newest comments that can be paged through; the portal has them all
DESCRIPTION_SHOWN = 2800  # UTF-16 units on the card
NOT_FOUND = gettext_lazy("Заявка не найдена или недоступна")


def find_ticket(message: Incoming, number: int) -> Ticket | None:
    """One's own ticket; a foreign one looks like a missing one, a merged one leads on."""
    return READABLE.find(message.customer, number)


def _readable(reader: User) -> QuerySet[Ticket]:
    tickets = with_reads(Ticket.objects.visible_to(reader), reader)
    return tickets.select_related("requester", "organization", "product")


READABLE = TicketFinder(_readable)


def pressed_number(message: Incoming) -> int:
    """The number that a button names, 0 where it names none."""
    ids = kb.parse_ids(kb.parse(message.data)[1][:1], 1)
    return ids[0] if ids else 0


def pressed_ticket(message: Incoming) -> Ticket | None:
    return find_ticket(message, pressed_number(message))


TicketFlow = Callable[[Dialog, Incoming, Ticket], Replies]


def on_ticket(flow: TicketFlow, *, after_merge: TicketFlow | None = None) -> Flow:
    """A flow for the ticket its button names, or the one its step asks about.

    `after_merge` takes its place where that ticket has been merged into another one.
    """

    @wraps(flow)
    def wrapper(dialog: Dialog, message: Incoming) -> Replies:
        number = pressed_number(message) if message.press else dialog.data.get("ticket", 0)
        ticket = find_ticket(message, number)
        if ticket is not None:
            is_led = ticket.pk != number
            if is_led and not message.press:  # the question is about the other one from now on
                dialog.data = dialog.data | {"ticket": ticket.pk}
            try:
                return (is_led and after_merge or flow)(dialog, message, ticket)
            except NotYours:  # a colleague's press on what only the requester can, or who has left
                return not_found(message)
        if not message.press:
            dialog.set_step("")  # the question about it has lost its sense
        return not_found(message)

    return wrapper


def not_found(message: Incoming) -> Replies:
    if message.press:
        return message.toast(str(NOT_FOUND), alert=True)
    return [message.say(str(NOT_FOUND), kb.inline([kb.button(_("‹ Меню"), "menu")]))]


# Card


def card_screen(message: Incoming, ticket: Ticket) -> Reply:
    files = ticket.attachments.exclude(state=Attachment.State.REFUSED)
    counts = {
        "comments": ticket.comments.public().count(),
        "files": files.exclude(comment__is_internal=True).count(),
    }
    comments = f"{_('💬 Комментарии')} · {counts['comments']}"
    is_own = ticket.requester_id == message.customer.pk
    resolved = is_own and ticket.status == TicketStatus.RESOLVED
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
        [kb.button(_("✅ Вопрос решён"), "solved", ticket.pk)]
        if _may_close(message, ticket)
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
    text = render("card", ticket=ticket, is_own=is_own, shown=DESCRIPTION_SHOWN, **counts)
    return message.screen(text, kb.inline(*rows), ticket_id=ticket.pk, has_resolution=resolved)


def _may_close(message: Incoming, ticket: Ticket) -> bool:
    """What is resolved is rated or returned instead; colleagues only look on."""
    is_own = ticket.requester_id == message.customer.pk
    return is_own and ticket.status not in (TicketStatus.RESOLVED, TicketStatus.CLOSED)


def look_at(message: Incoming, ticket: Ticket) -> Reply:
    """The card of a ticket that was just found, for who opens it: that counts as read."""
    mark_read(ticket, message.customer)
    return card_screen(message, ticket)


@on_ticket
def show_card(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    return [look_at(message, ticket)]


def numbered_ticket(message: Incoming) -> Ticket | None:
    number = message.text.strip().lstrip("№#").strip()
    ids = kb.parse_ids([number], 1)
    return find_ticket(message, ids[0]) if ids else None


def show_numbered(dialog: Dialog, message: Incoming) -> Replies:
    """A number typed in the chat opens its card; what was written before is at its end."""
    dialog.open_part = ""
    ticket = numbered_ticket(message)
    return [look_at(message, ticket)] if ticket else not_found(message)


def linked_ticket(message: Incoming, prefix: str) -> Ticket | None:
    """The ticket of a deep link: the link is context only, ownership is checked as ever."""
    ids = kb.parse_ids([message.argument.removeprefix(prefix)], 1)
    return find_ticket(message, ids[0]) if ids else None


def show_linked(dialog: Dialog, message: Incoming) -> Replies:
    """`/start t_<number>`"""
    ticket = linked_ticket(message, "t_")
    parked = leave_step(dialog, message)
    return [*parked, look_at(message, ticket)] if ticket else [*parked, *not_found(message)]


# Files


@on_ticket
def send_files(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    """Queue the ticket's files to the chat: they leave by the same door as notices."""
    ready = ticket.attachments.filter(state=Attachment.State.READY)
    files = list(ready.exclude(comment__is_internal=True).order_by("-pk")[: MAX_FILES + 1])
    shown = files[:MAX_FILES]
    queued = [
        tell_person(
            message.own_account,
            kind=TelegramKind.FILE,
            ticket_id=ticket.pk,
            key=f"file:{file.pk}:{message.chat_id}:{timezone.now():%Y%m%d%H%M}",
            attachment=file.pk,
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
