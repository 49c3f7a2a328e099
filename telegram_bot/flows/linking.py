"""Linking Telegram with a portal account: own phone, then the PIN from the mail (R2)."""

import re
from collections.abc import Iterable
from functools import wraps
from math import ceil

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.links import linked_account
from accounts.models import BotRegistration, LinkPin
from accounts.phone import contact_phone, mask_email, mask_phone
from accounts.services import (
    AlreadyLinked,
    PinExpired,
    PinLimitReached,
    PinLocked,
    PinNotSent,
    PinTooSoon,
    PinWrong,
    RegistrationWithdrawn,
    confirm_link_pin,
    registrations_of_phone,
    request_link_pin,
)
from config.numerals import time_span
from telegram_bot import keyboards as kb
from telegram_bot.flows.menu import menu_screen
from telegram_bot.incoming import Flow, Incoming
from telegram_bot.models import TELEGRAM, Dialog
from telegram_bot.replies import REMOVE_KEYBOARD, Replies, Reply, delete
from telegram_bot.templating import render
from tickets.announcements import announced
from tickets.delivery import tell

ACCOUNTS_OFFERED = 10  # of those that registered one phone
PIN_LIKE = re.compile(r"[0-9]{6}")


def linked(flow: Flow) -> Flow:
    """A flow for people whose Telegram is linked; others are asked to link it first."""

    @wraps(flow)
    def wrapper(dialog: Dialog, message: Incoming) -> Replies:
        return flow(dialog, message) if message.user else ask_phone(dialog, message)

    return wrapper


def ask_phone(dialog: Dialog, message: Incoming) -> Replies:
    if message.user:  # an old button: the linked have nothing to prove
        return [menu_screen(message, message.user)]
    dialog.draft, dialog.draft_at = {}, None
    dialog.set_step("phone")
    return [message.say(_words_of_begin(message), kb.contact())]


def _words_of_begin(message: Incoming) -> str:
    return render("ask_phone", name=message.name, url=_portal_page(), announced=announced())


def check_again(dialog: Dialog, message: Incoming) -> Replies:
    """The number itself is kept nowhere before it is registered: it has to be shared again."""
    if message.user:
        return ask_phone(dialog, message)
    dialog.set_step("phone")
    text = _("Отправьте номер ещё раз кнопкой ниже: проверю, появился ли он на портале.")
    return [message.say(text, kb.contact())]


def _portal_page() -> str:
    return settings.PORTAL_URL + reverse("bot_registration")


def take_typed_phone(dialog: Dialog, message: Incoming) -> Replies:
    pin = _open_pin(message)
    if pin and PIN_LIKE.fullmatch(message.typed):  # the letter came after a new /start
        dialog.set_step("pin", registration=pin.registration_id)
        return take_pin(dialog, message)
    text = _(
        "Так номер принять нельзя: мне нужно убедиться, что он ваш. Нажмите «📱 Отправить мой"
        " номер» под полем ввода. Не видите кнопку? Нажмите значок ⌘/▦ справа от поля."
    )
    return [message.say(text, kb.contact())]


def _open_pin(message: Incoming) -> LinkPin | None:
    mine = LinkPin.objects.filter(channel=TELEGRAM, address=str(message.telegram_id))
    return mine.filter(closed_at=None).first()


def _registrations(phone: str) -> list[BotRegistration]:
    return list(registrations_of_phone(channel=TELEGRAM, phone=phone)[:ACCOUNTS_OFFERED])


def take_contact(dialog: Dialog, message: Incoming) -> Replies:
    """Only the sender's own card, sent from here, proves a phone."""
    if message.user:
        return [message.say(_("Ваш Telegram уже связан с порталом. Меню: /start"))]
    sent = message.message
    contact = sent.contact if sent else None
    own = (
        sent is not None
        and contact is not None
        and contact.user_id == message.telegram_id
        and sent.forward_origin is None
    )
    phone = contact_phone(contact.phone_number) if own and contact else None
    dialog.set_step("phone")
    if not own:
        text = _("Это контакт другого человека. Нажмите кнопку, чтобы отправить свой номер.")
        return [message.say(text, kb.contact())]
    registrations = _registrations(phone) if phone else []
    if not registrations:
        return _unknown_phone(message, phone)
    if len(registrations) > 1:
        return _choose_account(dialog, message, registrations)
    return [
        message.say(_("Спасибо, номер получен."), REMOVE_KEYBOARD),
        *_send_pin(dialog, message, registrations[0]),
    ]


def _unknown_phone(message: Incoming, phone: str | None) -> Replies:
    if phone:
        text = _(
            "Номер %(phone)s не зарегистрирован. Откройте портал → «Регистрация в чат-боте»,"
            " укажите этот номер и вернитесь сюда."
        ) % {"phone": mask_phone(phone)}
    else:
        text = _(
            "Портал принимает только российские номера, вида +7XXXXXXXXXX. Если у вас есть Telegram"
            " с таким номером, укажите его на портале и напишите мне оттуда."
        )
    return [
        message.say(
            text,
            kb.inline(
                [kb.link(_("🌐 Зарегистрироваться"), _portal_page())],
                *([[kb.button(_("🔄 Проверить ещё раз"), "phone")]] if phone else []),
            ),
        )
    ]


def _choose_account(
    dialog: Dialog, message: Incoming, registrations: list[BotRegistration]
) -> Replies:
    dialog.set_step("account", registrations=[row.pk for row in registrations])
    return [
        message.say(_("Спасибо, номер получен."), REMOVE_KEYBOARD),
        _account_screen(message, registrations),
    ]


def _account_screen(message: Incoming, registrations: Iterable[BotRegistration]) -> Reply:
    return message.say(
        _("Этот номер указан в нескольких аккаунтах. Какой связать с Telegram?"),
        kb.inline(
            *[[kb.button(mask_email(row.user.email), "account", row.pk)] for row in registrations],
            [kb.cancel("account")],
        ),
    )


def expect_account(dialog: Dialog, message: Incoming) -> Replies:
    """Words where a button is the answer."""
    offered = BotRegistration.objects.filter(
        pk__in=dialog.data.get("registrations", []), withdrawn_at=None
    )
    return [
        message.say(_("Сначала выберите аккаунт кнопкой.")),
        _account_screen(message, offered.select_related("user")),
    ]


def choose_account(dialog: Dialog, message: Incoming) -> Replies:
    """The pressed account must be one of those offered for the phone that was proven here."""
    ids = kb.parse_ids(kb.parse(message.data)[1], 1)
    if not ids or ids[0] not in dialog.data.get("registrations", []):
        return message.toast(_("Кнопка устарела. Отправьте /start"))
    return _send_pin_again(dialog, message, ids[0])


def resend_pin(dialog: Dialog, message: Incoming) -> Replies:
    registration = dialog.data.get("registration")
    if dialog.step != "pin" or not registration:
        return message.toast(_("Кнопка устарела. Отправьте /start"))
    return _send_pin_again(dialog, message, registration)


def _send_pin_again(dialog: Dialog, message: Incoming, registration_id: int) -> Replies:
    registration = BotRegistration.objects.select_related("user").filter(pk=registration_id).first()
    if registration is None or message.user:
        return ask_phone(dialog, message)
    return _send_pin(dialog, message, registration)


def _send_pin(dialog: Dialog, message: Incoming, registration: BotRegistration) -> Replies:
    try:
        request_link_pin(registration=registration, address=str(message.telegram_id))
    except RegistrationWithdrawn:
        return ask_phone(dialog, message)
    except AlreadyLinked:
        dialog.set_step("")
        text = _(
            "Этот аккаунт уже связан с другим Telegram. Отвяжите его на портале в разделе"
            " «Регистрация в чат-боте» и отправьте /start."
        )
        return [message.say(text, REMOVE_KEYBOARD)]
    except PinLimitReached as limit:
        text = _limit_text(limit)
        if message.press:
            return message.toast(text, alert=True)
        dialog.set_step("pin", registration=registration.pk)
        return [message.say(text, _pin_keyboard())]
    dialog.set_step("pin", registration=registration.pk)
    return [
        message.say(render("enter_pin", email=mask_email(registration.user.email)), _pin_keyboard())
    ]


def _limit_text(limit: PinLimitReached) -> str:
    wait = time_span(max(1, ceil(limit.wait.total_seconds())))
    if isinstance(limit, PinLocked):
        return _("Слишком много попыток. Новый код можно запросить через %(wait)s.") % {
            "wait": wait
        }
    if isinstance(limit, PinTooSoon):
        return _("Код уже отправлен. Новый можно запросить через %(wait)s.") % {"wait": wait}
    return _("Кодов запрошено слишком много. Новый можно запросить через %(wait)s.") % {
        "wait": wait
    }


def _pin_keyboard(resend: str = "") -> kb.Keyboard:
    return kb.inline(
        [
            kb.button(resend or _("✉️ Отправить ещё раз"), "resend_pin"),
            kb.cancel("pin"),
        ]
    )


def take_pin(dialog: Dialog, message: Incoming) -> Replies:
    if message.is_forwarded:
        text = _("Пересланное сообщение кодом не считаю. Введите 6 цифр из письма сами.")
        return [message.say(text, _pin_keyboard())]
    try:
        account = confirm_link_pin(
            channel=TELEGRAM,
            address=str(message.telegram_id),
            code=message.typed,
            username=message.username,
        )
    except PinWrong as wrong:
        text = _("Код не подошёл. Осталось попыток: %(left)s.") % {"left": wrong.tries_left}
        return [message.say(text, _pin_keyboard())]
    except PinLocked as limit:
        return [message.say(_limit_text(limit), _pin_keyboard(_("✉️ Прислать новый")))]
    except PinExpired:
        return [message.say(_("Срок кода истёк."), _pin_keyboard(_("✉️ Прислать новый")))]
    except PinNotSent:
        text = _("Письмо с кодом ещё не ушло. Введите код, когда письмо придёт.")
        return [message.say(text, _pin_keyboard())]
    except AlreadyLinked:
        dialog.set_step("")
        return [message.say(_("Этот аккаунт уже связан с другим Telegram."))]
    return _welcome(dialog, message, account.pk)


def _welcome(dialog: Dialog, message: Incoming, link_id: int) -> Replies:
    dialog.set_step("")
    account = message.account = linked_account(channel=TELEGRAM, address=str(message.telegram_id))
    if account is None:
        return ask_phone(dialog, message)
    user = account.user
    tell(
        channel="email",
        kind="linked",
        address=user.email,
        recipient=user,
        key=f"linked:{link_id}:{message.update.update_id}",
    )
    return [
        delete(message.chat_id, message.message_id),
        message.say(render("linked", email=mask_email(user.email))),
        menu_screen(message, user),
    ]
