"""The menu, help, cancel, and the answers to what fits nowhere."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.phone import mask_email
from accounts.security import Origin
from accounts.services import unlink_messenger
from config.compiled import Compiled
from telegram_bot import keyboards as kb
from telegram_bot.content import left_out
from telegram_bot.incoming import Incoming
from telegram_bot.models import DRAFT_STEPS, TELEGRAM, Dialog
from telegram_bot.replies import REMOVE_KEYBOARD, Replies, Reply
from telegram_bot.templating import render
from tickets.announcements import announced_columns
from tickets.models import Ticket
from tickets.queries import REQUESTER, awaiting_count, bounded, count_of

# Steps that show a reply keyboard under the input field: it goes when the step is left.
KEYBOARD_STEPS = {"phone", "files", "confirm"}


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
    awaiting, count, *texts = next(COLUMNS.rows(user.pk, timezone.now()))
    opened = bounded(count)
    text = render(
        "menu",
        user=user,
        open=opened,
        awaiting=bounded(awaiting) if awaiting else "",
        announced=[text for text in texts if text],
    )
    label = _("📋 Список открытых заявок")
    return message.screen(
        text,
        kb.inline(
            [kb.button(_("➕ Создать новую заявку"), "new")],
            [kb.button(f"{label} · {opened}" if count else label, "list")],
            awaiting_row(awaiting),
            [
                kb.portal(_("🌐 Портал")),
                kb.button(_("⚙️ Настройки"), "settings"),
                kb.button(_("❓ Помощь"), "help"),
            ],
        ),
    )


def _columns(user: int, now: datetime) -> QuerySet[User, Any]:
    """All that the menu tells, in one query."""
    person = User(pk=user)
    opened = count_of(Ticket.objects.own(person).open(), REQUESTER)
    columns = awaiting_count(person), opened, *announced_columns(now)
    return User.objects.filter(pk=user).values_list(*columns)


COLUMNS = Compiled(_columns, int, datetime)


def awaiting_row(count: int) -> list[kb.Button]:
    """The way to what waits for the person, where something does."""
    label = _("❗ Ждут вас")
    return [kb.button(f"{label} · {bounded(count)}", "awaiting")] if count else []


def show_menu(dialog: Dialog, message: Incoming) -> Replies:
    return [*leave_step(dialog, message), menu_screen(message, message.customer)]


def show_help(dialog: Dialog, message: Incoming) -> Replies:
    more = [kb.portal(_("📖 Справка"), f"{reverse('help')}#telegram")]
    back = [kb.button(_("‹ Меню"), "menu")] if message.user else []
    return [message.screen(render("help", linked=bool(message.user)), kb.inline(more, back))]


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


def no_products(dialog: Dialog, message: Incoming) -> Replies:
    """Nothing to open a ticket for: whom to ask. Words that were given already wait for /new."""
    dialog.set_step("")
    is_begun = "title" in dialog.draft or "files" in dialog.draft
    if not is_begun:
        dialog.draft, dialog.draft_at = {}, None
    text = render("no_products", email=settings.STAFF_EMAIL, is_begun=is_begun)
    ways_out = [kb.button(_("‹ Меню"), "menu"), kb.portal(_("🌐 Портал"))]
    return [message.screen(text, kb.inline(ways_out))]


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
                [kb.portal(_("🔔 Что и куда присылать"), reverse("notifications"))],
                [kb.button(_("🔗 Отвязать Telegram"), "unlink")],
                [kb.button(_("‹ Меню"), "menu")],
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
    person = message.customer
    unlink_messenger(user=person, channel=TELEGRAM, origin=Origin(person))
    message.account = None  # this very answer is for somebody who has no link
    return [message.screen(_("Telegram отвязан. Чтобы связать снова, отправьте /start."))]
