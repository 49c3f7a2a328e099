"""What each kind of delivery says in Telegram."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import TextChoices
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.linking import PinNews
from accounts.models import LinkPin
from telegram_bot import keyboards as kb
from telegram_bot.keyboards import registration_link
from telegram_bot.models import BotHeartbeat, GroupTicket, TicketMessage
from telegram_bot.replies import MESSAGE_PART, Reply, say, without_offer
from telegram_bot.templating import render
from telegram_bot.utf16 import cut_utf16, split_utf16
from tickets.agents import freed_tickets
from tickets.channels import Cancelled, PermanentError, RetryLater
from tickets.models import Attachment, Delivery, Ticket
from tickets.notices import NoticeKind
from tickets.queries import public_files
from tickets.status import TicketStatus


class TelegramKind(TextChoices):
    """What only Telegram is asked to say, beside notices and news of PINs."""

    CONTINUED = "continued", gettext_lazy("продолжение ответа")
    FILE = "file", gettext_lazy("файл")
    FILE_REFUSED = "file_refused", gettext_lazy("файл не принят")
    CREATED = "created", gettext_lazy("заявка создана")
    TEST = "test", gettext_lazy("пробное сообщение")


class GroupAnswer(TextChoices):
    """Answers to a group: staff see only that there was one, the words are in its template."""

    CREATED = "group_created", gettext_lazy("ответ в группе")
    EXISTS = "group_exists", gettext_lazy("ответ в группе")
    SHORT = "group_short", gettext_lazy("ответ в группе")
    UNREGISTERED = "group_unregistered", gettext_lazy("ответ в группе")
    ANONYMOUS = "group_anonymous", gettext_lazy("ответ в группе")
    NOT_CONFIGURED = "group_not_configured", gettext_lazy("ответ в группе")
    PRODUCT_OFF = "group_product_off", gettext_lazy("ответ в группе")
    NOT_ADMIN = "group_not_admin", gettext_lazy("ответ в группе")
    TOO_MANY = "group_too_many", gettext_lazy("ответ в группе")
    TOO_LONG = "group_too_long", gettext_lazy("ответ в группе")
    FOREIGN = "group_foreign", gettext_lazy("ответ в группе")
    CLOSED = "group_closed", gettext_lazy("ответ в группе")
    COMMENT_EMPTY = "group_comment_empty", gettext_lazy("ответ в группе")
    COMMENTED = "group_commented", gettext_lazy("ответ в группе")
    FILE_REFUSED = "group_file_refused", gettext_lazy("ответ в группе")


def _notice(delivery: Delivery) -> Reply:
    event = delivery.event
    if event is None:
        raise PermanentError("a notice without its event")
    ticket = event.ticket
    chat_id = int(delivery.address)
    parts = split_utf16(event.comment.body, MESSAGE_PART) if event.comment else [""]
    is_requester = delivery.recipient_id == ticket.requester_id
    card = kb.button(_("👁 Открыть"), "card", ticket.pk, kb.KEPT)
    buttons: list[list[kb.Button]] = [[card]]
    if delivery.kind in ANSWERABLE or event.new_value == TicketStatus.WAITING:
        buttons = [[kb.button(_("➕ Ответить"), "comment", ticket.pk), card]]
    is_resolved = delivery.kind in RESOLUTION_KINDS and ticket.status == TicketStatus.RESOLVED
    offers = is_resolved and is_requester
    if offers:
        buttons = [
            [kb.button(_("⭐ Оценить выполнение"), "rate", ticket.pk, kb.KEPT)],
            [kb.button(_("↩️ Вернуть в работу"), "return", ticket.pk, kb.KEPT)],
            [kb.button(_("👁 Просмотреть заявку"), "card", ticket.pk, kb.KEPT)],
        ]
    return say(
        chat_id,
        render(
            f"notice_{delivery.kind}",
            event=event,
            ticket=ticket,
            body=parts[0],
            is_cut=len(parts) > 1,
            is_requester=is_requester,
            resumes=delivery.data.get("resumes", False),
            files=_files_of(delivery),
        ),
        kb.inline(*buttons),
        ticket_id=ticket.pk,
        reply_to=_first_message(chat_id, ticket),
        silent=not delivery.data.get("loud"),
        has_resolution=offers,
    )


def _first_message(chat_id: int, ticket: Ticket, *, for_agents: bool = False) -> int | None:
    """What further messages about a ticket reply to: agents have a thread of their own."""
    told = TicketMessage.objects.filter(chat_id=chat_id, ticket=ticket, for_agents=for_agents)
    return told.order_by("pk").values_list("message_id", flat=True).first()


def _staff_notice(delivery: Delivery) -> Reply:
    """What an agent hears of a ticket; it is answered at the desk, where the button leads."""
    event = delivery.event
    if event is None:
        raise PermanentError("a notice without its event")
    ticket, chat_id = event.ticket, int(delivery.address)
    tells_of_beginning = delivery.kind in (NoticeKind.STAFF_NEW, NoticeKind.STAFF_ASSIGNED)
    words = ticket.description if tells_of_beginning else ""
    if event.comment:
        words = event.comment.body
    elif delivery.kind == NoticeKind.STAFF_CLOSED:
        words = ticket.rating_comment
    files = ticket.attachments.filter(comment=event.comment)
    has_words = event.comment or tells_of_beginning
    text = render(
        delivery.kind,
        event=event,
        ticket=ticket,
        body=cut_utf16(words, QUOTED),
        files=files.exclude(state=Attachment.State.REFUSED).count() if has_words else 0,
    )
    return say(
        chat_id,
        text,
        kb.inline([kb.desk(_("Открыть"), ticket.pk)]),
        ticket_id=ticket.pk,
        reply_to=_first_message(chat_id, ticket, for_agents=True),
        silent=not delivery.data.get("loud"),
        for_agents=True,
    )


def _freed(delivery: Delivery) -> Reply:
    """Tickets of an agent who serves no more, as one list."""
    freed = freed_tickets(delivery)
    text = render(delivery.kind, freed=freed)
    queue = kb.portal(_("Открыть"), f"{reverse('admin:tickets_ticket_changelist')}?tab=free")
    first = freed.tickets[0].pk  # a reply leads to the desk, too
    return say(
        int(delivery.address),
        text,
        kb.inline([queue]),
        ticket_id=first,
        silent=True,
        for_agents=True,
    )


def _files_of(delivery: Delivery) -> int:
    """How many came with a colleague's words: they are on the card, not messages of their own."""
    if delivery.kind != NoticeKind.COLLEAGUE or not delivery.event or not delivery.event.comment:
        return 0
    files = delivery.event.comment.attachments.exclude(state=Attachment.State.REFUSED)
    return len(files)


def _continued(delivery: Delivery) -> Reply:
    """A further part of a long comment, as a message of its own."""
    if delivery.event is None or delivery.event.comment is None:
        raise Cancelled
    parts = split_utf16(delivery.event.comment.body, MESSAGE_PART)
    part = int(delivery.data["part"])
    if part >= len(parts):
        raise Cancelled
    ticket_id = delivery.event.ticket_id
    return say(
        int(delivery.address),
        render("text_part", body=parts[part], number=ticket_id, heading=_("продолжение")),
        ticket_id=ticket_id,
        silent=True,
    )


def _file(delivery: Delivery) -> Reply:
    """A file of an answer, as a document of its own."""
    if delivery.recipient is None:
        raise PermanentError("a file for nobody")
    seen = Ticket.objects.visible_to(delivery.recipient)
    asked = public_files().filter(pk=delivery.data.get("attachment"), ticket__in=seen)
    attachment = asked.select_related("ticket").first()
    if attachment is None or attachment.state == Attachment.State.REFUSED:
        raise Cancelled
    if attachment.state == Attachment.State.PENDING:
        raise RetryLater(timedelta(seconds=5))
    from telegram import InputFile  # here: pages of the portal load the kinds, not the library

    with attachment.file.open("rb") as content:
        document = InputFile(content, filename=attachment.name)
    params = {
        "chat_id": int(delivery.address),
        "document": document,
        "caption": render("file", attachment=attachment),
        "parse_mode": "HTML",
        "disable_notification": True,
    }
    return Reply("send_document", params, attachment.ticket_id)


def _buttons(delivery: Delivery) -> Reply:
    """An offer to rate or return loses its buttons once the ticket has left «Выполнена»."""
    offer = TicketMessage.objects.filter(
        chat_id=int(delivery.address), message_id=delivery.data["message"], has_resolution=True
    ).first()
    if offer is None:
        raise Cancelled
    return without_offer(offer.chat_id, offer.message_id, offer.ticket_id)


def _pin_mail(delivery: Delivery) -> Reply:
    pin = LinkPin.objects.filter(pk=delivery.data.get("pin")).first()
    if pin is None or (delivery.kind == PinNews.DELAYED and (pin.closed_at or pin.sent_at)):
        raise Cancelled
    again = kb.inline([kb.button(_("🔄 Повторить"), "resend_pin")])
    return say(
        int(delivery.address),
        render(delivery.kind, address_refused=delivery.data.get("address_refused", False)),
        again if delivery.kind == PinNews.FAILED else None,
    )


def _test(delivery: Delivery) -> Reply:
    return say(int(delivery.address), render("test"), kb.inline([kb.button(_("‹ Меню"), "menu")]))


def _file_refused(delivery: Delivery) -> Reply:
    attachment = Attachment.objects.filter(pk=delivery.data.get("attachment")).first()
    if attachment is None:
        raise Cancelled
    return say(
        int(delivery.address),
        render("file_refused", attachment=attachment),
        kb.inline([kb.button(_("👁 Открыть заявку"), "card", attachment.ticket_id, kb.KEPT)]),
        ticket_id=attachment.ticket_id,
    )


def _created(delivery: Delivery) -> Reply:
    """A ticket from a group that could not be confirmed there."""
    ticket = Ticket.objects.filter(pk=delivery.data.get("ticket")).select_related("product").first()
    if ticket is None:
        raise Cancelled
    text = render("created", ticket=ticket, files=ticket.attachments.all())
    show = kb.inline([kb.button(_("👁 Открыть"), "card", ticket.pk, kb.KEPT)])
    return say(int(delivery.address), text, show, ticket_id=ticket.pk)


def _group_status(delivery: Delivery) -> Reply:
    """The new status, or number, under the message the ticket came from."""
    event = delivery.event
    if event is None:
        raise PermanentError("a notice without its event")
    place = GroupTicket.objects.get(ticket=event.ticket)
    about = {"chat": place.chat_id, "message": place.message_id, "topic": place.topic}
    return _to_group(delivery, about | {"ticket": event.ticket_id}, event=event)


def _group_answer(delivery: Delivery) -> Reply:
    return _to_group(delivery, delivery.data)


def _to_group(delivery: Delivery, about: dict[str, Any], **more: Any) -> Reply:
    """A public text: it replies to its source message as long as that stands in this chat."""
    here = about["chat"] == int(delivery.address)
    number = about.get("ticket", 0)
    ticket = Ticket.objects.filter(pk=number).select_related("requester", "product").first()
    heartbeat = BotHeartbeat.latest()
    bot = heartbeat.username if heartbeat else ""
    text = render(delivery.kind, ticket=ticket, bot=bot, about=about, **more)
    keyboard: kb.Keyboard | None = None
    if ticket:
        show = kb.link(_("👁 Открыть"), f"https://t.me/{bot}?start=t_{ticket.pk}")
        keyboard = kb.inline([show])
    if delivery.kind == GroupAnswer.NOT_ADMIN:
        keyboard = kb.inline([kb.button(_("🔄 Проверить"), "group_check")])
    if delivery.kind == GroupAnswer.UNREGISTERED:
        keyboard = registration_link(bot)
    return say(
        int(delivery.address),
        text,
        keyboard,
        ticket_id=ticket.pk if ticket else None,
        reply_to=about["message"] if here else None,
        topic=about["topic"] if here else 0,
        silent=delivery.kind in (NoticeKind.PUBLIC_STATUS, NoticeKind.PUBLIC_MERGED),
    )


QUOTED = 1000  # UTF-16 units of what an agent is told; the desk has the rest
STAFF_NOTICES = (
    NoticeKind.STAFF_NEW, NoticeKind.STAFF_COMMENT, NoticeKind.STAFF_RETURN, NoticeKind.STAFF_DUE,
    NoticeKind.STAFF_CLOSED, NoticeKind.STAFF_ASSIGNED, NoticeKind.STAFF_PASSED,
    NoticeKind.STAFF_FREE, NoticeKind.STAFF_WOKEN, NoticeKind.STAFF_MENTION,
    NoticeKind.STAFF_FOLLOWED,
)  # fmt: skip
ANSWERABLE = {NoticeKind.COMMENT, NoticeKind.COLLEAGUE}
RESOLUTION_KINDS = {NoticeKind.RESOLVED, NoticeKind.REMINDER}  # offer to rate and to return
COMPOSERS: dict[str, Callable[[Delivery], Reply]] = {
    NoticeKind.OPENED: _notice,
    NoticeKind.STATUS: _notice,
    NoticeKind.RESOLVED: _notice,
    NoticeKind.PRIORITY: _notice,
    NoticeKind.COMMENT: _notice,
    NoticeKind.COLLEAGUE: _notice,
    NoticeKind.ASSIGNED: _notice,
    NoticeKind.TITLE: _notice,
    NoticeKind.PRODUCT: _notice,
    NoticeKind.REMINDER: _notice,
    **dict.fromkeys(STAFF_NOTICES, _staff_notice),
    NoticeKind.STAFF_FREED: _freed,
    NoticeKind.OFFERS_END: _buttons,
    NoticeKind.MERGED: _notice,
    NoticeKind.PUBLIC_STATUS: _group_status,
    NoticeKind.PUBLIC_MERGED: _group_status,
    TelegramKind.CONTINUED: _continued,
    TelegramKind.FILE: _file,
    TelegramKind.FILE_REFUSED: _file_refused,
    TelegramKind.CREATED: _created,
    TelegramKind.TEST: _test,
    PinNews.DELAYED: _pin_mail,
    PinNews.FAILED: _pin_mail,
    **dict.fromkeys(GroupAnswer, _group_answer),
}
