"""The menu, help, cancel, and the answers to what fits nowhere."""

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.phone import mask_email
from accounts.services import unlink_messenger
from telegram_bot import keyboards as kb
from telegram_bot.content import left_out
from telegram_bot.incoming import Incoming
from telegram_bot.models import TELEGRAM, Dialog
from telegram_bot.replies import REMOVE_KEYBOARD, Replies, Reply
from telegram_bot.texts import render
from tickets.models import Ticket
from tickets.status import TicketStatus

# Steps that show a reply keyboard under the input field: it goes when the step is left.
KEYBOARD_STEPS = {"phone", "files", "confirm"}
DRAFT_STEPS = {"product", "title", "description", "files", "confirm"}
TICKETS_COUNTED = 100  # open tickets counted for the menu


def leave_step(dialog: Dialog, message: Incoming) -> list[Reply]:
    """Step aside for a command: a draft is parked, its keyboard taken away."""
    step = dialog.step
    dialog.set_step("")
    if step in DRAFT_STEPS and dialog.has_draft:
        text = _("Черновик заявки сохранён. Продолжить: /new")
        return [message.say(text, REMOVE_KEYBOARD if step in KEYBOARD_STEPS else None)]
    if step in KEYBOARD_STEPS:
        return [message.say(_("Хорошо."), REMOVE_KEYBOARD)]
    return []


def menu_screen(message: Incoming, user: User) -> Reply:
    statuses = list(
        Ticket.objects.visible_to(user).open().values_list("status", flat=True)[:TICKETS_COUNTED]
    )
    opened = f"{TICKETS_COUNTED - 1}+" if len(statuses) == TICKETS_COUNTED else str(len(statuses))
    text = render(
        "menu", user=user, open=opened, waiting=statuses.count(TicketStatus.WAITING.value)
    )
    label = _("📋 Список открытых заявок")
    return message.screen(
        text,
        kb.inline(
            [kb.button(_("➕ Создать новую заявку"), "new")],
            [kb.button(f"{label} · {opened}" if statuses else label, "list")],
            [
                kb.portal(_("🌐 Портал")),
                kb.button(_("⚙️ Настройки"), "settings"),
                kb.button(_("❓ Помощь"), "help"),
            ],
        ),
    )


def show_menu(dialog: Dialog, message: Incoming) -> Replies:
    return [*leave_step(dialog, message), menu_screen(message, message.customer)]


def show_help(dialog: Dialog, message: Incoming) -> Replies:
    back = kb.inline([kb.button(_("‹ Меню"), "menu")]) if message.user else None
    return [message.screen(render("help", linked=bool(message.user)), back)]


def cancel(dialog: Dialog, message: Incoming) -> Replies:
    """Drop the step at hand, or the draft; nothing that was created changes."""
    if message.press and kb.parse(message.data)[1] != _at_hand(dialog):
        return message.toast(_("Кнопка устарела: отменять нечего."))
    had_keyboard = dialog.step in KEYBOARD_STEPS
    nothing_to_cancel = not dialog.step and not dialog.draft
    if not dialog.step or dialog.step in DRAFT_STEPS:  # other steps leave a parked draft alone
        dialog.draft, dialog.draft_at = {}, None
    dialog.set_step("")
    text = _("Отменять нечего.") if nothing_to_cancel else _("Отменено. Ничего не создано.")
    if message.press and not had_keyboard:
        back = kb.inline([kb.button(_("‹ Меню"), "menu")])
        return [message.screen(text, back)]
    replies = [message.say(text, REMOVE_KEYBOARD if had_keyboard else None)]
    if message.user and not message.press:
        replies.append(menu_screen(message, message.user))
    return replies


def _at_hand(dialog: Dialog) -> list[str]:
    """What «Отмена» would end, as its button names it."""
    if dialog.step in DRAFT_STEPS:
        return ["draft", str(dialog.draft.get("id"))]
    ticket = dialog.data.get("ticket")
    return [dialog.step, *([str(ticket)] if ticket else [])]


def not_understood(dialog: Dialog, message: Incoming) -> Replies:
    return [
        message.say(_("Не понял сообщение. Вот что я умею:")),
        menu_screen(message, message.customer),
    ]


def unsupported(dialog: Dialog, message: Incoming) -> Replies:
    _name, text = left_out(message.message)
    return [message.say(f"{text} {_('Принимаю текст, файлы, фото и видео.')}".strip())]


def not_taken(message: Incoming) -> list[Reply]:
    """What of a message was left out, beside the words that are taken."""
    _name, text = left_out(message.message)
    return [message.say(text)] if text else []


def stale_button(dialog: Dialog, message: Incoming) -> Replies:
    return message.toast(_("Кнопка устарела. Откройте меню: /start"))


def nothing(dialog: Dialog, message: Incoming) -> Replies:
    """Done without a word: a page number, or that the bot was blocked or unblocked."""
    return []


def show_settings(dialog: Dialog, message: Incoming) -> Replies:
    text = render("settings", email=mask_email(message.customer.email), account=message.account)
    return [
        message.screen(
            text,
            kb.inline(
                [kb.button(_("🔗 Отвязать Telegram"), "unlink")], [kb.button(_("‹ Меню"), "menu")]
            ),
        )
    ]


def ask_unlink(dialog: Dialog, message: Incoming) -> Replies:
    text = _(
        "<b>Отвязать Telegram от аккаунта?</b>\n"
        "Заявки останутся на портале, уведомления сюда приходить перестанут."
    )
    return [
        message.screen(
            text,
            kb.inline(
                [
                    kb.button(_("Да, отвязать"), "unlink_yes"),
                    kb.button(_("Нет"), "settings"),
                ]
            ),
        )
    ]


def unlink(dialog: Dialog, message: Incoming) -> Replies:
    unlink_messenger(user=message.customer, channel=TELEGRAM)
    dialog.draft, dialog.draft_at, dialog.kept = {}, None, []
    dialog.set_step("")
    return [message.screen(_("Telegram отвязан. Чтобы связать снова, отправьте /start."))]
