"""An update as the flows see it, and what a flow and an inquiry are."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from telegram import Bot, CallbackQuery, Message, Update
from telegram.constants import ChatType

from accounts.links import linked_account
from accounts.models import MessengerAccount, User
from telegram_bot.content import with_quotation
from telegram_bot.keyboards import KEPT, Keyboard, parse
from telegram_bot.models import TELEGRAM, Dialog
from telegram_bot.replies import Replies, Reply, answer, edit, say
from tickets.text import clean_line, clean_text

USERNAME_LIMIT = 64  # characters; Telegram's own are shorter

Inquiry = Callable[[Bot, Update], Awaitable[str | None]]


@dataclass
class Incoming:
    """What a person sent or pressed, as the flows see it."""

    update: Update
    bot_id: int = 0
    bot_username: str = ""
    facts: str | None = None  # what was asked of Telegram before the transaction

    @property
    def is_private(self) -> bool:
        chat = self.update.effective_chat
        return chat is not None and chat.type == ChatType.PRIVATE

    @property
    def is_edit(self) -> bool:
        return self.update.edited_message is not None

    @property
    def topic(self) -> int:
        """The forum topic of a group message, 0 outside of one."""
        sent = self.message
        return (sent.message_thread_id or 0) if sent and sent.is_topic_message else 0

    @property
    def press(self) -> CallbackQuery | None:
        return self.update.callback_query

    @property
    def message(self) -> Message | None:
        return self.update.effective_message

    @property
    def telegram_id(self) -> int:
        return self.update.effective_user.id if self.update.effective_user else 0

    @property
    def chat_id(self) -> int:
        return self.update.effective_chat.id if self.update.effective_chat else 0

    @property
    def chat_title(self) -> str:
        return clean_line((self.update.effective_chat and self.update.effective_chat.title) or "")

    @property
    def message_id(self) -> int:
        return self.message.message_id if self.message else 0

    @property
    def name(self) -> str:
        user = self.update.effective_user
        return clean_line(user.first_name) if user else ""

    @property
    def username(self) -> str:
        user = self.update.effective_user
        return clean_line((user and user.username) or "")[:USERNAME_LIMIT]

    @property
    def replied_id(self) -> int:
        replied = self.message and not self.press and self.message.reply_to_message
        return replied.message_id if replied else 0

    @property
    def text(self) -> str:
        return clean_text((self.message and (self.message.text or self.message.caption)) or "")

    @property
    def typed(self) -> str:
        """The words the person has typed here: no caption, nothing forwarded or made by a bot."""
        sent = self.message
        is_typed = sent and sent.text and not sent.forward_origin and not sent.via_bot
        return self.text if is_typed else ""

    @property
    def words(self) -> str:
        """The text, under the words it quotes."""
        sent = self.message
        return with_quotation(sent, self.text) if sent and not self.press else self.text

    @property
    def is_forwarded(self) -> bool:
        return bool(self.message and not self.press and self.message.forward_origin)

    @property
    def order(self) -> str:
        """The words that may order something: those of others, forwarded, never do."""
        return "" if self.is_forwarded else self.text

    @property
    def album(self) -> str:
        return (self.message and not self.press and self.message.media_group_id) or ""

    @property
    def data(self) -> str:
        return clean_line((self.press and self.press.data) or "")

    @property
    def argument(self) -> str:
        """What follows a command: words to find, or the payload of a deep link."""
        return self.text.partition(" ")[2].strip()

    @cached_property
    def account(self) -> MessengerAccount | None:
        """The link of this person, None while they may not be served."""
        return linked_account(channel=TELEGRAM, address=str(self.telegram_id))

    @property
    def link(self) -> int | None:
        return self.account.pk if self.account else None

    @property
    def user(self) -> User | None:
        return self.account.user if self.account else None

    @property
    def own_account(self) -> MessengerAccount:
        """The link of this person, for flows that are registered with `linked` only."""
        if self.account is None:
            raise LookupError("this flow is for linked people")
        return self.account

    @property
    def customer(self) -> User:
        """The linked person, for the same flows."""
        return self.own_account.user

    def say(self, text: str, keyboard: Keyboard | None = None, **options: Any) -> Reply:
        return say(self.chat_id, text, keyboard, **options)

    @property
    def is_kept(self) -> bool:
        """Whether a button was pressed on a message worth keeping: a notice, a confirmation."""
        return parse(self.data)[1][-1:] == [KEPT]

    def screen(self, text: str, keyboard: Keyboard | None = None, **options: Any) -> Reply:
        """Navigation changes the message whose button was pressed; else it is a new one."""
        if self.press and self.message_id and not self.is_kept:
            return edit(self.chat_id, self.message_id, text, keyboard, **options)
        return self.say(text, keyboard, **options)

    def toast(self, text: str, *, alert: bool = False) -> list[Reply]:
        return [answer(self.press.id, text, alert=alert)] if self.press else [self.say(text)]


Flow = Callable[[Dialog, Incoming], Replies]
