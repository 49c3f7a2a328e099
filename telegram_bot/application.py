"""The bot's table of contents: every handler, in order, and what each step listens for."""

import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from telegram import (
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllPrivateChats,
    Update,
)
from telegram.error import TelegramError
from telegram.ext import (
    Application,
    BaseHandler,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    TypeHandler,
    filters,
)

from telegram_bot import keyboards as kb
from telegram_bot.bot_api import Request, bot_id
from telegram_bot.flows import (
    comments,
    group_setup,
    group_tickets,
    kept_words,
    linking,
    menu,
    my_tickets,
    new_ticket,
    resolution,
    ticket_lists,
)
from telegram_bot.flows.linking import linked
from telegram_bot.inbox import PRIVATE_COMMANDS, DurableUpdateQueue, OrderPerPerson
from telegram_bot.incoming import Flow, Incoming, Inquiry
from telegram_bot.intake import PolledBot, TolerantUpdater, UpdatesRequest
from telegram_bot.mentions import is_meant
from telegram_bot.models import Dialog
from telegram_bot.processing import work_off
from telegram_bot.replies import Replies

logger = logging.getLogger(__name__)

ALLOWED_UPDATES = ["message", "edited_message", "callback_query", "my_chat_member"]

GROUP_ADMIN_COMMANDS = {
    "config": gettext_lazy("Выбрать услугу для заявок группы"),
    "help": gettext_lazy("Помощь"),
}
COMMANDS = {
    "new": gettext_lazy("Создать новую заявку"),
    "tickets": gettext_lazy("Список открытых заявок"),
    "help": gettext_lazy("Помощь"),
    "cancel": gettext_lazy("Отменить"),
}
DESCRIPTION = gettext_lazy(
    "Создавайте заявки в техническую поддержку, следите за статусом и отвечайте специалистам "
    "прямо в Telegram. Нужна регистрация на портале."
)
SHORT_DESCRIPTION = gettext_lazy("Заявки в техподдержку: создать, следить, оценить")

# What a plain message means, by the step its dialog is at
STEPS: dict[str, Flow] = {
    "phone": linking.take_typed_phone,
    "account": linking.expect_account,
    "pin": linking.take_pin,
    "product": linked(new_ticket.expect_press),
    "title": linked(new_ticket.take_title),
    "description": linked(new_ticket.take_description),
    "files": linked(new_ticket.take_files),
    "confirm": linked(new_ticket.take_confirmation),
    "comment": linked(comments.take_comment),
    "reason": linked(resolution.take_reason),
    "rating_comment": linked(resolution.take_rating_comment),
}

# A question about a ticket ends when the person goes to look at another
QUESTIONS = {"comment", "reason", "rating_comment"}
LOOKING = {"card", "list", "awaiting", "closed", "comments"}

# Buttons by the word of their callback data; `linked` ones serve only linked people
BUTTONS: dict[str, Flow] = {
    "menu": linked(menu.show_menu),
    "help": menu.show_help,
    "cancel": menu.cancel,
    "page": menu.nothing,
    "settings": linked(menu.show_settings),
    "unlink": linked(menu.ask_unlink),
    "unlink_yes": linked(menu.unlink),
    "phone": linking.check_again,
    "account": linking.choose_account,
    "resend_pin": linking.resend_pin,
    "new": linked(new_ticket.start),
    "resume": linked(new_ticket.resume),
    "drop": linked(new_ticket.drop),
    "product": linked(new_ticket.take_product),
    "products": linked(new_ticket.turn_products),
    "take_title": linked(new_ticket.take_suggested_title),
    "back": linked(new_ticket.back),
    "files_done": linked(new_ticket.files_done),
    "files_clear": linked(new_ticket.files_clear),
    "fix": linked(new_ticket.fix),
    "list": linked(ticket_lists.show_open),
    "awaiting": linked(ticket_lists.show_awaiting),
    "closed": linked(ticket_lists.show_closed),
    "card": linked(my_tickets.show_card),
    "comments": linked(comments.show_comments),
    "whole": linked(comments.show_whole),
    "comment": linked(comments.ask_comment),
    "add": linked(kept_words.add_kept),
    "files": linked(my_tickets.send_files),
    "rate": linked(resolution.ask_score),
    "score": linked(resolution.take_score),
    "rating_comment": linked(resolution.ask_rating_comment),
    "skip_rating": linked(resolution.skip_rating_comment),
    "return": linked(resolution.ask_return),
    "return_yes": linked(resolution.ask_reason),
    "solved": linked(resolution.ask_solved),
    "solved_yes": linked(resolution.close_solved),
    "follow_up": linked(resolution.follow_up),
}

GROUP_BUTTONS: dict[str, Flow] = {
    "group_product": group_setup.take_product,
    "group_products": group_setup.turn_products,
}

OWN = ~filters.FORWARDED  # what is forwarded orders nothing
PRIVATE = filters.ChatType.PRIVATE & filters.UpdateType.MESSAGE
NUMBER = filters.Regex(r"^\s*[№#]?\s*[0-9]{1,18}\s*$")
GROUPS = filters.ChatType.GROUPS
GROUP_MESSAGE = GROUPS & filters.UpdateType.MESSAGE
SERVICE = filters.StatusUpdate.NEW_CHAT_TITLE | filters.StatusUpdate.MIGRATE
UNKNOWN_COMMAND = filters.Regex(r"^/\w+(@\w+)?$")  # a text may begin with /var/log
CANCEL_WORD = filters.Regex(r"^(?i:отмена)$")
NO_WORDS = ~filters.TEXT & ~filters.CAPTION
UNSUPPORTED = NO_WORDS & (
    filters.Sticker.ALL | filters.VOICE | filters.VIDEO_NOTE | filters.LOCATION | filters.POLL
    | filters.Dice.ALL | filters.GAME | filters.VENUE | filters.STORY | filters.PAID_MEDIA
    | filters.CHECKLIST
)  # fmt: skip


def start(dialog: Dialog, message: Incoming) -> Replies:
    """`/start`, also with the payload of a deep link, which carries context only."""
    if message.user is None:
        return linking.ask_phone(dialog, message)
    if message.argument.startswith("t_"):
        return my_tickets.show_linked(dialog, message)
    if message.argument.startswith("n_"):
        return resolution.follow_up(dialog, message)
    return menu.show_menu(dialog, message)


def ordered(flow: Flow) -> Flow:
    """What a command asks for."""

    def callback(dialog: Dialog, message: Incoming) -> Replies:
        _end_thought(dialog)
        return flow(dialog, message)

    return callback


def _end_thought(dialog: Dialog) -> None:
    """Who looks for something else has said it all: what comes next is no part of a comment."""
    dialog.open_part = ""


def take_message(dialog: Dialog, message: Incoming) -> Replies:
    """A reply to a ticket's message beats the step; a further part follows the first one."""
    left_out = menu.not_taken(message)
    comment = comments.open_comment(dialog, message)
    if comment:
        return [*left_out, *comments.go_on_with_comment(dialog, message, comment)]
    dialog.open_part = ""
    about = comments.replied_message(message)
    if about and about.for_agents:
        return comments.lead_to_desk(message, about)
    ticket = my_tickets.find_ticket(message, about.ticket_id) if about else None
    if ticket:
        return [*left_out, *comments.write_comment(dialog, message, ticket)]
    take = STEPS.get(dialog.step, linked(kept_words.offer_ticket))
    return [*left_out, *take(dialog, message)]


def take_number(dialog: Dialog, message: Incoming) -> Replies:
    """A bare number is a ticket's, unless words are asked for or go on."""
    if dialog.step or message.replied_id:
        return take_message(dialog, message)
    goes_on = comments.open_comment(dialog, message)
    is_cut = dialog.open_part == comments.SPLIT_TEXT
    if goes_on and (is_cut or my_tickets.numbered_ticket(message) is None):
        return take_message(dialog, message)
    return linked(my_tickets.show_numbered)(dialog, message)


def take_unsupported(dialog: Dialog, message: Incoming) -> Replies:
    """Stickers and the like fit no step; who is not linked yet hears how to go on instead."""
    if message.user:
        return menu.unsupported(dialog, message)
    return STEPS.get(dialog.step, linking.ask_phone)(dialog, message)


def press(dialog: Dialog, message: Incoming) -> Replies:
    """A button of the private chat; in a group only its own buttons may do anything."""
    word, ids = kb.parse(message.data)
    if not message.is_private and word != "page":
        return message.toast(_("Эта кнопка работает в личном чате с ботом."), alert=True)
    _end_thought(dialog)
    if dialog.step in QUESTIONS and word in LOOKING and _asked_of(dialog) != ids[:1]:
        dialog.set_step("")
    return BUTTONS.get(word, menu.stale_button)(dialog, message)


def _asked_of(dialog: Dialog) -> list[str]:
    """The ticket that the question at hand is about, as callback data names it."""
    return [str(dialog.data.get("ticket"))]


def take_command_in_group(dialog: Dialog, message: Incoming) -> Replies:
    """A command for the private chat; with a mention beside it, words for a ticket."""
    sent = message.message
    if sent and is_meant(sent, message.bot_id, message.bot_username):
        return group_tickets.take_message(dialog, message)
    return group_setup.show_private_chat(dialog, message)


def press_in_group(dialog: Dialog, message: Incoming) -> Replies:
    return GROUP_BUTTONS.get(kb.parse(message.data)[0], menu.stale_button)(dialog, message)


def handlers(on: Callable[..., Any]) -> list[BaseHandler[Any, Any, Any]]:
    """Every handler in its order, the first that fits takes an update; `on` makes a callback."""
    return [
        CommandHandler("start", on(ordered(start)), PRIVATE & OWN),
        CommandHandler("menu", on(ordered(linked(menu.show_menu))), PRIVATE & OWN),
        CommandHandler("new", on(ordered(linked(new_ticket.start))), PRIVATE & OWN),
        CommandHandler("tickets", on(ordered(linked(ticket_lists.show_open))), PRIVATE & OWN),
        CommandHandler("help", on(ordered(menu.show_help)), PRIVATE & OWN),
        CommandHandler("help", on(group_setup.show_help), GROUP_MESSAGE & OWN),
        CommandHandler("cancel", on(ordered(menu.cancel)), PRIVATE & OWN),
        CommandHandler(PRIVATE_COMMANDS, on(take_command_in_group), GROUP_MESSAGE & OWN),
        CommandHandler(
            "config",
            on(group_setup.config, group_setup.rights_in_chat),
            (PRIVATE | GROUP_MESSAGE) & OWN,
        ),
        CallbackQueryHandler(on(group_setup.check_again, group_setup.bot_rights), "^group_check$"),
        CallbackQueryHandler(on(press_in_group, group_setup.rights_in_chat), "^group_"),
        CallbackQueryHandler(on(press)),
        MessageHandler(GROUPS & SERVICE, on(group_setup.service_message)),
        MessageHandler(GROUPS, on(group_tickets.take_message)),
        MessageHandler(PRIVATE & filters.CONTACT, on(linking.take_contact)),
        MessageHandler(PRIVATE & OWN & CANCEL_WORD, on(ordered(menu.cancel))),
        MessageHandler(PRIVATE & OWN & NUMBER, on(take_number)),
        MessageHandler(PRIVATE & filters.StatusUpdate.ALL, on(menu.nothing)),
        MessageHandler(PRIVATE & UNSUPPORTED, on(take_unsupported)),
        MessageHandler(PRIVATE & OWN & UNKNOWN_COMMAND, on(linked(menu.not_understood))),
        MessageHandler(PRIVATE, on(take_message)),
        MessageHandler(filters.UpdateType.EDITED_MESSAGE, on(comments.take_edit)),
        ChatMemberHandler(on(group_setup.membership_changed)),
        TypeHandler(Update, on(menu.nothing)),
    ]


def build_application() -> Application[Any, Any, Any, Any, Any, Any]:
    queue = DurableUpdateQueue(bot_id())
    bot = PolledBot(
        settings.TELEGRAM_BOT_TOKEN,
        store=queue.store,
        base_url=f"{settings.TELEGRAM_API_URL}/bot",
        base_file_url=f"{settings.TELEGRAM_API_URL}/file/bot",
        request=Request(),
        get_updates_request=UpdatesRequest(),
    )
    application = (
        Application.builder()
        .updater(TolerantUpdater(bot, queue))
        .concurrent_updates(OrderPerPerson(queue))
        .job_queue(None)
        .build()
    )
    application.add_handlers(handlers(partial(_callback, queue)))
    application.add_error_handler(partial(_put_aside, queue))
    return application


async def _put_aside(
    queue: DurableUpdateQueue, update: object, context: ContextTypes.DEFAULT_TYPE
) -> None:
    if isinstance(update, Update) and context.error:
        await queue.put_aside(update, context.error)


def _callback(
    queue: DurableUpdateQueue, flow: Flow, inquiry: Inquiry | None = None
) -> Callable[[Update, ContextTypes.DEFAULT_TYPE], Coroutine[Any, Any, None]]:
    async def callback(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await work_off(context.bot, queue, update, flow, inquiry)

    return callback


async def describe_bot(application: Application[Any, Any, Any, Any, Any, Any]) -> None:
    """Tell Telegram the command menu and the texts before Start; not worth failing for."""
    bot = application.bot
    try:
        for commands, scope in (
            (COMMANDS, BotCommandScopeAllPrivateChats()),
            (GROUP_ADMIN_COMMANDS, BotCommandScopeAllChatAdministrators()),
        ):
            await bot.set_my_commands([(name, str(text)) for name, text in commands.items()], scope)
        await bot.set_my_description(str(DESCRIPTION))
        await bot.set_my_short_description(str(SHORT_DESCRIPTION))
    except TelegramError as error:
        logger.warning("The bot's description was not set: %s", type(error).__name__)
