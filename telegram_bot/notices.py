"""What each kind of delivery says in Telegram."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from telegram import InputFile

from accounts.linking import PinNews
from accounts.models import LinkPin
from telegram_bot import keyboards as kb
from telegram_bot.keyboards import registration_link
from telegram_bot.models import BotHeartbeat, GroupTicket, TicketMessage
from telegram_bot.replies import MESSAGE_PART, Reply, say, without_offer
from telegram_bot.texts import render
from telegram_bot.utf16 import split_utf16
from tickets.channels import Cancelled, PermanentError, RetryLater
from tickets.models import Attachment, Delivery, Ticket
from tickets.notices import NoticeKind
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
    body = split_utf16(event.comment.body, MESSAGE_PART)[0] if event.comment else ""
    card = kb.button(_("👁 Открыть"), "card", ticket.pk, kb.KEPT)
    buttons: list[list[kb.Button]] = [[card]]
    if delivery.kind == NoticeKind.COMMENT or event.new_value == TicketStatus.WAITING:
        buttons = [[kb.button(_("➕ Ответить"), "comment", ticket.pk), card]]
    offers = delivery.kind in RESOLUTION_KINDS and ticket.status == TicketStatus.RESOLVED
    if offers:
        buttons = [
            [kb.button(_("⭐ Оценить выполнение"), "rate", ticket.pk, kb.KEPT)],
            [kb.button(_("↩️ Вернуть в работу"), "return", ticket.pk, kb.KEPT)],
            [kb.button(_("👁 Просмотреть заявку"), "card", ticket.pk, kb.KEPT)],
        ]
    first = TicketMessage.objects.filter(chat_id=chat_id, ticket=ticket).order_by("pk").first()
    return say(
        chat_id,
        render(f"notice_{delivery.kind}", event=event, ticket=ticket, body=body),
        kb.inline(*buttons),
        ticket_id=ticket.pk,
        reply_to=first.message_id if first else None,
        silent=not delivery.data.get("loud"),
        has_resolution=offers,
    )


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
    attachment = (
        Attachment.objects.filter(pk=delivery.data.get("attachment"))
        .exclude(comment__is_internal=True)
        .select_related("ticket")
        .first()
    )
    if attachment is None or attachment.state == Attachment.State.REFUSED:
        raise Cancelled
    if attachment.state == Attachment.State.PENDING:
        raise RetryLater(timedelta(seconds=5))
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
    """The new status, under the message the ticket came from."""
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
        silent=delivery.kind == NoticeKind.PUBLIC_STATUS,
    )


RESOLUTION_KINDS = {NoticeKind.RESOLVED, NoticeKind.REMINDER}  # offer to rate and to return
COMPOSERS: dict[str, Callable[[Delivery], Reply]] = {
    NoticeKind.STATUS: _notice,
    NoticeKind.RESOLVED: _notice,
    NoticeKind.PRIORITY: _notice,
    NoticeKind.COMMENT: _notice,
    NoticeKind.ASSIGNED: _notice,
    NoticeKind.REMINDER: _notice,
    NoticeKind.OFFERS_END: _buttons,
    NoticeKind.PUBLIC_STATUS: _group_status,
    TelegramKind.CONTINUED: _continued,
    TelegramKind.FILE: _file,
    TelegramKind.FILE_REFUSED: _file_refused,
    TelegramKind.CREATED: _created,
    TelegramKind.TEST: _test,
    PinNews.DELAYED: _pin_mail,
    PinNews.FAILED: _pin_mail,
    **dict.fromkeys(GroupAnswer, _group_answer),
}
