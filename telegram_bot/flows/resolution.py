"""The end of a ticket: rate it, return it to work (R6), or close it as solved."""

from functools import wraps

from django.utils.translation import gettext as _

from telegram_bot import keyboards as kb
from telegram_bot.files import as_new_file
from telegram_bot.flows.comments import keep_part, usable_file, write_comment
from telegram_bot.flows.menu import leave_step
from telegram_bot.flows.my_tickets import (
    TicketFlow,
    card_screen,
    find_ticket,
    linked_ticket,
    not_found,
    on_ticket,
    pressed_ticket,
    show_card,
)
from telegram_bot.flows.new_ticket import start_ticket
from telegram_bot.incoming import Flow, Incoming
from telegram_bot.models import Dialog, TicketMessage
from telegram_bot.replies import Replies, without_offer
from telegram_bot.templating import render
from tickets.models import Face, Ticket
from tickets.recording import customer
from tickets.refusals import AlreadyDone, NotRequester, TextRequired, TextTooLong
from tickets.services import (
    close_by_requester,
    comment_rating,
    is_rateable,
    rate_ticket,
    return_to_work,
)
from tickets.status import TicketStatus, TransitionNotAllowed

RATING_BUTTONS = {"rate", "score", "rating_comment"}
CLOSING_BUTTONS = {"solved", "solved_yes"}
SCORE_FACES = {1: "😞", 2: "🙁", 3: "😐", 4: "🙂", 5: "😀"}


def on_own_ticket(flow: TicketFlow) -> Flow:
    """What only the requester may do; to a colleague who sees the ticket that is said."""

    @wraps(flow)
    def wrapper(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
        return flow(dialog, message, ticket) if _is_own(message, ticket) else _foreign(message)

    return on_ticket(wrapper, after_merge=_after_merge)


def _after_merge(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    """A mark or a return meant the ticket that was merged: here it does nothing, words are kept."""
    text = _("Заявка объединена с № %(number)s.") % {"number": ticket.pk}
    if message.press:
        return [*message.toast(text), card_screen(message, ticket)]
    dialog.set_step("")
    return [message.say(text), *write_comment(dialog, message, ticket)]


def _is_own(message: Incoming, ticket: Ticket) -> bool:
    return ticket.requester_id == message.customer.pk


def _foreign(message: Incoming) -> Replies:
    text = str(NotRequester())
    return message.toast(text, alert=True) if message.press else [message.say(text)]


@on_own_ticket
def ask_score(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    if not is_rateable(ticket):
        return _too_late(message, ticket)
    keyboard = kb.inline(_marks(ticket), [kb.button(_("‹ Назад"), "card", ticket.pk)])
    text = render("rate", ticket=ticket)
    return [message.screen(text, keyboard, ticket_id=ticket.pk, has_resolution=True)]


def _marks(ticket: Ticket) -> list[kb.Button]:
    return [
        kb.button(f"{mark} {face}", "score", ticket.pk, mark) for mark, face in SCORE_FACES.items()
    ]


def take_score(dialog: Dialog, message: Incoming) -> Replies:
    """The mark closes the ticket at once; words may follow."""
    ids = kb.parse_ids(kb.parse(message.data)[1], 2)
    ticket = find_ticket(message, ids[0]) if ids else None
    if ticket is None or ids is None or ids[1] not in SCORE_FACES:
        return not_found(message)
    if ticket.pk != ids[0]:
        return _after_merge(dialog, message, ticket)
    if not _is_own(message, ticket):
        return _foreign(message)
    # the pressed message gets the answer: it is no offer to take back any more
    TicketMessage.objects.filter(chat_id=message.chat_id, message_id=message.message_id).update(
        has_resolution=False
    )
    try:
        ticket = rate_ticket(
            ticket=ticket, actor=customer(message.customer, Face.BOT), score=ids[1]
        )
    except (AlreadyDone, TransitionNotAllowed):
        if dialog.step == "rating_comment" and dialog.data.get("ticket") == ticket.pk:
            return message.toast(_("Оценка уже принята."))  # a double press
        return _too_late(message, find_ticket(message, ticket.pk) or ticket)
    parked = leave_step(dialog, message)
    dialog.set_step("rating_comment", ticket=ticket.pk)
    buttons = [
        kb.button(_("✏️ Написать"), "rating_comment", ticket.pk),
        kb.button(_("Пропустить"), "skip_rating", ticket.pk),
    ]
    return [
        *parked,
        # a reply to this question is its answer, not a comment on a closed ticket
        message.screen(render("rated", ticket=ticket, stars="⭐" * ids[1]), kb.inline(buttons)),
    ]


@on_own_ticket
def ask_rating_comment(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    if ticket.score is None or ticket.rating_comment:
        return _too_late(message, ticket)
    parked = leave_step(dialog, message) if dialog.step != "rating_comment" else []
    dialog.set_step("rating_comment", ticket=ticket.pk)
    skip = kb.inline([kb.button(_("Пропустить"), "skip_rating", ticket.pk)])
    return [*parked, message.say(_("Напишите комментарий к оценке."), skip)]


def skip_rating_comment(dialog: Dialog, message: Incoming) -> Replies:
    """What is written next is no comment to the score any more."""
    if dialog.step == "rating_comment":
        dialog.set_step("")
    return show_card(dialog, message)


@on_own_ticket
def take_rating_comment(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    try:
        comment_rating(
            ticket=ticket, actor=customer(message.customer, Face.BOT), text=message.words
        )
    except TextRequired:
        text = _("Файлы к оценке не прикладываются. Напишите комментарий текстом.")
        return [message.say(text)]
    except TextTooLong as long:
        return [message.say(str(long))]
    except AlreadyDone:
        dialog.set_step("")
        return _too_late(message, ticket)
    dialog.set_step("")
    menu = kb.inline([kb.button(_("‹ Меню"), "menu")])
    return [message.say(_("Спасибо, передали команде."), menu)]


@on_own_ticket
def ask_return(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    if ticket.status != TicketStatus.RESOLVED:
        return _too_late(message, ticket)
    text = _("<b>Вернуть заявку № %(number)s в работу?</b>") % {"number": ticket.pk}
    buttons = [
        kb.button(_("Да"), "return_yes", ticket.pk),
        kb.button(_("Нет"), "card", ticket.pk),
    ]
    return [message.say(text, kb.inline(buttons), ticket_id=ticket.pk, has_resolution=True)]


@on_own_ticket
def ask_reason(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    if ticket.status != TicketStatus.RESOLVED:
        return _too_late(message, ticket)
    parked = leave_step(dialog, message)
    dialog.set_step("reason", ticket=ticket.pk)
    text = _("Напишите причину возврата: что осталось нерешённым?")
    return [*parked, message.screen(text, kb.inline([kb.cancel("reason", ticket.pk)]))]


@on_own_ticket
def take_reason(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    cancel = kb.inline([kb.cancel("reason", ticket.pk)])
    file, refusal = usable_file(message)
    refusals = [message.say(refusal)] if refusal else []
    try:
        ticket = return_to_work(
            ticket=ticket,
            actor=customer(message.customer, Face.BOT),
            reason=message.words,
            files=[as_new_file(file, message.link)] if file else [],
        )
    except TextRequired:
        text = _("Причина нужна: напишите, что осталось нерешённым.")
        if file:
            text = _(
                "Файл без слов я не взял: напишите, что осталось нерешённым. Файл можно отправить"
                " вместе с причиной, с подписью."
            )
        return [*refusals, message.say(text, cancel)]
    except TextTooLong as long:
        return [message.say(str(long), cancel)]
    except AlreadyDone:  # returned on the portal meanwhile: the words are not lost
        text = _("Заявка уже в работе, причину я добавил комментарием.")
        return [message.say(text), *write_comment(dialog, message, ticket)]
    except TransitionNotAllowed:
        dialog.set_step("")
        return _too_late(message, ticket)
    dialog.set_step("")
    keep_part(dialog, message, ticket.comments.latest("pk"), file)
    text = _("↩️ Заявка № %(number)s снова в работе. Причина передана специалисту.")
    show = kb.inline([kb.button(_("👁 Открыть"), "card", ticket.pk, kb.KEPT)])
    return [*refusals, message.say(text % {"number": ticket.pk}, show, ticket_id=ticket.pk)]


@on_own_ticket
def ask_solved(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    if ticket.is_closed:
        return _too_late(message, ticket)
    text = render("solved", ticket=ticket)
    buttons = [
        kb.button(_("✅ Да, закрыть"), "solved_yes", ticket.pk),
        kb.button(_("Нет"), "card", ticket.pk),
    ]
    return [message.screen(text, kb.inline(buttons), ticket_id=ticket.pk)]


@on_own_ticket
def close_solved(dialog: Dialog, message: Incoming, ticket: Ticket) -> Replies:
    """The ticket is closed at once; a mark may follow, and words after it."""
    try:
        ticket = close_by_requester(ticket=ticket, actor=customer(message.customer, Face.BOT))
    except AlreadyDone:
        return _too_late(message, find_ticket(message, ticket.pk) or ticket)
    parked = leave_step(dialog, message)
    skip = kb.button(_("Пропустить"), "skip_rating", ticket.pk)
    keyboard = kb.inline(_marks(ticket), [skip])
    return [*parked, message.screen(render("closed", ticket=ticket), keyboard)]


def follow_up(dialog: Dialog, message: Incoming) -> Replies:
    """A new ticket on the base of a closed one, by a button or a link of the portal."""
    ticket = pressed_ticket(message) if message.press else linked_ticket(message, "n_")
    if ticket is None:
        return not_found(message)
    return start_ticket(dialog, message, parent=ticket)


def _too_late(message: Incoming, ticket: Ticket) -> Replies:
    """A stale or doubled press: say why, show the ticket as it is now."""
    if ticket.is_closed and ticket.score is not None:
        text = _("Заявка уже оценена и закрыта.")
    elif ticket.is_closed and kb.parse(message.data)[0] in CLOSING_BUTTONS:
        text = _("Заявка уже закрыта.")
    elif ticket.is_closed and kb.parse(message.data)[0] in RATING_BUTTONS:
        text = _("Заявка уже закрыта, оценить её нельзя.")
    elif ticket.is_closed:
        text = _("Заявка уже закрыта, вернуть её нельзя. Создайте новую.")
    else:
        text = _("Кнопка устарела — открываю свежую карточку.")
    ended = (
        [without_offer(message.chat_id, message.message_id, ticket.pk)] if message.is_kept else []
    )
    return [*message.toast(text), *ended, card_screen(message, ticket)]
