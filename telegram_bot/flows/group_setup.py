"""A group and the bot in it: the welcome's check-list, `/config`, coming, going and moving (R7)."""

from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from telegram import Bot, ChatMember, Update
from telegram.error import TelegramError

from accounts.quotas import count_change
from accounts.services import note_seen, note_unreachable
from telegram_bot import keyboards as kb
from telegram_bot.flows.menu import stale_button
from telegram_bot.groups import known_group, migrate_group, note_removal
from telegram_bot.incoming import Incoming
from telegram_bot.keyboards import registration_link
from telegram_bot.models import TELEGRAM, Dialog, Group, GroupProduct
from telegram_bot.replies import Replies, Reply, edit
from telegram_bot.templating import render
from tickets.models import Product

NOBODY = {1087968824, 136817688, 777000}  # anonymous admin, a channel, a linked channel's posts
ADMINS = {ChatMember.OWNER, ChatMember.ADMINISTRATOR}
AWAY = {ChatMember.LEFT, ChatMember.BANNED}
UNREGISTERED = gettext_lazy("Сначала зарегистрируйтесь: напишите мне в личный чат.")


async def rights_in_chat(bot: Bot, update: Update) -> str | None:
    """The person's standing in the group now, None when Telegram does not say."""
    person = update.effective_user
    return await _standing(bot, update, person.id) if person else None


async def bot_rights(bot: Bot, update: Update) -> str | None:
    return await _standing(bot, update, bot.id)


async def _standing(bot: Bot, update: Update, telegram_id: int) -> str | None:
    chat = update.effective_chat
    if chat is None:
        return None
    try:
        return (await bot.get_chat_member(chat.id, telegram_id)).status
    except TelegramError:
        return None


# The bot comes, goes, is promoted; the group moves or is renamed


def membership_changed(dialog: Dialog, message: Incoming) -> Replies:
    change = message.update.my_chat_member
    if change is None:
        return []
    if message.is_private:
        _note_block(message, blocked=_is_away(change.new_chat_member))
        return []
    if _is_away(change.new_chat_member):
        note_removal(message.chat_id)
        return []
    group = known_group(message.chat_id, message.chat_title)
    group.bot_is_admin = change.new_chat_member.status == ChatMember.ADMINISTRATOR
    group.save(update_fields=["bot_is_admin"])
    came = _is_away(change.old_chat_member)
    return [_welcome(message, group)] if came else _update_welcome(message, group)


def _note_block(message: Incoming, *, blocked: bool) -> None:
    """The person has stopped the bot in the private chat, or lets it write again."""
    if blocked:
        note_unreachable(channel=TELEGRAM, address=str(message.chat_id))
    elif message.account:
        note_seen(message.account, username=message.username)


def _is_away(member: ChatMember) -> bool:
    """Out of the group; a restricted member may be either."""
    return member.status in AWAY or not getattr(member, "is_member", True)


def service_message(dialog: Dialog, message: Incoming) -> Replies:
    """A new title, or the group has become a supergroup: told in the old chat and in the new."""
    sent = message.message
    if sent and sent.migrate_to_chat_id:
        migrate_group(message.chat_id, sent.migrate_to_chat_id)
        return []
    if sent and sent.migrate_from_chat_id:
        migrate_group(sent.migrate_from_chat_id, message.chat_id)
    group = known_group(message.chat_id, message.chat_title)
    lost = group.welcome_message_id is None and not _is_ready(group)
    return [_welcome(message, group)] if lost else []


# The list of things to do ticks itself off in place


def check_again(dialog: Dialog, message: Incoming) -> Replies:
    if message.is_private:
        return stale_button(dialog, message)
    group = known_group(message.chat_id, message.chat_title)
    if message.facts is not None:
        group.bot_is_admin = message.facts in ADMINS
        group.save(update_fields=["bot_is_admin"])
    text = _("Всё готово.") if _is_ready(group) else _("Ещё не всё сделано.")
    return [*message.toast(text), message.screen(*_checklist(message, group))]


def _is_ready(group: Group) -> bool:
    return group.bot_is_admin and group.products.exists()


def _checklist(message: Incoming, group: Group) -> tuple[str, kb.Keyboard | None]:
    text = render(
        "group_welcome",
        admin=group.bot_is_admin,
        product=group.products.exists(),
        bot=message.bot_username,
    )
    check = kb.inline([kb.button(_("🔄 Проверить"), "group_check")])
    return text, None if _is_ready(group) else check


def _welcome(message: Incoming, group: Group) -> Reply:
    return message.say(*_checklist(message, group), is_welcome=True)


def _update_welcome(message: Incoming, group: Group) -> list[Reply]:
    if not group.welcome_message_id:
        return []
    return [edit(group.chat_id, group.welcome_message_id, *_checklist(message, group))]


# /help and /config


def show_help(dialog: Dialog, message: Incoming) -> Replies:
    text = render("group_help", bot=message.bot_username)
    return [message.say(text, reply_to=message.message_id, topic=message.topic)]


def show_private_chat(dialog: Dialog, message: Incoming) -> Replies:
    """A command for the private chat was sent to a group."""
    text = _("Эта команда работает в личном чате со мной.")
    way = kb.inline([kb.link(_("💬 Открыть личный чат"), f"https://t.me/{message.bot_username}")])
    return [message.say(text, way, reply_to=message.message_id, topic=message.topic)]


def config(dialog: Dialog, message: Incoming) -> Replies:
    refusal = _config_refusal(message)
    return [_refuse(message, refusal) if refusal else _product_screen(message, message.topic)]


def _config_refusal(message: Incoming) -> str:
    if message.is_private:
        return _("Эта команда работает в группе: добавьте меня в группу и отправьте её там.")
    if message.telegram_id in NOBODY:
        return _(
            "Вы пишете анонимно, и я не вижу, кто вы. Отключите анонимность администратора"
            " или попросите другого администратора."
        )
    if message.facts is None:
        return _("Не получилось проверить ваши права. Попробуйте ещё раз через минуту.")
    if message.facts not in ADMINS:
        return _("Настраивать бота может администратор группы.")
    if message.user is None:
        return str(UNREGISTERED)
    return ""


def _refuse(message: Incoming, text: str) -> Reply:
    if message.press:
        return message.toast(text, alert=True)[0]
    return message.say(
        format_html("{}", text),
        registration_link(message.bot_username) if text == UNREGISTERED else None,
        reply_to=message.message_id,
        topic=message.topic,
    )


def _product_screen(message: Incoming, topic: int, page: int = 1) -> Reply:
    products = list(Product.objects.filter(is_active=True))
    buttons = [
        kb.button(f"{row.icon} {row.name}".strip(), "group_product", row.pk, topic)
        for row in products
    ]
    return message.screen(
        render(
            "group_config",
            title=known_group(message.chat_id, message.chat_title).title,
            topic=topic,
            products=products,
        ),
        kb.inline(*kb.paged(buttons, page, f"group_products:{topic}")),
        **({} if message.press else {"topic": topic, "reply_to": message.message_id}),
    )


def turn_products(dialog: Dialog, message: Incoming) -> Replies:
    ids = kb.parse_ids(kb.parse(message.data)[1], 2)
    refusal = _config_refusal(message)
    if refusal or ids is None:
        return [_refuse(message, refusal or _("Кнопка устарела."))]
    return [_product_screen(message, *ids)]


def take_product(dialog: Dialog, message: Incoming) -> Replies:
    """Rights are checked again: who pressed may be somebody else than who asked."""
    product_id, topic = kb.parse_ids(kb.parse(message.data)[1], 2) or (0, 0)
    product = Product.objects.filter(pk=product_id, is_active=True).first()
    refusal = _config_refusal(message)
    if refusal or product is None:
        gone = _("Этот продукт больше не доступен. Отправьте /config ещё раз.")
        return [_refuse(message, refusal or gone)]
    count_change(message.customer)
    group = known_group(message.chat_id, message.chat_title)
    GroupProduct.objects.update_or_create(
        group=group,
        topic=topic,
        defaults={
            "product": product,
            "chosen_by": message.customer,
            "chosen_at": timezone.now(),
        },
    )
    bot = message.bot_username
    text = render("group_configured", product=product, bot=bot, topic=topic, group=group)
    return [message.screen(text), *_update_welcome(message, group)]
